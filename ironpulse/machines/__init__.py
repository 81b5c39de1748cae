"""`ironpulse machines`: the registry of machines, and what they sign in with at the broker.

`sheet` reads CSV files and finds all that is wrong with them, `work` writes the registry, then the
broker's accounts, then puts back what had come too early; `keeping` is where passwords and
certificates stay before the broker hears of them.
"""
