"""A batch laid out for the rules: in order and carried forward."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fleet.batch import FloatColumn, IntColumn, SampleBatch
from fleet.carry import Carried, carry, hold_ms
from fleet.errors import IronpulseError
from fleet.windows import Columns
from rules.compiled import CompiledPlan
from rules.holding import Grid, Rows
from rules.state import FleetState


@dataclass(frozen=True, slots=True)
class Sheet:
    """A `batch` in order, carried forward; `hours` is the counter of operating hours, the signal at
    `hours_index`."""

    batch: SampleBatch
    before: FleetState
    grid: Grid
    ends: Rows
    columns: Columns
    last_value: FloatColumn
    last_time: IntColumn
    hours: Carried
    hours_index: int


def taking_effect(
    sheet: Sheet, newest: FloatColumn, moments: Sequence[Sequence[int]]
) -> dict[int, int]:
    """The rows from which on moments count that are later than the `newest` (m,) that counted on
    their machine (NaN: none), with the moment; `moments` of each machine, ascending."""
    found = {}
    ends = np.append(sheet.grid.starts[1:], len(sheet.grid.times))
    for machine, own in enumerate(moments):
        if not own:
            continue
        begin, end = int(sheet.grid.starts[machine]), int(ends[machine])
        for moment in own:
            if moment > newest[machine] or np.isnan(newest[machine]):
                row = begin + int(np.searchsorted(sheet.grid.times[begin:end], moment))
                if row < end:
                    found[row] = moment
    return found


def sheet_of(compiled: CompiledPlan, state: FleetState, batch: SampleBatch) -> Sheet:
    if batch.signals != compiled.signals:
        raise IronpulseError(
            f"the batch's columns are not those of the plan {compiled.plan.product}; "
            "read the batch with the plan's signals"
        )
    batch = batch if _in_order(batch) else batch.sorted()
    ids, starts = np.unique(batch.machine_id, return_index=True)
    places = np.searchsorted(state.machine_id, ids)
    before = state.select(places)
    counts = np.diff(np.append(starts, len(batch)))
    grid = Grid(batch.measured_at, np.repeat(np.arange(len(ids)), counts), starts)
    _refuse_disorder(grid, before)
    filled, last_value, last_time, hours = _carry_forward(compiled, before, grid, batch)
    columns = Columns(grid.times, starts, filled, compiled.max_gap_ms)
    ends = np.append(starts[1:], len(batch)) - 1
    index = compiled.signals.index(compiled.plan.hours_signal)
    return Sheet(batch, before, grid, ends, columns, last_value, last_time, hours, index)


def _in_order(batch: SampleBatch) -> bool:
    machines = np.diff(batch.machine_id)
    return bool(((machines > 0) | ((machines == 0) & (np.diff(batch.measured_at) > 0))).all())


def _refuse_disorder(grid: Grid, before: FleetState) -> None:
    twice = (np.diff(grid.times) <= 0) & (np.diff(grid.machine) == 0)
    if twice.any() or (grid.times[grid.starts] <= before.as_of).any():
        raise IronpulseError(
            "the batch holds a moment twice or one that was folded already; "
            "late rows are folded again from a checkpoint"
        )


def _carry_forward(
    compiled: CompiledPlan, before: FleetState, grid: Grid, batch: SampleBatch
) -> tuple[dict[str, FloatColumn], FloatColumn, IntColumn, Carried]:
    """Columns with each signal's last known value, the last known values themselves, and how the
    counter of operating hours stood in every row."""
    wanted, ends = set(compiled.filled), np.append(grid.starts[1:], len(batch)) - 1
    filled: dict[str, FloatColumn] = {}
    last_value, last_time = before.last_value.copy(), before.last_time.copy()
    for s, key in enumerate(compiled.signals):
        carried = carry(
            batch.values[:, s], grid.times, grid.starts, hold_ms(compiled.plan, key),
            before.last_value[:, s], before.last_time[:, s],
        )  # fmt: skip
        last_value[:, s], last_time[:, s] = carried.last[ends], carried.last_at[ends]
        if key in wanted:
            filled[key] = carried.values
        if key == compiled.plan.hours_signal:
            hours = carried
    return filled, last_value, last_time, hours
