"""How remaining lives are judged: on parts in service on a day, by their true lives afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.life_fleet.view import Seen, View
from fleet.batch import FloatColumn
from fleet.wear import WearPart
from predict.fleet_lives import learned_of
from predict.life import plan_life
from predict.life_report import LearnedLife
from predict.outlook import LEVELS, left_of, outlook
from predict.pace import by_calendar
from predict.services import DAYS_PER_MONTH
from predict.use_ahead import UseAhead

#: Shares of their life at which parts are asked about.
SHARES = (0.5, 0.75, 0.9)
#: Parts of a kind below this number say too little about its coverage.
LEAST = 30

Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Answers:
    """For n parts of one kind, days from now: the P50 date, the date by the plan's median at the
    recent pace, and the true one, (n,) each."""

    days: FloatColumn
    nominal_days: FloatColumn
    true_days: FloatColumn


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of part: lives seen to end when learning, parts in service that were judged, and
    those of them with a P90 date; the shares inside the 80 % interval in use and as dates, and by
    the plan's own interval in use."""

    product: str
    part: str
    ended: int
    judged: int
    dated: int
    in_use: float
    in_dates: float
    plan_in_use: float


@dataclass(frozen=True, slots=True)
class Error:
    """Median relative error of the predicted life of parts at a `share` of theirs: of P50, and of
    the plan's median."""

    share: float
    judged: int
    p50: float
    plan: float


@dataclass(frozen=True, slots=True)
class Found:
    """The whole study; `in_use`, `in_dates` over all parts judged, and in days of error of the P50
    date against the plan's life at the recent pace."""

    kinds: tuple[Kind, ...]
    errors: tuple[Error, ...]
    in_use: float
    in_dates: float
    plan_in_use: float
    days_off: float
    plan_days_off: float


def study(view: View, day: int, last: int, progress: Progress) -> Found:
    """Learn from what was seen by `day`; judge parts in service then, and parts that reach SHARES
    of their life until the day `last`."""
    seen = view.kinds(day)
    coming = {product: view.use_ahead(product, day) for product in view.plans}
    kinds, answers = [], []
    off: dict[float, list[tuple[FloatColumn, FloatColumn]]] = {share: [] for share in SHARES}
    for number, ((product, name), lives) in enumerate(sorted(seen.items())):
        part = view.plans[product].part[name]
        learned = learned_of(product, part, [each.row for each in lives], view.ms(day))
        known = learned if isinstance(learned, LearnedLife) else None
        life = _Life(view, product, part, day, known)
        kind, answer = _kind(life, lives, coming[product])
        kinds.append(kind)
        answers.append(answer)
        for share, ours, plans in _errors(life, lives, last):
            off[share].append((ours, plans))
        progress((number + 1) / len(seen))
    judged, dated = ([getattr(kind, name) for kind in kinds] for name in ("judged", "dated"))
    days = np.concatenate([_days_off(a.days, a.true_days) for a in answers])
    nominal = np.concatenate([_days_off(a.nominal_days, a.true_days) for a in answers])
    return Found(
        tuple(kinds),
        tuple(_error(share, found) for share, found in off.items()),
        float(np.average([kind.in_use for kind in kinds], weights=judged)),
        float(np.average([kind.in_dates for kind in kinds], weights=dated)),
        float(np.average([kind.plan_in_use for kind in kinds], weights=judged)),
        float(np.median(days)),
        float(np.median(nominal)),
    )


def _kind(life: _Life, lives: Sequence[Seen], coming: UseAhead) -> tuple[Kind, Answers]:
    view, part, day = life.view, life.part, life.day
    ended = sum(each.row["removed_reason"] in ("worn", "failed") for each in lives)
    standing = [each for each in lives if each.row["removed_at"] is None]
    used = np.array([each.used for each in standing])
    true_left = np.array([each.life.life for each in standing]) - used
    true_days = np.array([view.worn_day(each.life) for each in standing]) - day
    if part.driver.age:
        ahead = by_calendar(1 / DAYS_PER_MONTH, len(standing), coming.busy, view.ms(day))
    else:
        ahead = coming.of_part(part.id, [each.life.machine for each in standing])
    seen = outlook(life.left(standing, used), ahead)
    left = np.column_stack([seen.left_at(q) for q in (0.1, 0.5, 0.9)])
    days = np.column_stack([seen.day_at(q) for q in (0.1, 0.5, 0.9)])
    plan = plan_life(part.life)
    by_plan = np.column_stack([plan.quantiles(used, q) for q in (0.1, 0.9)])
    nominal = np.maximum(part.life.mid - used, 0.0) / _recent(view, standing, day)
    # What lies beyond the horizon is no date: nobody is told one.
    dated = np.isfinite(days[:, 2])
    kind = Kind(
        life.product,
        part.id,
        ended,
        len(standing),
        int(dated.sum()),
        _inside(true_left, left[:, 0], left[:, 2]),
        _inside(true_days[dated], np.floor(days[dated, 0]), np.ceil(days[dated, 2])),
        _inside(true_left, by_plan[:, 0], by_plan[:, 1]),
    )
    return kind, Answers(days[:, 1], nominal, true_days)


@dataclass(frozen=True, slots=True)
class _Life:
    """What is believed of one kind of part on a day: learned, or the plan's word."""

    view: View
    product: str
    part: WearPart
    day: int
    learned: LearnedLife | None

    def left(self, asked: Sequence[Seen], used: FloatColumn) -> FloatColumn:
        """Remaining use (n, levels) of parts used so far."""
        if self.learned is None:
            return left_of(plan_life(self.part.life), used)
        flags = self.learned.kinds.flags([each.row for each in asked], self.view.ms(self.day))
        longer = self.learned.fit.factor(flags)
        return np.asarray(left_of(self.learned.model, used / longer) * longer[:, None])


def _errors(
    life: _Life, lives: Sequence[Seen], last: int
) -> Iterator[tuple[float, FloatColumn, FloatColumn]]:
    """Share, and relative errors of the life predicted for parts that reach that share of theirs
    until the day `last`: of P50 and of the plan's median."""
    view, part = life.view, life.part
    for share in SHARES:
        asked = []
        for each in lives:
            reached = view.reached[each.life.machine][part.id]
            begin = reached[max(each.life.fitted_day, 0)] - each.life.used_before
            at = begin + share * each.life.life
            if reached[life.day] < at <= reached[last] and each.row["removed_at"] is None:
                asked.append(each)
        if asked:
            true = np.array([each.life.life for each in asked])
            left = life.left(asked, share * true)
            middle = share * true + left[:, np.argmin(np.abs(LEVELS - 0.5))]
            plan = np.maximum(part.life.mid, share * true)
            yield share, np.abs(middle - true) / true, np.abs(plan - true) / true


def _error(share: float, found: Sequence[tuple[FloatColumn, FloatColumn]]) -> Error:
    ours = np.concatenate([each for each, _ in found])
    plan = np.concatenate([each for _, each in found])
    return Error(share, len(ours), float(np.median(ours)), float(np.median(plan)))


def _recent(view: View, standing: Sequence[Seen], day: int) -> FloatColumn:
    """Use a calendar day over the last four weeks, as a plan without seasons would take it."""
    paces = []
    for each in standing:
        reached = view.reached[each.life.machine][each.life.part]
        paces.append(float(reached[day] - reached[day - 28]) / 28)
    return np.asarray(np.maximum(np.array(paces), 1e-9))


def _inside(true: FloatColumn, low: FloatColumn, high: FloatColumn) -> float:
    return float(np.mean((low <= true) & (true <= high))) if len(true) else 0.0


def _days_off(said: FloatColumn, true: FloatColumn) -> FloatColumn:
    """Days of error, cut at a year, of parts that were worn out within it."""
    soon = true <= 365
    return np.asarray(np.abs(np.minimum(said[soon], 730.0) - true[soon]))
