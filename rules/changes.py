"""What the engine says: an alarm was raised or cleared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class AlarmChange:
    """An alarm was raised or cleared at `at`, event time in milliseconds since 1970 UTC.

    `since` is when the condition that led to it began, `raised_at` when the alarm was raised.
    `values` are the signals that explain it as they stood at `at` (unknown ones left out),
    `windows` the values of the rule's window functions by their text, `codes` the trouble codes
    of a fault rule.
    """

    machine_id: int
    rule: str
    component: str
    kind: Literal["raised", "cleared"]
    at: int
    since: int
    raised_at: int
    regime: str | None = None
    values: Mapping[str, float] | None = None
    windows: Mapping[str, float] | None = None
    codes: tuple[Mapping[str, object], ...] = ()
