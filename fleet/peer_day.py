"""What was normal for a fleet on one day."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PeerDay:
    """One day of the machines of a region: `key` what was compared, `day` days since 1970 UTC,
    median and spread (scaled median absolute deviation) over so many machines."""

    key: str
    region: str
    day: int
    level: float
    spread: float
    machines: int
