"""Shared words of Ironpulse: plans, batches, texts, errors and the clock."""
