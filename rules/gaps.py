"""Silence in a replay: the gaps between a machine's samples. Pure.

Live, a machine is silent when nothing is received from it (rules.silence). History does not say
when a sample was received, so in a replay each is taken as received when it was measured.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fleet.rule import Rule
from rules.changes import AlarmChange
from rules.compiled import CompiledPlan
from rules.connection import MISSED_REPORTS, Contact, silence_since
from rules.engine import Judged
from rules.state import NEVER, NO_REGIME, FleetState


def replayed_rules(compiled: CompiledPlan) -> tuple[Rule, ...]:
    """The silence rules that history can tell about: one that waits for a machine's first sample
    has no sample to be replayed on."""
    return tuple(rule for rule in compiled.silence_rules if rule.silence != "never_seen")


def silences(compiled: CompiledPlan, judged: Judged) -> list[AlarmChange]:
    """What silence raised and the next sample cleared, in the gaps that end within a batch."""
    rules = replayed_rules(compiled)
    if not rules or len(judged.grid.times) == 0:
        return []
    grid, before = judged.grid, judged.before
    since, regime = np.roll(grid.times, 1), np.roll(judged.regime, 1)
    since[grid.starts], regime[grid.starts] = before.as_of, before.regime
    long = (since != NEVER) & (grid.times > since + shortest_ms(compiled))
    changes = []
    for row in np.flatnonzero(long).tolist():
        machine, back = int(before.machine_id[grid.machine[row]]), int(grid.times[row])
        gone = int(since[row]), int(regime[row])
        for raised in _raised(compiled, rules, machine, *gone, back - 1):
            over = AlarmChange(
                machine, raised.rule, raised.component, "cleared", back, back, raised.raised_at
            )
            changes += [raised, over]
    return changes


def standing_silences(compiled: CompiledPlan, state: FleetState, end: int) -> list[AlarmChange]:
    """What silence raised before `end` on machines that were not heard again until then."""
    rules = replayed_rules(compiled)
    return [
        change
        for machine, heard, regime in zip(
            state.machine_id.tolist(), state.as_of.tolist(), state.regime.tolist(), strict=True
        )
        if heard != NEVER
        for change in _raised(compiled, rules, machine, heard, regime, end - 1)
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
    now: int,
) -> Iterator[AlarmChange]:
    known = None if regime == NO_REGIME else compiled.plan.regimes[regime]
    contact = Contact(heard, None, None, None if known is None else known.running, heard)
    for rule in rules:
        at = silence_since(rule, contact, compiled.plan.report, now)
        if at is not None:
            name = None if known is None else known.id
            yield AlarmChange(machine, rule.id, rule.component, "raised", at, heard, at, name)
