"""Every request and response of the interface, one module per noun."""
