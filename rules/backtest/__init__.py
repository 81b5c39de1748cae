"""Rules tried on history."""
