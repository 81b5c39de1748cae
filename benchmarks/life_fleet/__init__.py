"""Remaining life of a simulated fleet's parts: do the intervals hold, how far is the middle off."""
