"""Sparkplug B, as a host application.

`host` holds the session at the broker, `nodes` knows what edge nodes said of themselves (aliases,
sequence), `certificates` reads one payload that needs nobody's memory any more. `schema` is the
payload's form, `topics` its address.
"""
