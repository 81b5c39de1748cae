"""Anomalies of the water-circulation test bench SKAB v0.9 (34 labelled recordings)."""
