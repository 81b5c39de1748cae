"""Machines that do not exist, one hidden state each: duty, wear and faults drive all signals."""
