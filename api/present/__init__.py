"""Rows of the store and product plans, turned into answers. Pure functions."""
