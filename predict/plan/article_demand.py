"""Demand of one article by place, region and month, as distributions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from fleet.batch import FloatColumn
from predict.demand.fleet import quantiles_of, together
from predict.demand.needs import BUSY_YEARS, distribution, mixed
from predict.plan.calendar_months import CalendarMonth, calendar_months
from predict.plan.gather import Gathered
from predict.plan.known import Known

Scenarios = list[list[list[FloatColumn]]]
"""Distributions by place, month and kind of year."""

#: Levels at which demand is kept.
LEVELS = np.array([0.1, 0.5, 0.8, 0.9, 0.95, 0.99])


class ArticleDemand:
    """Demand of one article by place and by region."""

    def __init__(self, known: Known, number: str) -> None:
        self.number = number
        self._known = known
        net, months = known.network, known.horizon.months
        nothing = [[np.ones(1)] * len(BUSY_YEARS)] * months
        scenarios = [nothing for _ in net.ids]
        self.means = np.zeros((len(net.ids), months, 3))
        parts = known.gathered.get(number, [])
        for place in range(len(net.ids)):
            mine = [(each, np.flatnonzero(each.needs.place == place)) for each in parts]
            mine = [(each, rows) for each, rows in mine if len(rows)]
            if mine:
                scenarios[place] = [self._month(mine, place, m) for m in range(months)]
        self._places = [self._sum(scenarios, [place]) for place in range(len(net.ids))]
        groups: dict[str | None, list[int]] = {None: list(range(len(net.ids)))}
        for place, region in enumerate(net.regions):
            if region is not None:
                groups.setdefault(region, []).append(place)
        self._regions = {
            region: self._places[places[0]] if len(places) == 1 else self._sum(scenarios, places)
            for region, places in groups.items()
        }
        self._groups = groups

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
        return self._places[place]

    def _sum(self, scenarios: Scenarios, places: Sequence[int]) -> list[FloatColumn]:
        found = []
        for month in range(self._known.horizon.months):
            years = [
                together([scenarios[place][month][year] for place in places])
                for year in range(len(BUSY_YEARS))
            ]
            others = [self.other(place)[month] for place in places]
            found.append(together([mixed(years), *others]))
        return found

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
            float(pmf @ np.arange(len(pmf))) for months in self._places for pmf in months
        )
        return expected * 12 / self._known.horizon.months

    def rows(self) -> Iterator[dict[str, Any]]:
        """The demand of all regions together and of each, by calendar month, for the store."""
        horizon = self._known.horizon
        months = calendar_months(horizon.at, horizon.months)
        for region, places in self._groups.items():
            for month in months:
                yield self._row(region, places, month, month.of(self._regions[region]))

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
