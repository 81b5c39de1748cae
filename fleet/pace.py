"""How fast a counter can grow: what tells a wear of hours from a value that cannot be."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

from fleet.batch import FloatColumn
from fleet.clock import MS_PER_HOUR
from fleet.plan import ProductPlan

HOURS_PER_HOUR = 1.1
HOURS_SLACK = 0.25
#: A part worn out within this time, counted from its short life, is a fault of the counter.
SHORTEST_LIFE_H = 24.0
SLACK_OF_LIFE = 0.002

Elapsed = TypeVar("Elapsed", float, FloatColumn)


@dataclass(frozen=True, slots=True)
class Pace:
    """The fastest a counter can grow: `per_h` an hour beside `slack` at once."""

    per_h: float
    slack: float

    def most(self, elapsed_ms: Elapsed) -> Elapsed:
        """The most it can grow in so many milliseconds, (n,) or one."""
        return self.slack + self.per_h * elapsed_ms / MS_PER_HOUR

    def allows(self, growth: float, elapsed_ms: float) -> bool:
        return 0 <= growth <= self.most(elapsed_ms)


#: Of what nobody knows how fast it can grow.
ANY_PACE = Pace(0.0, math.inf)


def pace_of(plan: ProductPlan, key: str) -> Pace:
    """How fast a counter can grow: hours by the clock, others by the life of what they wear; of
    what is no counter, or wears nothing, nobody knows."""
    signal = plan.signal.get(key)
    if signal is None or signal.kind != "counter":
        return ANY_PACE
    if signal.unit == "h":
        return Pace(HOURS_PER_HOUR, HOURS_SLACK)
    lives = [
        part.life.low / part.driver.per_count for part in plan.parts if part.driver.counter == key
    ]
    if not lives:
        return ANY_PACE
    return Pace(max(lives) / SHORTEST_LIFE_H, max(lives) * SLACK_OF_LIFE)
