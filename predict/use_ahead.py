"""The use that is coming on each machine: its own pace and season, peers' where those are short.

What machines used comes from the store: the use ahead of every month that was kept, the oldest
state of the last weeks, and the use by now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import groupby, pairwise

import numpy as np

from fleet.batch import FloatColumn, IntColumn
from fleet.clock import MS_PER_DAY, to_ms
from fleet.plan import Catalogue, ProductPlan
from fleet.season import Climate, Season, activity, climate_of
from predict.busy import BACK_DAYS, LEAST_OWN_MONTHS, Busy, Months, busy, season_shown
from predict.pace import Ahead, Paces, paces, peers_rate, rates
from predict.usage import MachineUsage
from store import usage
from store.connection import Connection
from store.usage import Row

LEARN_EVERY_MS = MS_PER_DAY
#: Seasons are learned from so many years.
_SEASON_DAYS = 3 * 366
#: Stands for operating hours beside the parts of a machine.
HOURS = "hours of operation"


class FleetSeasons:
    """Factors on the plan's months as the fleet shows them, by product and climate; learned anew
    every day."""

    def __init__(self, every_ms: int = LEARN_EVERY_MS) -> None:
        self._every_ms = every_ms
        self._shown: dict[tuple[str, Climate], Months] = {}
        self._learned_ms: int | None = None

    def learn(self, connection: Connection, catalogue: Catalogue, now_ms: int) -> None:
        """Learn from all machines, if the last time is long ago or there was none."""
        if self._learned_ms is not None and now_ms - self._learned_ms < self._every_ms:
            return
        groups: dict[tuple[str, Climate], list[list[Row]]] = {}
        rows = usage.month_hours(connection, now_ms - _SEASON_DAYS * MS_PER_DAY)
        for _, own in groupby(rows, key=lambda row: row["machine_id"]):
            months = list(own)
            group = (months[0]["product"], climate_of(months[0]["lat"]))
            groups.setdefault(group, []).append(months)
        for (product, climate), machines in groups.items():
            if product in catalogue.plans:
                season = catalogue.plans[product].season
                self._shown[product, climate] = season_of(season, climate, machines)
        self._learned_ms = now_ms

    def of(self, product: str, climate: Climate) -> Months | None:
        """Factors (12,) on the plan's months; None: nothing was seen."""
        return self._shown.get((product, climate))


def season_of(
    season: Season | None,
    climate: Climate,
    machines: Sequence[Sequence[Row]],
    prior: Months | None = None,
) -> Months:
    """Factors on the months of a season that machines show: rows of `month` and `hours` at its
    beginning, in order."""
    owner, number, hours, expected = [], [], [], []
    for row, months in enumerate(machines):
        for begin, end in pairwise(months):
            first, days = begin["month"], (end["month"] - begin["month"]).days
            if days <= 31:
                owner.append(row)
                number.append(first.month - 1)
                hours.append(max(end["hours"] - begin["hours"], 0.0))
                expected.append(float(activity(season, climate, first, days).sum()))
    return season_shown(
        np.array(owner, dtype=np.int64),
        np.array(number, dtype=np.int64),
        np.array(hours, dtype=np.float64),
        np.array(expected, dtype=np.float64),
        prior,
    )


@dataclass(frozen=True, slots=True)
class UseAhead:
    """The coming use of the machines of one plan, `row` numbering them."""

    plan: ProductPlan
    row: Mapping[int, int]
    busy: Busy
    paces: Paces
    now_ms: int

    def of_part(self, part: str, machines: Sequence[int], elsewhere: float | None = None) -> Ahead:
        """The coming use of a part on `machines` (n,); `elsewhere` is its peers' use a day where
        none of these machines' is known."""
        rows = np.array([self.row[machine] for machine in machines], dtype=np.int64)
        column = self._names().index(part)
        used, active = self.paces.used[:, column], self.paces.active
        peers = peers_rate(used, active)
        if np.isnan(peers) and elsewhere is not None:
            peers = elsewhere
        rate, doubt = rates(used[rows], active[rows], self.paces.evidence[rows], peers)
        return Ahead(rate, doubt, rows, self.busy, self.now_ms)

    def hours_of(self, machines: Sequence[int]) -> Ahead:
        """The coming operating hours of `machines` (n,), where unknown their peers'."""
        return self.of_part(HOURS, machines)

    def of_hours(self, machine: int) -> Ahead | None:
        """The coming operating hours of one machine; None where its own are not known."""
        row = self.row[machine]
        if self.paces.active[row] <= 0:
            return None
        return self.of_part(HOURS, [machine])

    def _names(self) -> tuple[str, ...]:
        return (*(part.id for part in self.plan.parts), HOURS)


def use_ahead(
    connection: Connection,
    machines: Mapping[int, tuple[ProductPlan, float]],
    states: Mapping[int, MachineUsage],
    recent: Mapping[int, Row],
    seasons: FleetSeasons,
    now_ms: int,
) -> dict[str, UseAhead]:
    """By product, the coming use of machines (plan and latitude); `recent` is the oldest kept state
    of each in the last weeks."""
    since = now_ms - BACK_DAYS * MS_PER_DAY
    months: dict[int, list[Row]] = {}
    for row in usage.months(connection, machines, since):
        months.setdefault(row["machine_id"], []).append(row)
    products: dict[str, list[int]] = {}
    for machine, (plan, _) in machines.items():
        products.setdefault(plan.product, []).append(machine)
    found = {}
    for product, own in products.items():
        plan = machines[own[0]][0]
        shown = [_season(plan, climate_of(machines[m][1]), seasons, months.get(m, [])) for m in own]
        days = busy(shown, now_ms)
        known = [_known(plan, months.get(m, []), recent.get(m), states.get(m)) for m in own]
        speed = paces(days, [at for at, _ in known], [totals for _, totals in known], now_ms)
        found[product] = UseAhead(plan, {m: row for row, m in enumerate(own)}, days, speed, now_ms)
    return found


def _season(
    plan: ProductPlan, climate: Climate, seasons: FleetSeasons, months: Sequence[Row]
) -> tuple[Season | None, Climate, Months | None]:
    """A machine's season: its product's in its climate, moved by a year of its own."""
    shown = seasons.of(plan.product, climate)
    known = [{**row, "month": row["day"].replace(day=1)} for row in months if row["hours"]]
    if len(known) > LEAST_OWN_MONTHS:
        prior = np.ones(12) if shown is None else shown
        shown = season_of(plan.season, climate, [known], prior)
    return plan.season, climate, shown


def _known(
    plan: ProductPlan, months: Sequence[Row], recent: Row | None, state: MachineUsage | None
) -> tuple[IntColumn, FloatColumn]:
    """Moments and total use of all parts and hours at them, in order of time."""
    moments: dict[int, tuple[Mapping[str, float], float | None]] = {}
    for row in (*months, *([recent] if recent else [])):
        moments[_begin(row["day"])] = (row["totals"], row["hours"])
    if state is not None:
        moments[state.as_of] = (state.totals, state.hours)
    at = sorted(moments)
    totals = [
        [*(moments[m][0].get(part.id, 0.0) for part in plan.parts), moments[m][1] or 0.0]
        for m in at
    ]
    width = len(plan.parts) + 1
    return np.array(at, dtype=np.int64), np.array(totals).reshape(len(at), width)


def _begin(day: date) -> int:
    return to_ms(datetime.combine(day, time(), UTC))


def span(recent: Row, state: MachineUsage, now_ms: int) -> float:
    """Days from a kept state to now, or to the newest sample if that is later."""
    return (max(now_ms, state.as_of) - _begin(recent["day"])) / MS_PER_DAY
