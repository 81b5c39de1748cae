"""The dashboard: its pure parts, and the whole of it in a browser."""
