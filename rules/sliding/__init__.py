"""Windows of machine time, kept as numbers that slide on with the rows that come."""
