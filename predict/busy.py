"""When machines work: expected activity day by day, the season of a product in a climate as its
machines show it, and a machine's own season where a year of it is known.

Everything counts in days of mean activity, so that use divided by activity is the same in a quiet
month and in a busy one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from fleet.batch import FloatColumn, IntColumn
from fleet.clock import MS_PER_DAY, to_datetime
from fleet.season import Climate, Season, activity

#: Use is looked back on and forecast so many days.
BACK_DAYS, AHEAD_DAYS = 400, 1096
#: Where a plan expects no work some is done all the same.
_LEAST = 0.02
#: Days of activity a season is believed beforehand, per month of the year: by the fleet's, and by a
#: machine's own.
_PEERS_WORTH, _OWN_WORTH = 120.0, 60.0
#: A machine's own months count once so many are known.
LEAST_OWN_MONTHS = 12

Months = FloatColumn
"""Factors (12,) on a plan's months, January first."""


@dataclass(frozen=True, slots=True)
class Busy:
    """Activity of m machines: `total` (m, days + 1) since the day `first_ms` begins (UTC)."""

    first_ms: int
    total: FloatColumn

    def until(self, row: IntColumn, at_ms: FloatColumn) -> FloatColumn:
        """Activity of machines `row` (n,) from the first day to moments (n, ...)."""
        days = np.clip((at_ms - self.first_ms) / MS_PER_DAY, 0.0, self.total.shape[1] - 1.0)
        whole = np.minimum(days.astype(np.int64), self.total.shape[1] - 2)
        owner = row.reshape(-1, *([1] * (days.ndim - 1)))
        low, high = self.total[owner, whole], self.total[owner, whole + 1]
        return np.asarray(low + (high - low) * (days - whole))


def busy(seasons: Sequence[tuple[Season | None, Climate, Months | None]], now_ms: int) -> Busy:
    """Activity of machines around `now_ms`, each by its plan's season, its climate, and factors
    on the months (None: as the plan says)."""
    first = to_datetime(now_ms).date() - timedelta(days=BACK_DAYS)
    first_ms = _ms(first)
    days = BACK_DAYS + AHEAD_DAYS + 1
    month = months_of(first, days)
    daily = np.empty((len(seasons), days))
    for row, (season, climate, factors) in enumerate(seasons):
        plain = activity(season, climate, first, days)
        daily[row] = plain if factors is None else plain * factors[month]
    total = np.zeros((len(seasons), days + 1))
    np.cumsum(np.maximum(daily, _LEAST), axis=1, out=total[:, 1:])
    return Busy(first_ms, total)


def months_of(first: date, days: int) -> IntColumn:
    """Month of the year (days,), January 0, of the days from `first` on."""
    dates = np.datetime64(first) + np.arange(days)
    return np.asarray(dates.astype("datetime64[M]").astype(np.int64) % 12)


def season_shown(
    machine: IntColumn,
    month: IntColumn,
    hours: FloatColumn,
    expected: FloatColumn,
    prior: Months | None = None,
) -> Months:
    """Factors (12,) on the expected months, from what machines did.

    Every row (n,) is one month of a `machine`: its `month` (January 0), `hours` of work and
    `expected` activity. Each machine counts by its own level. Little seen moves little: with a
    `prior` (a product's factors, for a single machine) what is seen stands against that.
    """
    before = np.ones(12) if prior is None else prior
    worth = _PEERS_WORTH if prior is None else _OWN_WORTH
    believed = expected * before[month]
    done, due = np.bincount(machine, hours), np.bincount(machine, believed)
    level = np.divide(done, due, out=np.zeros(len(done)), where=due > 0)[machine]
    works = level > 0
    share = np.divide(hours, level, out=np.zeros(len(hours)), where=works)
    seen = np.bincount(month, share, 12)
    awaited = np.bincount(month, np.where(works, believed, 0.0), 12)
    return np.asarray(before * (seen + worth) / (awaited + worth))


def _ms(day: date) -> int:
    return (day - date(1970, 1, 1)).days * MS_PER_DAY
