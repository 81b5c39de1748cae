"""Machines that are not heard, or whose clocks are wrong."""
