"""Findings become visits, and visits run through their life to a finding code."""

from tickets.dispatch import Decision, dispatch

__all__ = ["Decision", "dispatch"]
