"""Programs of others that tests run as devices, each in a process with its own libraries."""
