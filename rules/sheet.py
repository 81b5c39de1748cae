"""A batch laid out for the rules: in order, carried forward, with the past its windows need."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fleet.batch import FloatColumn, IntColumn, SampleBatch
from fleet.errors import IronpulseError
from fleet.windows import Columns
from rules.compiled import CompiledPlan
from rules.holding import Grid, Rows
from rules.state import FleetState, Tail, empty_state, empty_tail


@dataclass(frozen=True, slots=True)
class Sheet:
    """A batch in order, carried forward, with the past its windows need."""

    before: FleetState
    grid: Grid
    ends: Rows
    columns: Columns
    last_value: FloatColumn
    last_time: IntColumn
    past: Columns
    past_machine: Rows
    past_rows: Rows


def sheet_of(compiled: CompiledPlan, state: FleetState, batch: SampleBatch) -> Sheet:
    if batch.signals != compiled.signals:
        raise IronpulseError(
            f"the batch's columns are not those of the plan {compiled.plan.product}; "
            "read the batch with the plan's signals"
        )
    batch = batch.sorted()
    ids, starts = np.unique(batch.machine_id, return_index=True)
    places = np.searchsorted(state.machine_id, ids)
    before = state.select(places)
    counts = np.diff(np.append(starts, len(batch)))
    grid = Grid(batch.measured_at, np.repeat(np.arange(len(ids)), counts), starts)
    _refuse_disorder(grid, before)
    filled, last_value, last_time = _carry_forward(compiled, before, grid, batch)
    columns = Columns(grid.times, starts, filled)
    past, machine, rows = _with_past(compiled, before, grid, columns)
    ends = np.append(starts[1:], len(batch)) - 1
    return Sheet(before, grid, ends, columns, last_value, last_time, past, machine, rows)


def _refuse_disorder(grid: Grid, before: FleetState) -> None:
    twice = (np.diff(grid.times) <= 0) & (np.diff(grid.machine) == 0)
    if twice.any() or (grid.times[grid.starts] <= before.as_of).any():
        raise IronpulseError(
            "the batch holds a moment twice or one that was folded already; "
            "late rows are folded again from a checkpoint"
        )


def _carry_forward(
    compiled: CompiledPlan, before: FleetState, grid: Grid, batch: SampleBatch
) -> tuple[dict[str, FloatColumn], FloatColumn, IntColumn]:
    """Columns with each signal's last known value, and the last known values themselves."""
    n, wanted = len(batch), set(compiled.filled)
    ends = np.append(grid.starts[1:], n) - 1
    row_start = grid.starts[grid.machine]
    rows = np.arange(n)
    filled: dict[str, FloatColumn] = {}
    last_value, last_time = before.last_value.copy(), before.last_time.copy()
    for s, key in enumerate(compiled.signals):
        column = batch.values[:, s]
        known = ~np.isnan(column)
        source = np.maximum.accumulate(np.where(known, rows, -1))
        fresh = source[ends] >= grid.starts
        last_value[fresh, s] = column[source[ends][fresh]]
        last_time[fresh, s] = grid.times[source[ends][fresh]]
        if key not in wanted:
            continue
        if known.all():
            filled[key] = column
            continue
        here = source >= row_start
        value = np.where(here, column[source], before.last_value[grid.machine, s])
        time = np.where(here, grid.times[source], before.last_time[grid.machine, s])
        filled[key] = np.where(grid.times - time <= compiled.carry_ms[s], value, np.nan)
    return filled, last_value, last_time


def _with_past(
    compiled: CompiledPlan, before: FleetState, grid: Grid, columns: Columns
) -> tuple[Columns, Rows, Rows]:
    """The tails of the machines before their rows: columns, machine of each row, and where the
    batch's rows are among them."""
    if not compiled.windowed:
        return columns, grid.machine, np.arange(len(grid.times))
    lengths = np.array([len(tail.times) for tail in before.tails])
    counts = np.diff(np.append(grid.starts, len(grid.times)))
    own_rows = np.arange(len(grid.times)) + np.cumsum(lengths)[grid.machine]
    total = lengths + counts
    starts = np.cumsum(total) - total
    tail_rows = np.arange(lengths.sum()) + np.repeat(np.cumsum(counts) - counts, lengths)
    size = int(total.sum())
    times = np.empty(size, np.int64)
    times[own_rows] = grid.times
    times[tail_rows] = np.concatenate([tail.times for tail in before.tails])
    tails = np.concatenate([tail.values for tail in before.tails])
    values = {}
    for k, key in enumerate(compiled.windowed):
        values[key] = column = np.empty(size)
        column[own_rows] = columns.values[key]
        column[tail_rows] = tails[:, k]
    machine = np.repeat(np.arange(len(total)), total)
    return Columns(times, starts, values), machine, own_rows


def tails_after(compiled: CompiledPlan, sheet: Sheet) -> tuple[Tail, ...]:
    if not compiled.windowed:
        return sheet.before.tails
    past = sheet.past
    as_of = sheet.grid.times[sheet.ends]
    keep = past.times > as_of[sheet.past_machine] - compiled.tail_ms
    kept = np.cumsum(np.bincount(sheet.past_machine[keep], minlength=len(as_of)))
    times = past.times[keep]
    values = np.column_stack([past.values[key][keep] for key in compiled.windowed])
    bounds = zip(np.concatenate(([0], kept[:-1])), kept, strict=True)
    return tuple(Tail(times[a:b].copy(), values[a:b].copy()) for a, b in bounds)


def with_tails(compiled: CompiledPlan, state: FleetState, past: SampleBatch) -> FleetState:
    """A state read back from the store, which keeps no tails, with those its windows need.

    `past` are the machines' rows of the last `compiled.past_ms` up to and with their `as_of`.
    """
    if not compiled.windowed or len(past) == 0:
        return state
    sheet = sheet_of(compiled, empty_state(compiled, state.machine_id.tolist()), past)
    found = dict(zip(sheet.before.machine_id.tolist(), tails_after(compiled, sheet), strict=True))
    tails = [found.get(machine) for machine in state.machine_id.tolist()]
    nothing = empty_tail(compiled)
    return replace(state, tails=tuple(nothing if tail is None else tail for tail in tails))
