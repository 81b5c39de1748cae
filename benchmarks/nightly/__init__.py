"""The nightly run: remaining life, dates, alerts, services and visits of a whole fleet."""
