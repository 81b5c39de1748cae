"""`ironpulse demo`: servers, a fleet with a past, live machines, and all processes, at once."""
