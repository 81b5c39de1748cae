"""What the engine says: an alarm was raised or cleared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class AlarmChange:
    """An alarm was raised or cleared at `at`, event time in milliseconds since 1970 UTC.

    `since` is when the condition that led to it began, `raised_at` when the alarm was raised.
    `values` are the signals that explain it as they stood at `at` (unknown ones left out),
    `windows` the values of the rule's window functions by their text, `codes` the trouble codes
    of a fault rule, `learned` what a learned detector says of its finding.
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
    learned: Mapping[str, Any] | None = None

    @property
    def failure_modes(self) -> tuple[str, ...]:
        """Modes that fit a learned detector's finding, the likeliest first."""
        named = (self.learned or {}).get("failure_modes", ())
        return tuple(one["mode"] for one in named)
