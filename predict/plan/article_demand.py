"""Demand of one article by place, region and month, as distributions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fleet.batch import FloatColumn
from predict.demand.fleet import quantiles_of, together
from predict.demand.needs import BUSY_YEARS, distribution, mixed
from predict.plan.calendar_months import CalendarMonth, calendar_months
from predict.plan.gather import Gathered
from predict.plan.known import Known

#: Levels at which demand is kept.
LEVELS = np.array([0.1, 0.5, 0.8, 0.9, 0.95, 0.99])


class ArticleDemand:
    """Demand of one article by place and by region."""

    def __init__(self, known: Known, number: str) -> None:
        self.number = number
        self._known = known
        places, months = len(known.network.ids), known.horizon.months
        nothing = [[np.ones(1)] * len(BUSY_YEARS)] * months
        self._scenarios = [nothing for _ in range(places)]
        self.means = np.zeros((places, months, 3))
        self._months: dict[int, list[FloatColumn]] = {}
        parts = known.gathered.get(number, [])
        for place in range(places):
            mine = [(each, np.flatnonzero(each.needs.place == place)) for each in parts]
            mine = [(each, rows) for each, rows in mine if len(rows)]
            if mine:
                self._scenarios[place] = [self._month(mine, place, m) for m in range(months)]

    def _month(
        self, mine: Sequence[tuple[Gathered, np.ndarray]], place: int, month: int
    ) -> list[FloatColumn]:
        sums = [np.ones(1)] * len(BUSY_YEARS)
        for each, rows in mine:
            needs = each.needs.where(rows)
            expected = needs.chance[:, :, month].mean(axis=0) @ needs.quantity
            self.means[place, month, ("worn", "service", "new").index(each.kind)] += expected
            sums = [together(pair) for pair in zip(sums, distribution(needs, month), strict=True)]
        return sums

    def other(self, place: int) -> list[FloatColumn]:
        """What history shows beside it, by month."""
        nothing = [np.ones(1)] * self._known.horizon.months
        return self._known.others.get((self.number, place), nothing)

    def months(self, place: int) -> list[FloatColumn]:
        """Distributions of a place's own demand by month."""
        if place not in self._months:
            self._months[place] = self._sum([place])
        return self._months[place]

    def _sum(self, places: Sequence[int]) -> list[FloatColumn]:
        found = []
        for month in range(self._known.horizon.months):
            scenarios = [
                together([self._scenarios[place][month][number] for place in places])
                for number in range(len(BUSY_YEARS))
            ]
            others = [self.other(place)[month] for place in places]
            found.append(together([mixed(scenarios), *others]))
        return found

    def _of(self, places: Sequence[int]) -> list[FloatColumn]:
        return self.months(places[0]) if len(places) == 1 else self._sum(places)

    def at_once(self) -> float:
        """Mean pieces that a machine asks for at once; 1 where no need is known."""
        asks = pieces = 0.0
        for each in self._known.gathered.get(self.number, []):
            expected = each.needs.chance.sum(axis=(0, 2))
            asks += float(expected.sum())
            pieces += float(expected @ each.needs.quantity)
        return pieces / asks if asks > 0 else 1.0

    def year_use(self) -> float:
        """Expected pieces a year."""
        expected = sum(
            float(pmf @ np.arange(len(pmf)))
            for place in range(len(self._scenarios))
            for pmf in self.months(place)
        )
        return expected * 12 / self._known.horizon.months

    def rows(self) -> list[dict[str, Any]]:
        """The demand of all regions together and of each, by calendar month, for the store."""
        net = self._known.network
        groups: dict[str | None, list[int]] = {None: list(range(len(net.ids)))}
        for place, region in enumerate(net.regions):
            if region is not None:
                groups.setdefault(region, []).append(place)
        horizon = self._known.horizon
        months = calendar_months(horizon.at, horizon.months)
        return [
            self._row(region, places, month, month.of(pmfs))
            for region, places in groups.items()
            for pmfs in [self._of(places)]
            for month in months
        ]

    def _row(
        self, region: str | None, places: list[int], month: CalendarMonth, pmf: FloatColumn
    ) -> dict[str, Any]:
        mean = float(pmf @ np.arange(len(pmf)))
        means = sum(share * self.means[places, number] for number, share in month.shares)
        worn, service, new = np.asarray(means).sum(axis=0).tolist()
        last = int(np.searchsorted(np.cumsum(pmf), 1 - 1e-6)) + 1
        return {
            "number": self.number,
            "region": region,
            "month": month.first,
            "mean": mean,
            "sources": {
                "worn": worn,
                "service": service,
                "new": new,
                "other": max(mean - worn - service - new, 0.0),
            },
            "quantiles": quantiles_of(pmf, LEVELS).tolist(),
            "chances": np.round(pmf[:last], 6).tolist(),
        }
