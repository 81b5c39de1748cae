"""The rules as one pure function: state and columns in, state and alarm changes out.

The same function runs live, in a backtest and in the tests beside the plans. However a stream
is cut into batches, the changes are the same.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FloatColumn, SampleBatch
from fleet.carry import first_true
from fleet.evaluate import evaluate
from fleet.expression import WINDOW_FUNCTIONS, Expression
from rules.changes import AlarmChange
from rules.compiled import CompiledPlan, ConditionRule, Identity, Params
from rules.holding import Rows, RuleState, Transition, step
from rules.sheet import Sheet, sheet_of, tails_after
from rules.state import NO_REGIME, FleetState


def fold(
    compiled: CompiledPlan,
    identities: Mapping[int, Identity],
    state: FleetState,
    batch: SampleBatch,
) -> tuple[FleetState, list[AlarmChange]]:
    """Fold a batch over the state of its machines.

    Every machine of the batch stands in `state`; each (machine, time) stands in the batch once,
    after the machine's `as_of`: late rows are the caller's (see rules.late). `identities` is
    asked only where a rule has overrides. Returns the new state of the batch's machines, by
    machine id, and the changes by machine and time.
    """
    if len(batch) == 0:
        return state.select([]), []
    sheet = sheet_of(compiled, state, batch)
    regime = first_true(compiled.regimes, sheet.columns).astype(np.int16)
    machines = sheet.before.machine_id.tolist()
    who = [identities[machine] for machine in machines] if _overridden(compiled) else []
    outcomes = [
        _fold_rule(rule, i, rule.params(who), compiled, sheet, regime)
        for i, rule in enumerate(compiled.conditions)
    ]
    after = _state_after(compiled, sheet, regime, [outcome[0] for outcome in outcomes])
    order = {condition.rule.id: i for i, condition in enumerate(compiled.conditions)}
    changes = [change for outcome in outcomes for change in outcome[1]]
    changes.sort(key=lambda change: (change.machine_id, change.at, order[change.rule]))
    return after, changes


def _overridden(compiled: CompiledPlan) -> bool:
    return any(condition.rule.overrides for condition in compiled.conditions)


def _compute(
    compiled: CompiledPlan, expression: Expression, params: Params, sheet: Sheet
) -> FloatColumn:
    """The expression in every row of the batch."""
    if expression.lookback_ms == 0:
        return evaluate(expression, sheet.columns, _per_row(params, sheet.grid.machine))
    past = sheet.past[compiled.lane_of(expression)]
    return evaluate(expression, past.columns, _per_row(params, past.machine))[past.rows]


def _per_row(params: Params, machine: Rows) -> Params:
    return {
        name: value if isinstance(value, int | float) else value[machine]
        for name, value in params.items()
    }


def _fold_rule(
    rule: ConditionRule,
    index: int,
    params: Params,
    compiled: CompiledPlan,
    sheet: Sheet,
    regime: NDArray[np.int16],
) -> tuple[RuleState, list[AlarmChange]]:
    before = RuleState(
        sheet.before.phase[:, index],
        sheet.before.since[:, index],
        sheet.before.known[:, index],
        sheet.before.raised_at[:, index],
    )
    when = _guarded(
        _compute(compiled, rule.when, params, sheet), rule, len(compiled.regimes), regime
    )
    clear = partial(_compute, compiled, rule.clear, params, sheet)
    after, transitions = step(
        before, when, clear, sheet.grid, rule.hold_ms, rule.clear_hold_ms, compiled.max_gap_ms
    )
    return after, list(_changes(rule, params, compiled, sheet, regime, transitions))


def _guarded(
    when: FloatColumn, rule: ConditionRule, regimes: int, regime: NDArray[np.int16]
) -> FloatColumn:
    """The condition and its guard, in Kleene's logic; an unknown regime is unknown."""
    if rule.regimes is None:
        return when
    guard = np.zeros(regimes + 1)
    guard[list(rule.regimes)] = 1.0
    guard[NO_REGIME] = np.nan
    allowed = guard[regime]
    both = when * allowed
    return np.where((allowed == 0) | (when == 0), 0.0, both)


def _changes(
    rule: ConditionRule,
    params: Params,
    compiled: CompiledPlan,
    sheet: Sheet,
    regime: NDArray[np.int16],
    transitions: list[Transition],
) -> Iterator[AlarmChange]:
    windows = _window_values(compiled, rule.when, params, sheet) if transitions else {}
    for change in transitions:
        row = change.row
        here = int(regime[row])
        yield AlarmChange(
            int(sheet.before.machine_id[change.machine]),
            rule.rule.id,
            rule.rule.component,
            "raised" if change.raised else "cleared",
            int(sheet.grid.times[row]),
            change.since,
            change.raised_at,
            None if here == NO_REGIME else compiled.plan.regimes[here].id,
            _known_at(row, {key: sheet.columns.values[key] for key in rule.signals}),
            _known_at(row, windows),
        )


def _known_at(row: int, columns: Mapping[str, FloatColumn]) -> dict[str, float]:
    values = {key: float(column[row]) for key, column in columns.items()}
    return {key: value for key, value in values.items() if not np.isnan(value)}


def _window_values(
    compiled: CompiledPlan, expression: Expression, params: Params, sheet: Sheet
) -> dict[str, FloatColumn]:
    """What the window functions of an expression said in every row, by their text."""
    if expression.lookback_ms == 0:
        return {}
    calls = {
        ast.unparse(node): replace(expression, tree=node)
        for node in ast.walk(expression.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in WINDOW_FUNCTIONS
    }
    return {text: _compute(compiled, call, params, sheet) for text, call in calls.items()}


def _state_after(
    compiled: CompiledPlan, sheet: Sheet, regime: NDArray[np.int16], rules: list[RuleState]
) -> FleetState:
    before, grid = sheet.before, sheet.grid
    previous = np.concatenate((regime[:1], regime[:-1]))
    previous[grid.starts] = before.regime
    changed = np.maximum.accumulate(np.where(regime != previous, np.arange(len(regime)), -1))
    change = changed[sheet.ends]
    since = np.where(change >= grid.starts, grid.times[change], before.regime_since)
    empty = np.empty((len(before), 0), np.int64)
    return FleetState(
        before.machine_id,
        grid.times[sheet.ends],
        regime[sheet.ends],
        since,
        sheet.last_value,
        sheet.last_time,
        np.column_stack([rule.phase for rule in rules]) if rules else empty.astype(np.int8),
        np.column_stack([rule.since for rule in rules]) if rules else empty,
        np.column_stack([rule.known for rule in rules]) if rules else empty,
        np.column_stack([rule.raised_at for rule in rules]) if rules else empty,
        tails_after(compiled, sheet),
    )
