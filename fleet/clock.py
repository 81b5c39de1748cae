"""The only module that reads the clock. All other code takes times as arguments."""

from __future__ import annotations

import time
from datetime import UTC, datetime

MS_PER_S = 1_000
MS_PER_HOUR = 3_600_000
MS_PER_DAY = 86_400_000
#: No device of ours is older (milliseconds since 1970 UTC: 2015-01-01): its clock was never set.
CLOCK_SET_MS = 1_420_070_400_000


def now_ms() -> int:
    """Milliseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1_000_000


def monotonic_s() -> float:
    """Seconds on a clock that never steps; for durations and time-outs only."""
    return time.monotonic()


def to_datetime(epoch_ms: int) -> datetime:
    """The moment `epoch_ms` (milliseconds since 1970 UTC) as an aware datetime in UTC."""
    seconds, millis = divmod(int(epoch_ms), MS_PER_S)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=millis * 1000)


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970 UTC of an aware datetime.

    Raises ValueError for a naive datetime: its zone would be a guess.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone; give an aware datetime")
    return round(moment.timestamp() * MS_PER_S)
