"""Alarms that several detectors, or two ways of one, raise about the same sensor, as one. Pure.

It stands from the first that was raised until the last is over; only these two are told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from rules.changes import AlarmChange
from rules.detectors.watched import Raised, Watched

Key = tuple[str, str]


def told_once(
    before: Sequence[Watched], after: Sequence[Watched], changes: Iterable[AlarmChange]
) -> tuple[list[Watched], list[AlarmChange]]:
    """One machine's detectors before and after some rows, and what they said on the way: the same,
    with every alarm (rule and component) raised once and cleared once."""
    standing = [raised for own in before for raised in own.standing_alarms]
    counts: Counter[Key] = Counter(_key(raised) for raised in standing)
    first = {_key(raised): raised for raised in standing}
    told = []
    for change in sorted(changes, key=lambda change: (change.at, change.kind == "cleared")):
        key = (change.rule, change.component)
        if change.kind == "raised":
            counts[key] += 1
            if counts[key] == 1:
                first[key] = Raised(change.rule, change.component, change.since, change.at)
                told.append(change)
            continue
        counts[key] -= 1
        if counts[key] == 0:
            begun = first[key]
            told.append(replace(change, since=begun.since, raised_at=begun.at))
    return [_of_first(own, first) for own in after], told


def _of_first(own: Watched, first: dict[Key, Raised]) -> Watched:
    raised = None if own.raised is None else first[_key(own.raised)]
    stuck = {name: first[_key(one)] for name, one in own.stuck.items()}
    return replace(own, raised=raised, stuck=stuck)


def _key(raised: Raised) -> Key:
    return raised.rule, raised.component
