"""How many samples a second the rules judge: the whole live path, and the pure fold in it."""
