"""`python -m ironpulse` is the command line."""

from ironpulse.cli import app

app()
