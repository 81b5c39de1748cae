"""What becomes of what the engine says: the life of alarms, and what late data puts right."""
