"""The engine once more: slow, row by row, with everything it ever saw at hand."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from fleet.batch import SampleBatch
from fleet.evaluate import evaluate
from fleet.expression import Expression
from fleet.windows import Columns
from rules.changes import AlarmChange
from rules.compiled import CompiledPlan, ConditionRule, Identity

Found = tuple[int, str, str, int, int, int]


@dataclass
class Machine:
    """One machine's rows so far, carried forward, and where its rules stand."""

    times: list[int] = field(default_factory=list)
    last: dict[str, tuple[int, float]] = field(default_factory=dict)
    rows: list[dict[str, float]] = field(default_factory=list)
    raised: dict[str, int] = field(default_factory=dict)
    run: dict[str, tuple[int, int]] = field(default_factory=dict)


def told(changes: list[AlarmChange]) -> list[Found]:
    """Changes as plain tuples, in order."""
    return sorted((c.machine_id, c.rule, c.kind, c.at, c.since, c.raised_at) for c in changes)


def slow_fold(
    compiled: CompiledPlan, identities: dict[int, Identity], batch: SampleBatch
) -> list[Found]:
    """The changes of a stream of unique rows, machine by machine and row by row."""
    found: list[Found] = []
    machines: dict[int, Machine] = {}
    for i in np.lexsort((batch.measured_at, batch.machine_id)):
        identity = int(batch.machine_id[i])
        machine = machines.setdefault(identity, Machine())
        take_row(compiled, machine, int(batch.measured_at[i]), batch.values[i])
        regime = regime_of(compiled, machine)
        for condition in compiled.conditions:
            found += judge(compiled, condition, identity, identities[identity], machine, regime)
    return sorted(found)


def take_row(compiled: CompiledPlan, machine: Machine, time: int, values: np.ndarray) -> None:
    row = {}
    for s, key in enumerate(compiled.signals):
        if not math.isnan(values[s]):
            machine.last[key] = (time, float(values[s]))
        at, value = machine.last.get(key, (0, math.nan))
        fresh = time - at <= max(compiled.plan.signal[key].period_s, 10) * 3000
        row[key] = value if fresh else math.nan
    machine.times.append(time)
    machine.rows.append(row)


def regime_of(compiled: CompiledPlan, machine: Machine) -> str | None:
    for regime, when in zip(compiled.plan.regimes, compiled.regimes, strict=True):
        if now(when, machine, {}) == 1:
            return regime.id
    return None


def now(expression: Expression, machine: Machine, params: dict[str, float]) -> float:
    """The expression in the newest row, from all rows of the machine."""
    times = np.array(machine.times)
    values = {key: np.array([row[key] for row in machine.rows]) for key in machine.rows[0]}
    return float(evaluate(expression, Columns(times, np.array([0]), values), params)[-1])


def judge(
    compiled: CompiledPlan,
    condition: ConditionRule,
    identity: int,
    who: Identity,
    machine: Machine,
    regime: str | None,
) -> list[Found]:
    rule, time = condition.rule, machine.times[-1]
    params = dict(rule.params)
    for name, wanted in (("region", who.region), ("model", who.model), ("machine", who.serial)):
        for override in rule.overrides:
            if getattr(override, name) == wanted:
                params.update(override.params)
    raised = rule.id in machine.raised
    truth = now(condition.clear if raised else condition.when, machine, params)
    if not raised and rule.regimes != "any":
        if regime is None:
            truth = 0.0 if truth == 0 else math.nan
        elif regime not in (rule.regimes or ()):
            truth = 0.0
    if math.isnan(truth):
        return []
    if truth == 0:
        machine.run.pop(rule.id, None)
        return []
    begun, known = machine.run.get(rule.id, (time, time))
    if time - known > compiled.max_gap_ms:
        begun = time
    machine.run[rule.id] = (begun, time)
    if time - begun < (condition.clear_hold_ms if raised else condition.hold_ms):
        return []
    del machine.run[rule.id]
    if raised:
        return [(identity, rule.id, "cleared", time, begun, machine.raised.pop(rule.id))]
    machine.raised[rule.id] = time
    return [(identity, rule.id, "raised", time, begun, time)]
