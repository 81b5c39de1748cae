"""A rule set tried on history: columns in, alarms and the visits they would have become out. Pure.

History is folded in pieces over a `Course`, which carries all that goes on from one piece to the
next; as the engine is split-invariant, it does not matter how history is cut into pieces, nor
which machines are folded together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from fleet.batch import FaultReport, SampleBatch
from fleet.carry import hold_ms
from fleet.finding import Finding, Kind
from fleet.plan import ProductPlan
from fleet.service import ServiceTier
from rules.changes import AlarmChange
from rules.compiled import CompiledPlan
from rules.condition import Identity
from rules.detectors.implausible import FULL_MS
from rules.detectors.live import NOTHING_TAUGHT, Taught
from rules.engine import judge
from rules.faults import FaultState, fold_faults, ripen
from rules.gaps import longest_ms, silences, standing_silences
from rules.recurrence import joins, locked_until, recurrence_of
from rules.state import NEVER, FleetState, empty_state, stack
from store.alarms import Span
from tickets.content import contribution
from tickets.policy import OpenItem, Outcome, Visit, decide


@dataclass(frozen=True, slots=True)
class Course:
    """How far a rule set has come with some machines: their states, all changes so far, and how
    many samples were folded."""

    state: FleetState
    faults: Mapping[int, FaultState]
    changes: tuple[AlarmChange, ...] = ()
    samples: int = 0


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


@dataclass(frozen=True, slots=True)
class Decided:
    """What an alarm would have become: `visit` counts the machine's visits from 1, 0 for none;
    `minutes` of a technician's work on site that it would have added. `again` is one that came
    back so soon that it is no new alarm."""

    alarm: Alarm
    outcome: Outcome | Literal["again"]
    visit: int
    minutes: float
    failure_modes: tuple[str, ...] = ()
    """The modes that its finding points at, the likeliest first."""


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
    changes += silences(compiled, judged)
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
    return Course(state, faults, tuple(changes), course.samples + len(batch))


def finish(compiled: CompiledPlan, course: Course, end: int) -> Course:
    """The course at the end of history, which some machines did not live to see: their silence
    stands then. `end` in milliseconds since 1970 UTC, one for all machines."""
    standing = standing_silences(compiled, course.state, end)
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


@dataclass
class _Open:
    """The visit that is planned for a machine, and what it deals with already."""

    visit: Visit
    items: list[OpenItem]
    prepared: set[str]
    checks: set[tuple[str, str]]


def visits(plan: ProductPlan, tier: ServiceTier, alarms: Iterable[Alarm]) -> Iterator[Decided]:
    """What the alarms of one machine would have become: one visit at a time, on site at the
    moment that was promised, after which nothing is open any more."""
    open_: _Open | None = None
    number = 0
    for at, alarm in _when_paged(plan, alarms):
        if at is None:
            yield Decided(alarm, "again", 0, 0.0)
            continue
        if open_ is not None and open_.visit.target_at <= at:
            open_ = None
        finding = _finding(plan, alarm)
        items = () if open_ is None else tuple(open_.items)
        standing = None if open_ is None else open_.visit
        verdict = decide(finding, plan, tier, standing, items, at)
        if verdict.outcome in ("recorded", "attached"):
            visit_number = number if verdict.outcome == "attached" else 0
            yield Decided(alarm, verdict.outcome, visit_number, 0.0, finding.failure_modes)
            continue
        if open_ is None:
            number += 1
            visit = Visit(number, str(number), verdict.priority, verdict.target_at)
            open_ = _Open(visit, [], set(), set())
        open_.visit = replace(open_.visit, priority=verdict.priority, target_at=verdict.target_at)
        minutes = _join(plan, open_, finding)
        yield Decided(alarm, verdict.outcome, number, minutes, finding.failure_modes)


def _when_paged(plan: ProductPlan, alarms: Iterable[Alarm]) -> list[tuple[int | None, Alarm]]:
    """When each alarm of a machine is handed over, in that order: as it is raised; one that came
    again too soon once it has outlasted the lock, or never (None)."""
    laws = {rule.id: recurrence_of(plan, rule) for rule in plan.rules}
    spans: dict[tuple[str, str], list[Span]] = {}
    found: list[tuple[int | None, Alarm]] = []
    for alarm in sorted(alarms, key=lambda one: (one.raised_at, one.rule, one.component)):
        own, law = spans.setdefault((alarm.rule, alarm.component), []), laws[alarm.rule]
        at: int | None = alarm.raised_at
        if own and joins(own, alarm.raised_at, law):
            lock = locked_until(own, law)
            assert lock is not None
            at = lock if alarm.cleared_at is None or alarm.cleared_at >= lock else None
        else:
            own.clear()
        own.append((alarm.raised_at, alarm.cleared_at))
        found.append((at, alarm))

    def order(one: tuple[int | None, Alarm]) -> tuple[int, int, str, str]:
        at, alarm = one
        moment = alarm.raised_at if at is None else at
        return moment, -plan.rule[alarm.rule].severity, alarm.rule, alarm.component

    return sorted(found, key=order)


def _join(plan: ProductPlan, open_: _Open, finding: Finding) -> float:
    """Add a finding to the visit; the minutes that it costs."""
    added = contribution(plan, finding, (), open_.prepared)
    minutes = float(added.minutes)
    for check in added.checks:
        key = (check.checklist, check.item.id)
        minutes += 0.0 if key in open_.checks else check.item.minutes
        open_.checks.add(key)
    open_.prepared.update(finding.failure_modes[:1])
    open_.items.append(
        OpenItem(finding.kind, finding.source, finding.component, open_.visit.number)
    )
    return minutes


def _finding(plan: ProductPlan, alarm: Alarm) -> Finding:
    rule = plan.rule[alarm.rule]
    kind: Kind = "alarm" if rule.silence is None else "connection"
    return Finding(
        alarm.machine_id, kind, rule.id, alarm.component, rule.severity, alarm.raised_at,
        rule.name, rule.advice, {}, alarm.failure_modes or rule.failure_modes,
    )  # fmt: skip
