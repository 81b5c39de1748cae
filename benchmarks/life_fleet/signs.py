"""What parts show of their wear, and alarms about them, true and false: simulated beside the use of
a fleet, so that what is sharpened by them can be judged by what came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from benchmarks.life_fleet.view import Seen, View
from fleet.batch import FloatColumn, IntColumn
from fleet.plan import ProductPlan
from fleet.wear import Condition, WearPart
from predict.as_shown import SHOWN_DAYS
from predict.warned import FALSE_EVERY_H, Forewarning
from simulators.seeds import generator
from simulators.years import FittedLife

#: When wear begins to show, and its course, differ from the plan's by these sigmas of the log.
_BEGINS, _POWER, _USUAL_POWER = 0.35, 0.25, 1.8
#: Shares of new to limit: machines' normal values, days' scatter.
_OWN, _SCATTER = 0.08, 0.06
#: Share of parts that show nothing, and of machines that show something for another reason.
_SILENT, _OTHER = 0.05, 0.05
#: Share of failures that an alarm announces; a false alarm is settled within so many hours.
_ANNOUNCED, _SETTLED_H = 0.9, 60.0
_TENTH_TO_NINETIETH = 2.5631


class Signs:
    """What the places of one kind of part show on a fleet's machines."""

    def __init__(self, view: View, part: WearPart) -> None:
        self._view, self._part = view, part
        self._places: dict[int, list[FittedLife]] = {}
        for life in view.years.lives:
            if life.part == part.id:
                self._places.setdefault(life.machine, []).append(life)

    def days(self, machine: int, day: int) -> list[tuple[date, float, float]]:
        """What a machine has shown by a day, as the store keeps it: the days on which the part was
        used, the day's mean, and use from then until now."""
        condition = self._part.condition
        assert condition is not None
        days = np.arange(max(day - SHOWN_DAYS, 0), day)
        reached = self._view.reached[machine][self._part.id]
        days = days[reached[days + 1] > reached[days]]
        values = self._value(condition, machine, days).tolist()
        since = (reached[day] - reached[days + 1]).tolist()
        dates = [self._view.years.start + timedelta(days=each) for each in days.tolist()]
        return list(zip(dates, values, since, strict=True))

    def _value(self, condition: Condition, machine: int, days: IntColumn) -> FloatColumn:
        """The machine's value: that of the place which shows most."""
        grown = np.zeros(len(days))
        for life in self._places[machine]:
            until = np.inf if life.removed_day is None else life.removed_day
            there = (days >= life.fitted_day) & (days < until)
            if there.any():
                own = self._grown(condition, life, self._used(life, days[there]))
                grown[there] = np.maximum(grown[there], own)
        rng = self._rng(machine, "values")
        normal = _OWN * rng.standard_normal()
        other = rng.uniform(0.2, 0.6) if rng.random() < _OTHER else 0.0
        scatter = _SCATTER * rng.standard_normal(self._view.years.days)[days]
        span = condition.limit - condition.new
        return np.asarray(condition.new + span * (grown + normal + other + scatter))

    def _grown(self, condition: Condition, life: FittedLife, used: FloatColumn) -> FloatColumn:
        rng = self._rng(life.machine, life.position, life.fitted_day)
        if rng.random() < _SILENT:
            return np.zeros(len(used))
        lead = (1 - condition.shows_from) * np.exp(_BEGINS * rng.standard_normal())
        begins = max(1.0 - lead, 0.0)
        power = _USUAL_POWER * np.exp(_POWER * rng.standard_normal())
        course = np.clip((used / life.life - begins) / (1.0 - begins), 0.0, 1.2)
        return np.asarray(course**power)

    def _used(self, life: FittedLife, days: IntColumn) -> FloatColumn:
        reached = self._view.reached[life.machine][life.part]
        begin = life.used_before - reached[max(life.fitted_day, 0)]
        return np.asarray(begin + reached[days])

    def _rng(self, machine: int, *names: object) -> np.random.Generator:
        serial = self._view.years.machines[machine].spec.serial
        return generator(0, "signs", serial, self._part.id, *names)


def alarms(
    view: View, plan: ProductPlan, part: WearPart, asked: Sequence[Seen], day: int
) -> Mapping[int, Forewarning]:
    """By machine, the newest alarm that stands about one kind of part on a day; nothing where no
    failure mode of it announces itself."""
    modes = [plan.failure_mode[mode] for mode in part.failure_modes]
    leads = [mode.lead_h for mode in modes if mode.lead_h is not None and mode.lead_h[1] > 0]
    found: dict[int, Forewarning] = {}
    if not leads:
        return found
    for each in asked:
        rng = generator(0, "alarms", view.serial(each.life), part.id, each.life.position)
        for ago in (_true(view, each.life, leads[0], day, rng), _false(rng)):
            known = found.get(each.life.machine)
            if ago is not None and (known is None or ago < known.hours_ago):
                found[each.life.machine] = Forewarning(ago, leads[0])
    return found


def _true(
    view: View,
    life: FittedLife,
    lead_h: tuple[float, float],
    day: int,
    rng: np.random.Generator,
) -> float | None:
    """Hours since the alarm that a part's coming end raised; None: not yet, or it never will."""
    short, long = np.log([max(lead_h[0], 0.05 * lead_h[1]), lead_h[1]])
    drawn = np.exp(
        (short + long) / 2 + (long - short) / _TENTH_TO_NINETIETH * rng.standard_normal()
    )
    announced, worn = rng.random() < _ANNOUNCED, view.worn_day(life)
    if not announced or not np.isfinite(worn):
        return None
    hours = view.hours_between(life.machine, day, int(worn))
    return float(drawn - hours) if hours < drawn else None


def _false(rng: np.random.Generator) -> float | None:
    ago = float(rng.exponential(FALSE_EVERY_H))
    return ago if ago < _SETTLED_H else None


@dataclass(frozen=True, slots=True)
class Sharpened:
    """What a `sign` changes for the parts it is about: the shares inside the 80 % interval, the
    mean width with it over that without, and the median error of P50 as a share of life."""

    sign: str
    judged: int
    inside_before: float
    inside: float
    width: float
    off_before: float
    off: float
