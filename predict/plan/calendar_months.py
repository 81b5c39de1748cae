"""From the plan's months of 30 days to the calendar months that people read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np

from fleet.batch import FloatColumn
from predict.demand.fleet import together
from predict.plan.window import MONTH_DAYS, thinned


@dataclass(frozen=True, slots=True)
class CalendarMonth:
    """A calendar month by its first day, and the share of each of the plan's months in it."""

    first: date
    shares: tuple[tuple[int, float], ...]

    def of(self, months: Sequence[FloatColumn]) -> FloatColumn:
        """The distribution of its pieces, given those of the plan's months."""
        parts = [thinned(months[number], share) for number, share in self.shares]
        return together(parts)


def calendar_months(at: datetime, months: int) -> list[CalendarMonth]:
    """So many calendar months, the first being the rest of that of the plan; the last of the plan's
    months repeats."""
    found = []
    begin = 0
    first = at.date().replace(day=1)
    for _ in range(months):
        following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
        end = (following - at.date()).days
        found.append(CalendarMonth(first, tuple(_shares(begin, end, months))))
        first, begin = following, end
    return found


def _shares(begin: int, end: int, months: int) -> list[tuple[int, float]]:
    """The plan's months that days `begin` to `end` lie in, each with its share."""
    edges = np.arange(begin // MONTH_DAYS, -(-end // MONTH_DAYS))
    return [
        (min(int(n), months - 1),
         (min(end, (n + 1) * MONTH_DAYS) - max(begin, n * MONTH_DAYS)) / MONTH_DAYS)
        for n in edges.tolist()
    ]  # fmt: skip
