"""The composition root: the command line, the settings, the private servers and the demo."""
