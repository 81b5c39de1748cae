"""How fast history is replayed."""
