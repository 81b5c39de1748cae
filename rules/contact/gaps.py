"""Silence in a replay: the gaps between a machine's samples. Pure.

Live, a machine is silent when nothing is received from it (rules.contact.silence). History does not
say when a sample was received, so in a replay each is taken as received when it was measured.
History may be thinned, too: a machine is late once it has missed reports at its own pace, where
that is slower than its plan's, and before that pace is known only once it is offline.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from fleet.batch import IntColumn
from fleet.rule import Rule
from rules.changes import AlarmChange
from rules.compiled import CompiledPlan
from rules.contact.connection import MISSED_REPORTS, Contact, silence_since
from rules.engine import Judged
from rules.state import NEVER, NO_REGIME, FleetState

#: The least of so many steps between samples is a machine's pace: a gap is not its pace, and one
#: that changes is soon known.
_STEPS = 5
_NO_STEP = 2**62
#: The last steps of each machine, ms, the newest last.
Steps = Mapping[int, tuple[int, ...]]


def replayed_rules(compiled: CompiledPlan) -> tuple[Rule, ...]:
    """The silence rules that history can tell about: one that waits for a machine's first sample
    has no sample to be replayed on."""
    return tuple(rule for rule in compiled.silence_rules if rule.silence != "never_seen")


def silences(
    compiled: CompiledPlan, judged: Judged, before: Steps
) -> tuple[list[AlarmChange], Steps]:
    """What silence raised and the next sample cleared, in the gaps that end within a batch; and the
    last steps of its machines, as `before` it."""
    rules = replayed_rules(compiled)
    if not rules or len(judged.grid.times) == 0:
        return [], {}
    grid, state = judged.grid, judged.before
    since, regime = np.roll(grid.times, 1), np.roll(judged.regime, 1)
    since[grid.starts], regime[grid.starts] = state.as_of, state.regime
    machines = state.machine_id.tolist()
    usual, after = _pace(grid.times, since, grid.starts, [before.get(m, ()) for m in machines])
    long = (since != NEVER) & (grid.times > since + shortest_ms(compiled))
    changes = []
    for row in np.flatnonzero(long).tolist():
        machine, back = machines[grid.machine[row]], int(grid.times[row])
        gone = int(since[row]), int(regime[row]), int(usual[row])
        for raised in _raised(compiled, rules, machine, *gone, back - 1):
            over = AlarmChange(
                machine, raised.rule, raised.component, "cleared", back, back, raised.raised_at
            )
            changes += [raised, over]
    return changes, dict(zip(machines, after, strict=True))


def _pace(
    times: IntColumn, since: IntColumn, starts: IntColumn, before: list[tuple[int, ...]]
) -> tuple[IntColumn, list[tuple[int, ...]]]:
    """The pace of each row's machine before that row, (n,), `_NO_STEP` where not known, and the
    last steps of each machine after the rows."""
    step = np.where(since == NEVER, _NO_STEP, times - since)
    head = [((_NO_STEP,) * _STEPS + own)[-_STEPS:] for own in before]
    ends = np.append(starts[1:], len(step))
    # Each machine's known steps stand before its own: row r is at r + so many for every machine.
    line = np.concatenate(
        [part for own, a, z in zip(head, starts, ends, strict=True) for part in (own, step[a:z])]
    )
    rows = np.arange(len(step))
    place = rows + _STEPS * np.searchsorted(starts, rows, side="right")
    usual = np.minimum.reduce([line[place - back] for back in range(1, _STEPS + 1)])
    last = ends + _STEPS * np.arange(1, len(ends) + 1)
    after = [tuple(line[end - _STEPS : end].tolist()) for end in last.tolist()]
    return usual, after


def standing_silences(
    compiled: CompiledPlan, state: FleetState, steps: Steps, end: int
) -> list[AlarmChange]:
    """What silence raised before `end` on machines that were not heard again until then."""
    rules = replayed_rules(compiled)
    return [
        change
        for machine, heard, regime in zip(
            state.machine_id.tolist(), state.as_of.tolist(), state.regime.tolist(), strict=True
        )
        if heard != NEVER
        for change in _raised(
            compiled, rules, machine, heard, regime, min(steps.get(machine, (_NO_STEP,))), end - 1
        )
    ]


def shortest_ms(compiled: CompiledPlan) -> int:
    """The shortest gap that a silence rule may see."""
    report = compiled.plan.report
    quiet = (report.offline_s, report.parked_s)
    late = MISSED_REPORTS * report.working_s
    return round(1000 * min(
        min(late if rule.silence == "late" else max(quiet), *quiet) + (rule.hold_s or 0)
        for rule in replayed_rules(compiled)
    ))  # fmt: skip


def longest_ms(compiled: CompiledPlan) -> int:
    """How long a machine may have been silent when its silence is told, 0 without such a rule."""
    report = compiled.plan.report
    holds = [rule.hold_s or 0 for rule in replayed_rules(compiled)]
    return round(1000 * (max(report.offline_s, report.parked_s) + max(holds))) if holds else 0


def _raised(
    compiled: CompiledPlan,
    rules: tuple[Rule, ...],
    machine: int,
    heard: int,
    regime: int,
    usual_ms: int,
    now: int,
) -> Iterator[AlarmChange]:
    known = None if regime == NO_REGIME else compiled.plan.regimes[regime]
    running = None if known is None else known.running
    contact = Contact(heard, None, None, running, heard, usual_ms)
    for rule in rules:
        at = silence_since(rule, contact, compiled.plan.report, now)
        if at is not None:
            name = None if known is None else known.id
            yield AlarmChange(machine, rule.id, rule.component, "raised", at, heard, at, name)
