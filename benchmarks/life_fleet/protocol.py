"""How remaining lives are judged: on parts in service on a day, by their true lives afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.life_fleet.believed import Believed, at_level, believed
from benchmarks.life_fleet.chance import held, inside_by_belief, inside_by_chance
from benchmarks.life_fleet.sharpening import by_alarm, by_condition, judged
from benchmarks.life_fleet.signs import Sharpened
from benchmarks.life_fleet.view import Seen, View
from fleet.batch import FloatColumn
from predict.fleet_life import doubted_plan
from predict.life import plan_life
from predict.outlook import outlook
from predict.pace import by_calendar
from predict.services import DAYS_PER_MONTH
from predict.use_ahead import UseAhead

#: Shares of their life at which parts are asked about.
SHARES = (0.5, 0.75, 0.9)
#: Shares of what: of their own true life, known to nobody, or of the plan's, known to everybody.
OF = ("its own", "the plan's")
#: Parts of a kind below this number say too little about its coverage.
LEAST = 30
#: And below this one to say that it does not hold.
LEAST_TOLD = 100

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
    those of them with a P90 date; the shares inside the 80 % interval in use and as dates, by the
    plan's own interval and by the plan with its doubt in use, and by who knew every distribution.
    `by_belief` is the chance that the share in use lies in the aim if the model is right."""

    product: str
    part: str
    ended: int
    judged: int
    dated: int
    in_use: float
    in_dates: float
    plan_in_use: float
    doubted_in_use: float
    exact_in_use: float
    by_belief: float


@dataclass(frozen=True, slots=True)
class Error:
    """Median relative error of the predicted life of parts at a `share` `of` a life: of P50, of
    the plan's median, and of P50 by who knew every distribution."""

    share: float
    of: str
    judged: int
    p50: float
    plan: float
    exact: float


@dataclass(frozen=True, slots=True)
class Held:
    """Of `kinds` with LEAST_TOLD parts or more, those whose share inside lies in the aim: as found,
    by who knew every distribution, as many as chance alone would leave if every part were inside
    with 80 %, and as many as would be if the models are right about what they do not know."""

    kinds: int
    found: int
    exact: int
    by_chance: float
    by_belief: float


@dataclass(frozen=True, slots=True)
class Found:
    """The whole study; `in_use`, `in_dates` over all parts judged, what signs change, and in days
    of error of the P50 date against the plan's life at the recent pace."""

    kinds: tuple[Kind, ...]
    errors: tuple[Error, ...]
    signs: tuple[Sharpened, ...]
    held: Held
    in_use: float
    in_dates: float
    plan_in_use: float
    doubted_in_use: float
    exact_in_use: float
    days_off: float
    plan_days_off: float


def study(view: View, day: int, last: int, progress: Progress) -> Found:
    """Learn from what was seen by `day`; judge parts in service then, and parts that reach SHARES
    of their life until the day `last`."""
    seen = view.kinds(day)
    coming = {product: view.use_ahead(product, day) for product in view.plans}
    kinds, answers, signs = [], [], []
    off: dict[tuple[float, str], list[_Off]] = {(s, of): [] for of in OF for s in SHARES}
    for number, ((product, name), lives) in enumerate(sorted(seen.items())):
        life = believed(view, product, view.plans[product].part[name], lives, day)
        kind, answer = _kind(life, lives, coming[product])
        kinds.append(kind)
        answers.append(answer)
        signs += [*by_condition(life, last), *by_alarm(life, lives, coming[product])]
        for key, errors in _errors(life, lives, last):
            off[key].append(errors)
        progress((number + 1) / len(seen))

    def mean(name: str, weight: str = "judged") -> float:
        weights = [getattr(kind, weight) for kind in kinds]
        return float(np.average([getattr(kind, name) for kind in kinds], weights=weights))

    days = np.concatenate([_days_off(a.days, a.true_days) for a in answers])
    nominal = np.concatenate([_days_off(a.nominal_days, a.true_days) for a in answers])
    return Found(
        tuple(kinds),
        tuple(_error(share, of, found) for (share, of), found in off.items()),
        judged(signs),
        _held(kinds),
        mean("in_use"),
        mean("in_dates", "dated"),
        mean("plan_in_use"),
        mean("doubted_in_use"),
        mean("exact_in_use"),
        float(np.median(days)),
        float(np.median(nominal)),
    )


def _kind(life: Believed, lives: Sequence[Seen], coming: UseAhead) -> tuple[Kind, Answers]:
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
    low, high = seen.left_at(0.1), seen.left_at(0.9)
    days = np.column_stack([seen.day_at(q) for q in (0.1, 0.5, 0.9)])
    plan, doubted = plan_life(part.life), doubted_plan(part.life)
    longer = life.longer(standing)
    nominal = np.maximum(part.life.mid - used, 0.0) / _recent(view, standing, day)
    # What lies beyond the horizon is no date: nobody is told one.
    dated = np.isfinite(days[:, 2])
    kind = Kind(
        life.product,
        part.id,
        ended,
        len(standing),
        int(dated.sum()),
        _inside(true_left, low, high),
        _inside(true_days[dated], np.floor(days[dated, 0]), np.ceil(days[dated, 2])),
        _inside(true_left, plan.quantiles(used, 0.1), plan.quantiles(used, 0.9)),
        _inside(true_left, doubted.quantiles(used, 0.1), doubted.quantiles(used, 0.9)),
        _inside(true_left, *(life.exactly(standing, used, q) for q in (0.1, 0.9))),
        inside_by_belief(life.model, used / longer, low / longer, high / longer),
    )
    return kind, Answers(days[:, 1], nominal, true_days)


def _held(kinds: Sequence[Kind]) -> Held:
    told = [kind for kind in kinds if kind.judged >= LEAST_TOLD]
    return Held(
        len(told),
        held([kind.in_use for kind in told]),
        held([kind.exact_in_use for kind in told]),
        sum(inside_by_chance(kind.judged, 0.8) for kind in told),
        sum(kind.by_belief for kind in told),
    )


def _errors(
    life: Believed, lives: Sequence[Seen], last: int
) -> Iterator[tuple[tuple[float, str], _Off]]:
    """Relative errors of the life predicted for parts in service that reach a share of theirs, or
    of the plan's median, until the day `last`."""
    view, part = life.view, life.part
    standing = [each for each in lives if each.row["removed_at"] is None]
    true = np.array([each.life.life for each in standing])
    for share in SHARES:
        for of, whole in zip(OF, (true, np.full(len(true), part.life.mid)), strict=True):
            days = [view.day_at(e.life, share * w) for e, w in zip(standing, whole, strict=True)]
            asked = (life.day < np.array(days)) & (np.array(days) <= last) & (share * whole < true)
            if asked.any():
                chosen = [each for each, is_asked in zip(standing, asked, strict=True) if is_asked]
                yield (share, of), _off(life, chosen, share * whole[asked], true[asked])


def _off(life: Believed, asked: Sequence[Seen], used: FloatColumn, true: FloatColumn) -> _Off:
    said = (
        used + at_level(life.left(asked, used), 0.5),
        np.maximum(life.part.life.mid, used),
        used + life.exactly(asked, used, 0.5),
    )
    return _Off(*(np.abs(each - true) / true for each in said))


@dataclass(frozen=True, slots=True)
class _Off:
    """Relative errors of the life predicted for n parts: of P50, by the plan's median, and by who
    knew every distribution, (n,) each."""

    p50: FloatColumn
    plan: FloatColumn
    exact: FloatColumn


def _error(share: float, of: str, found: Sequence[_Off]) -> Error:
    p50, plan, exact = (
        np.concatenate([getattr(each, name) for each in found]) for name in ("p50", "plan", "exact")
    )
    return Error(share, of, len(p50), *(float(np.median(each)) for each in (p50, plan, exact)))


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
