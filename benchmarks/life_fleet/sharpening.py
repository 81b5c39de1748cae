"""Whether signs sharpen what is left of a life: narrower, and still inside as often as stated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.life_fleet.believed import Believed, at_level
from benchmarks.life_fleet.signs import Sharpened, Signs, alarms
from benchmarks.life_fleet.view import Seen
from fleet.batch import FloatColumn
from fleet.wear import Condition
from predict.as_shown import with_condition
from predict.use_ahead import UseAhead
from predict.warned import forewarned

#: Parts are asked about every so many days.
EVERY_DAYS = 30
#: A part shows wear from this share of the way from new to its limit on.
_SHOWS = 0.25


@dataclass(frozen=True, slots=True)
class Asked:
    """Parts that a sign is about: what is left of them in truth (n,), and by the product without
    and with it (n, levels), in shares of each part's life."""

    sign: str
    true: FloatColumn
    before: FloatColumn
    after: FloatColumn


def judged(asked: Iterable[Asked]) -> tuple[Sharpened, ...]:
    """What each sign changes, over all kinds of parts."""
    groups: dict[str, list[Asked]] = {}
    for each in asked:
        groups.setdefault(each.sign, []).append(each)
    return tuple(_judged(sign, own) for sign, own in sorted(groups.items()))


def _judged(sign: str, own: Sequence[Asked]) -> Sharpened:
    true = np.concatenate([each.true for each in own])
    inside, wide, off = [], [], []
    for sides in ([each.before for each in own], [each.after for each in own]):
        low, middle, high = (at_level(np.vstack(sides), level) for level in (0.1, 0.5, 0.9))
        inside.append(float(np.mean((low <= true) & (true <= high))))
        wide.append(float(np.mean(high - low)))
        off.append(float(np.median(np.abs(middle - true))))
    return Sharpened(sign, len(true), inside[0], inside[1], wide[1] / wide[0], off[0], off[1])


def by_condition(life: Believed, last: int) -> Iterable[Asked]:
    """Parts that could show their wear, those that do and those that do not, in service on days
    until `last`. What is asked about is chosen by what is seen, not by the hidden life: only then
    is the share inside to be the one stated."""
    condition, view = life.part.condition, life.view
    if condition is None:
        return
    signs = Signs(view, life.part)
    for day in range(life.day, last, EVERY_DAYS):
        parts = view.in_service(life.product, life.part.id, day)
        used = np.array([each.used for each in parts])
        before = life.left(parts, used)
        machines = {each.life.machine for each in parts}
        days = {(machine, life.part.id): signs.days(machine, day) for machine in machines}
        after, told = with_condition(life.part, [each.row for each in parts], used, before, days)
        true = np.array([each.life.life for each in parts])
        wears = np.array([_shows(condition, each) for each in told], dtype=np.bool_)
        for sign, chosen in (("wear shows", wears), ("no wear shows", ~wears)):
            columns = (each[chosen] for each in (true, used, before, after))
            yield _in_shares(sign, *columns)


def _shows(condition: Condition, told: Mapping[str, float] | None) -> bool:
    if told is None:
        return False
    return (told["value"] - condition.new) / (condition.limit - condition.new) >= _SHOWS


def by_alarm(life: Believed, lives: Sequence[Seen], coming: UseAhead) -> Iterable[Asked]:
    """Parts in service that show nothing themselves and that an alarm is about."""
    part = life.part
    if part.condition is not None or part.driver.age:
        return
    standing = [each for each in lives if each.row["removed_at"] is None]
    warned = alarms(life.view, coming.plan, part, standing, life.day)
    about = [each for each in standing if each.life.machine in warned]
    if not about:
        return
    machines = [each.life.machine for each in about]
    used = np.array([each.used for each in about])
    use, hours = coming.of_part(part.id, machines), coming.hours_of(machines)
    per_hour = np.divide(use.rate, hours.rate, out=np.zeros(len(about)), where=hours.rate > 0)
    before = life.left(about, used)
    after = forewarned(before, per_hour, machines, warned)
    true = np.array([each.life.life for each in about])
    yield _in_shares("alarm", true, used, before, after)


def _in_shares(
    sign: str, life: FloatColumn, used: FloatColumn, before: FloatColumn, after: FloatColumn
) -> Asked:
    each = life[:, None]
    return Asked(sign, (life - used) / life, before / each, after / each)
