"""Rules at work: the worker, what it reads from the store and what it keeps there."""
