"""A rule set tried on history: columns in, alarms out. Pure.

History is folded in pieces over a `Course`, which carries all that goes on from one piece to the
next; as the engine is split-invariant, it does not matter how history is cut into pieces, nor
which machines are folded together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from fleet.batch import FaultReport, SampleBatch
from fleet.carry import hold_ms
from rules.changes import AlarmChange
from rules.compiled import CompiledPlan
from rules.condition import Identity
from rules.contact.gaps import Steps, longest_ms, silences, standing_silences
from rules.detectors.implausible import FULL_MS
from rules.detectors.live import NOTHING_TAUGHT, Taught
from rules.engine import judge
from rules.faults import FaultState, fold_faults, ripen
from rules.state import NEVER, FleetState, empty_state, stack


@dataclass(frozen=True, slots=True)
class Course:
    """How far a rule set has come with some machines: their states, all changes so far, how many
    samples were folded, and the last steps between the samples of each machine."""

    state: FleetState
    faults: Mapping[int, FaultState]
    changes: tuple[AlarmChange, ...] = ()
    samples: int = 0
    steps: Steps = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alarm:
    """One time an alarm was raised, milliseconds since 1970 UTC; `cleared_at` None where it stands
    at the end of history. `values` are the signals that explain it, as they stood then."""

    machine_id: int
    rule: str
    component: str
    raised_at: int
    cleared_at: int | None
    regime: str | None
    values: Mapping[str, float]
    failure_modes: tuple[str, ...] = ()
    """Modes that a learned detector found fitting; else those of the rule count."""


def begin(compiled: CompiledPlan, machine_ids: Sequence[int]) -> Course:
    """Machines before their first sample."""
    state = empty_state(compiled, machine_ids)
    return Course(state, {machine: FaultState() for machine in state.machine_id.tolist()})


def go_on(
    compiled: CompiledPlan,
    identities: Mapping[int, Identity],
    course: Course,
    batch: SampleBatch,
    reports: Sequence[FaultReport] = (),
    taught: Taught = NOTHING_TAUGHT,
) -> Course:
    """Fold the next piece of history: samples and fault reports of machines of the course, each
    (machine, time) once, all newer than what was folded before."""
    changes = list(course.changes)
    judged = judge(compiled, identities, course.state, batch, taught)
    changes += judged.changes
    silent, steps = silences(compiled, judged, course.steps)
    changes += silent
    others = course.state.select(
        np.flatnonzero(~np.isin(course.state.machine_id, batch.machine_id))
    )
    state = stack([others, judged.state])
    by_machine: dict[int, list[FaultReport]] = {}
    for report in reports:
        by_machine.setdefault(report.machine_id, []).append(report)
    faults = dict(course.faults)
    for machine, as_of in zip(state.machine_id.tolist(), state.as_of.tolist(), strict=True):
        known, more = fold_faults(compiled, faults[machine], by_machine.get(machine, ()))
        changes += more
        if known.active and as_of > known.as_of:
            known, more = ripen(compiled, known, machine, as_of)
            changes += more
        faults[machine] = known
    steps = {**course.steps, **steps}
    return Course(state, faults, tuple(changes), course.samples + len(batch), steps)


def finish(compiled: CompiledPlan, course: Course, end: int) -> Course:
    """The course at the end of history, which some machines did not live to see: their silence
    stands then. `end` in milliseconds since 1970 UTC, one for all machines."""
    standing = standing_silences(compiled, course.state, course.steps, end)
    return replace(course, changes=(*course.changes, *standing))


def warm_up_ms(compiled: CompiledPlan) -> int:
    """How much history before the first moment asked for the rules need to be in step: the past
    of their windows, values carried forward, what may be pending, and a silence
    that is not told yet."""
    holds = [max(rule.hold_ms, rule.clear_hold_ms) for rule in compiled.conditions]
    holds += [FULL_MS] if compiled.sensor_rule else []
    carried = max((hold_ms(compiled.plan, key) for key in compiled.signals), default=0)
    conditions = compiled.past_ms + carried + max(holds, default=0) + compiled.max_gap_ms
    return max(conditions, longest_ms(compiled))


def alarms_of(changes: Iterable[AlarmChange], since: int = NEVER) -> list[Alarm]:
    """The alarms raised at or after `since`, by machine, time, rule and component."""
    found: dict[tuple[int, str, str, int], Alarm] = {}
    for change in changes:
        key = (change.machine_id, change.rule, change.component, change.raised_at)
        if change.raised_at < since:
            continue
        if change.kind == "raised":
            found[key] = Alarm(
                change.machine_id, change.rule, change.component, change.raised_at, None,
                change.regime, dict(change.values or {}), change.failure_modes,
            )  # fmt: skip
        elif key in found:
            found[key] = replace(found[key], cleared_at=change.at)
    return sorted(
        found.values(), key=lambda one: (one.machine_id, one.raised_at, one.rule, one.component)
    )
