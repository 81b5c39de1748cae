"""Remaining useful life: the product's learned model on C-MAPSS FD001."""
