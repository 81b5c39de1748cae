"""One module per page; `draw()` draws it."""
