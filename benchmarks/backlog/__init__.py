"""How live machines fare while a backlog drains."""
