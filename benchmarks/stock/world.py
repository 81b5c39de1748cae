"""The simulated fleet as a parts department sees it: what is fitted and how much it was used, what
was replaced, what machines ask for. The lives themselves stay hidden."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from benchmarks.stock.shelf import Demand
from fleet.batch import FloatColumn
from fleet.plan import Catalogue
from fleet.wear import WearPart
from predict.plan.network import Network, network
from simulators.places import REGIONS
from simulators.years import FittedLife, FleetYears

#: Days over which a machine's recent use is measured.
RECENT_DAYS = 28


@dataclass(frozen=True, slots=True)
class World:
    """Years of a fleet by kind of part: (product, part) -> fitted lives."""

    catalogue: Catalogue
    years: FleetYears
    kinds: Mapping[tuple[str, str], Sequence[FittedLife]]
    network: Network
    _reached: dict[tuple[int, str], FloatColumn] = field(default_factory=dict)

    def reached(self, machine: int, part: str) -> FloatColumn:
        """Use (days + 1,) of a place since the first day, at the begin of each day."""
        key = (machine, part)
        if key not in self._reached:
            use = self.years.machines[machine].use[part]
            self._reached[key] = np.concatenate([[0.0], np.cumsum(use)])
        return self._reached[key]

    def at(self, day: int) -> datetime:
        """Midnight UTC of a day."""
        first = self.years.start
        return datetime(first.year, first.month, first.day, tzinfo=UTC) + timedelta(days=day)


def world(catalogue: Catalogue, years: FleetYears) -> World:
    """The fleet with one warehouse at the headquarters and one in every region. Its years know no
    scheduled services: every part is replaced when it is worn, or early."""
    plans = {name: plan.model_copy(update={"services": ()}) for name, plan in
             catalogue.plans.items()}  # fmt: skip
    catalogue = catalogue.model_copy(update={"plans": plans})
    kinds: dict[tuple[str, str], list[FittedLife]] = {}
    for life in years.lives:
        product = years.machines[life.machine].spec.product
        kinds.setdefault((product, life.part), []).append(life)
    rows = [{"id": "hq", "level": "headquarters", "region": None, "station": None}]
    rows += [{"id": r[0], "level": "region", "region": r[0], "station": None} for r in REGIONS]
    return World(catalogue, years, kinds, network(rows, catalogue.supply))


def demands(the: World, product: str, part: WearPart, first: int) -> list[Demand]:
    """What machines ask for from day `first` on, counted from there."""
    found = []
    for life in the.kinds.get((product, part.id), ()):
        if life.removed_day is not None and life.removed_day >= first:
            spec = the.years.machines[life.machine].spec
            place = the.network.serving(spec.station, spec.region)
            found.append(Demand(life.removed_day - first, place, part.quantity))
    return found


def use_until(the: World, life: FittedLife, day: int) -> float:
    """Use of a fitted part on a day."""
    reached = the.reached(life.machine, life.part)
    return life.used_before + float(reached[max(day, 0)] - reached[max(life.fitted_day, 0)])


def fitted_rows(the: World, product: str, part: WearPart, day: int) -> list[dict[str, Any]]:
    """What the store would say on a day of the parts fitted then."""
    at = the.at(day)
    rows = []
    for life in the.kinds.get((product, part.id), ()):
        if life.fitted_day > day or (life.removed_day is not None and life.removed_day <= day):
            continue
        machine = the.years.machines[life.machine]
        use = machine.use[part.id]
        rows.append(
            {
                "serial": machine.spec.serial,
                "product": product,
                "model": machine.spec.model,
                "station": machine.spec.station,
                "region": machine.spec.region,
                "lat": machine.spec.lat,
                "part": part.id,
                "position": life.position,
                "fitted_at": the.at(life.fitted_day),
                "used": use_until(the, life, day),
                "per_day": float(use[max(day - RECENT_DAYS, 0) : day].mean()),
                "used_before": life.used_before,
                "used_until": at,
            }
        )
    return sorted(rows, key=lambda row: str(row["model"]))


def lives_seen(the: World, product: str, part: WearPart, day: int) -> list[dict[str, Any]]:
    """What the store would say on a day of all parts ever fitted; every replacement an end."""
    rows = []
    for life in the.kinds.get((product, part.id), ()):
        if life.fitted_day > day:
            continue
        gone = life.removed_day is not None and life.removed_day <= day
        until = life.removed_day if gone and life.removed_day is not None else day
        spec = the.years.machines[life.machine].spec
        rows.append(
            {
                "model": spec.model,
                "region": spec.region,
                "used_before": life.used_before,
                "used": use_until(the, life, until),
                "fitted_at": the.at(life.fitted_day),
                "removed_at": the.at(until) if gone else None,
                "removed_reason": "worn" if gone else None,
            }
        )
    return rows
