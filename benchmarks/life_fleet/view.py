"""What the product would know of a simulated fleet on some day, in the shapes its models take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

import numpy as np

from fleet.batch import FloatColumn, IntColumn
from fleet.clock import MS_PER_DAY, to_datetime, to_ms
from fleet.plan import ProductPlan
from fleet.season import climate_of
from predict.busy import BACK_DAYS, busy
from predict.pace import paces
from predict.use_ahead import UseAhead, season_of
from simulators.years import FittedLife, FleetYears, YearsOfMachine
from store.wear import Row


@dataclass(frozen=True, slots=True)
class Seen:
    """A fitted life as it stands in the product's tables on a day, with its truth beside it."""

    row: Row
    life: FittedLife
    used: float


class View:
    """A fleet's years up to a day, counted from the first."""

    def __init__(self, years: FleetYears, plans: Mapping[str, ProductPlan]) -> None:
        self.years, self.plans = years, plans
        self._lives: dict[tuple[str, str], list[FittedLife]] = {}
        for life in years.lives:
            product = years.machines[life.machine].spec.product
            self._lives.setdefault((product, life.part), []).append(life)
        self.start_ms = to_ms(datetime.combine(years.start, time(), UTC))
        self.reached = [
            {part: np.concatenate([[0.0], np.cumsum(use)]) for part, use in machine.use.items()}
            for machine in years.machines
        ]

    def ms(self, day: int) -> int:
        """The moment at which `day` begins."""
        return self.start_ms + day * MS_PER_DAY

    def used(self, life: FittedLife, day: int) -> float:
        """Use of a fitted part when `day` begins."""
        reached = self.reached[life.machine][life.part]
        return life.used_before + float(reached[day] - reached[max(life.fitted_day, 0)])

    def worn_day(self, life: FittedLife) -> float:
        """The day on which the part is worn out by its true life; inf after the last year."""
        reached = self.reached[life.machine][life.part]
        target = reached[max(life.fitted_day, 0)] + life.life - life.used_before
        day = int(np.searchsorted(reached, target))
        return float(day) if day < len(reached) else float("inf")

    def day_at(self, life: FittedLife, used: float) -> int:
        """The day by whose beginning a part has been used so much; one beyond the last day if it
        never is."""
        reached = self.reached[life.machine][life.part]
        begin = reached[max(life.fitted_day, 0)] - life.used_before
        return int(np.searchsorted(reached, begin + used))

    def hours_between(self, machine: int, first: int, last: int) -> float:
        """Operating hours of a machine from the begin of one day to that of another."""
        return float(self.years.machines[machine].hours[first:last].sum())

    def serial(self, life: FittedLife) -> str:
        """The serial number of the machine that a part is fitted to."""
        return self.years.machines[life.machine].spec.serial

    def kinds(self, day: int) -> dict[tuple[str, str], list[Seen]]:
        """All lives that had begun by `day`, by product and part."""
        begun = {
            kind: [self._seen(life, day) for life in lives if life.fitted_day <= day]
            for kind, lives in self._lives.items()
        }
        return {kind: lives for kind, lives in begun.items() if lives}

    def in_service(self, product: str, part: str, day: int) -> list[Seen]:
        """Parts of one kind that stand on machines when `day` begins."""
        return [
            self._seen(life, day)
            for life in self._lives.get((product, part), ())
            if life.fitted_day <= day and (life.removed_day is None or life.removed_day > day)
        ]

    def _seen(self, life: FittedLife, day: int) -> Seen:
        removed = life.removed_day if life.removed_day is not None else day + 1
        gone = removed <= day
        used = self.used(life, min(removed, day))
        spec = self.years.machines[life.machine].spec
        row: Row = {
            "machine_id": life.machine,
            "model": spec.model,
            "region": spec.region,
            "part": life.part,
            "used_before": life.used_before,
            "used": used,
            "fitted_at": to_datetime(self.ms(life.fitted_day)),
            "removed_at": to_datetime(self.ms(removed)) if gone else None,
            "removed_reason": life.reason if gone else None,
        }
        return Seen(row, life, used)

    def use_ahead(self, product: str, day: int) -> UseAhead:
        """The coming use of a product's machines as the product forecasts it on `day`."""
        plan = self.plans[product]
        own = [
            number
            for number, machine in enumerate(self.years.machines)
            if machine.spec.product == product
        ]
        machines = [self.years.machines[number] for number in own]
        months = {number: list(self._months(self.years.machines[number], day)) for number in own}
        climates = {climate_of(machine.spec.lat) for machine in machines}
        shown = {
            climate: season_of(
                plan.season,
                climate,
                [
                    months[number]
                    for number, machine in zip(own, machines, strict=True)
                    if climate_of(machine.spec.lat) == climate
                ],
            )
            for climate in climates
        }
        seasons = [
            (plan.season, climate_of(m.spec.lat), shown[climate_of(m.spec.lat)]) for m in machines
        ]
        known = [self._known(plan, number, day) for number in own]
        days = busy(seasons, self.ms(day))
        speed = paces(days, [at for at, _ in known], [total for _, total in known], self.ms(day))
        rows = {number: row for row, number in enumerate(own)}
        return UseAhead(plan, rows, days, speed, self.ms(day))

    def _months(self, machine: YearsOfMachine, day: int) -> Iterator[Row]:
        hours = np.concatenate([[0.0], np.cumsum(machine.hours)])
        for begin in self._month_days(day):
            yield {
                "month": self.years.start + timedelta(days=begin),
                "hours": float(hours[begin]),
            }

    def _month_days(self, day: int) -> Sequence[int]:
        return [n for n in range(day + 1) if (self.years.start + timedelta(days=n)).day == 1]

    def _known(self, plan: ProductPlan, number: int, day: int) -> tuple[IntColumn, FloatColumn]:
        machine = self.years.machines[number]
        days = [n for n in self._month_days(day) if n > day - BACK_DAYS]
        days = sorted({*days, day})
        hours = np.concatenate([[0.0], np.cumsum(machine.hours)])
        columns = [self.reached[number][part.id][days] for part in plan.parts] + [hours[days]]
        moments = np.array([self.ms(n) for n in days], dtype=np.int64)
        return moments, np.column_stack(columns)
