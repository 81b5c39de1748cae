"""What a fold leaves behind: changes with the values that explain them, and the state after."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FloatColumn
from rules.changes import AlarmChange
from rules.compiled import CompiledPlan
from rules.condition import ConditionRule
from rules.holding import RuleState, Transition
from rules.remembered.recall import Recall
from rules.sheet import Sheet
from rules.state import NO_REGIME, FleetState


def change_of(
    rule: ConditionRule,
    compiled: CompiledPlan,
    sheet: Sheet,
    regime: NDArray[np.int16],
    change: Transition,
    windows: Mapping[str, FloatColumn],
) -> AlarmChange:
    """A transition of a rule with the values that explain it; `windows` by their text."""
    row = change.row
    here = int(regime[row])
    return AlarmChange(
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


def state_after(
    compiled: CompiledPlan,
    sheet: Sheet,
    regime: NDArray[np.int16],
    rules: list[RuleState],
    recall: Recall,
) -> FleetState:
    """The state of the sheet's machines after its rows; `rules` in the order of conditions."""
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
        recall.operating,
        recall.learned,
        before.open,
        before.sliding,
        before.places,
        before.recent,
        before.watched,
        before.suspects,
    )
