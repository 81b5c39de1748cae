"""Alarms that several detectors, or several ways of one, raise about the same sensor, as one. Pure.

It stands from the first that was raised until the last is over; only these two are told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby

from rules.changes import AlarmChange
from rules.detectors.watched import Key, Raised, Suspect, Watched
from rules.state import FleetState


def as_one(
    before: FleetState, after: FleetState, changes: Sequence[AlarmChange]
) -> tuple[FleetState, list[AlarmChange]]:
    """Machines before and after some rows, and what detectors said of them on the way: the same,
    with every alarm told once."""
    watched, suspects = list(after.watched), list(after.suspects)
    place = {machine: m for m, machine in enumerate(after.machine_id.tolist())}
    told: list[AlarmChange] = []
    for machine, own in groupby(sorted(changes, key=_machine_of), _machine_of):
        m = place[machine]
        held: list[Watched | Suspect] = [*before.watched[m], *before.suspects[m].values()]
        first, said = told_once([raised for one in held for raised in one.standing_alarms], own)
        watched[m] = tuple(one.told_as(first) for one in watched[m])
        suspects[m] = {key: one.told_as(first) for key, one in suspects[m].items()}
        told += said
    return replace(after, watched=tuple(watched), suspects=tuple(suspects)), told


def told_once(
    standing: Iterable[Raised], changes: Iterable[AlarmChange]
) -> tuple[dict[Key, Raised], list[AlarmChange]]:
    """One machine's alarms that stand before some rows, however often each does, and what is said
    on the way: each (rule and component) as it was raised first, raised once and cleared once."""
    before = list(standing)
    counts: Counter[Key] = Counter(raised.key for raised in before)
    first = {raised.key: raised for raised in before}
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
    return first, told


def _machine_of(change: AlarmChange) -> int:
    return change.machine_id
