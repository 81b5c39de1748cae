"""The months a plan looks ahead, and how busy machines are by the climate of where they work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from fleet.batch import FloatColumn
from fleet.plan import ProductPlan
from fleet.season import Climate, activity, climate_of
from predict.plan.window import MONTH_DAYS

#: Use a day was measured over so many days.
RECENT_DAYS = 28
#: Activity is looked back on so far; before that a day counts as the mean of the year.
_BACK_DAYS = 400


@dataclass(frozen=True, slots=True)
class Horizon:
    """When the plan is made and how many months of 30 days it looks ahead. A day as busy as the
    mean of the year counts 1; machines are told by their latitudes in degrees, (n,)."""

    at: datetime
    months: int

    def coming(self, plan: ProductPlan, lats: FloatColumn) -> FloatColumn:
        """Activity (n, months) in each coming month."""
        found = np.zeros((len(lats), self.months))
        for climate, here in _by_climate(lats):
            days = activity(plan.season, climate, self.at.date(), self.months * MONTH_DAYS)
            found[here] = days.reshape(self.months, MONTH_DAYS).sum(axis=1)
        return found

    def recent(self, plan: ProductPlan, lats: FloatColumn) -> FloatColumn:
        """Activity (n,) over the recent days."""
        found, first = np.zeros(len(lats)), self.at.date() - timedelta(days=RECENT_DAYS)
        for climate, here in _by_climate(lats):
            found[here] = activity(plan.season, climate, first, RECENT_DAYS).sum()
        return found

    def since(self, plan: ProductPlan, lats: FloatColumn, days: FloatColumn) -> FloatColumn:
        """Activity (n,) over so many days (n,) by now."""
        first = self.at.date() - timedelta(days=_BACK_DAYS)
        within = np.clip(np.round(days), 0, _BACK_DAYS).astype(np.intp)
        found = np.maximum(days - _BACK_DAYS, 0.0)
        for climate, here in _by_climate(lats):
            back = np.cumsum(activity(plan.season, climate, first, _BACK_DAYS)[::-1])
            found[here] += np.append(0.0, back)[within[here]]
        return found


def _by_climate(lats: FloatColumn) -> Iterator[tuple[Climate, np.ndarray]]:
    """Each climate with a mask of those in it."""
    own = np.array([climate_of(lat) for lat in lats.tolist()])
    for climate in ("south", "north"):
        yield climate, own == climate
