"""A batch laid out for the rules: in order, carried forward, with the past its windows need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from fleet.batch import FloatColumn, IntColumn, SampleBatch
from fleet.carry import Carried, carry, hold_ms
from fleet.errors import IronpulseError
from fleet.windows import Columns
from rules.compiled import CompiledPlan, Lane
from rules.holding import Grid, Rows
from rules.state import FleetState, Tail, Tails, empty_state, empty_tails


@dataclass(frozen=True, slots=True)
class Past:
    """A lane with its tails: `columns` of tails and rows together, the `machine` of each, and
    where windows are asked for in the batch's own rows, and their `values` (signals, rows)."""

    columns: Columns
    machine: Rows
    values: FloatColumn


@dataclass(frozen=True, slots=True)
class Sheet:
    """A `batch` in order, carried forward, with the past its windows need; `hours` is the counter
    of operating hours, the signal at `hours_index`."""

    batch: SampleBatch
    before: FleetState
    grid: Grid
    ends: Rows
    columns: Columns
    last_value: FloatColumn
    last_time: IntColumn
    past: tuple[Past, ...]
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
    past = tuple(_past(before, i, lane, grid, columns) for i, lane in enumerate(compiled.lanes))
    ends = np.append(starts[1:], len(batch)) - 1
    index = compiled.signals.index(compiled.plan.hours_signal)
    return Sheet(batch, before, grid, ends, columns, last_value, last_time, past, hours, index)


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


def _past(before: FleetState, index: int, lane: Lane, grid: Grid, columns: Columns) -> Past:
    """The tails of a lane before the rows of their machines."""
    tails = [own[index] for own in before.tails]
    bounds = pairwise([*grid.starts.tolist(), len(grid.times)])
    new = np.array([columns.values[key] for key in lane.signals]).reshape(-1, len(grid.times))
    times, values = [np.empty(0, np.int64)], [np.empty((len(lane.signals), 0))]
    for tail, (begin, end) in zip(tails, bounds, strict=True):
        times += [tail.times, grid.times[begin:end]]
        values += [tail.values, new[:, begin:end]]
    lengths = np.array([len(tail.times) for tail in tails])
    total = lengths + np.diff(np.append(grid.starts, len(grid.times)))
    own_rows = np.arange(len(grid.times)) + np.cumsum(lengths)[grid.machine]
    whole = np.concatenate(values, axis=1)
    given = dict(zip(lane.signals, whole, strict=True))
    starts = np.cumsum(total) - total
    own = Columns(np.concatenate(times), starts, given, columns.gap_ms, asked=own_rows)
    return Past(own, np.repeat(np.arange(len(total)), total), whole)


def tails_after(compiled: CompiledPlan, sheet: Sheet) -> tuple[Tails, ...]:
    """The tails of each machine once the sheet is folded."""
    as_of = sheet.grid.times[sheet.ends]
    lanes = [
        _lane_tails(lane, past, as_of)
        for lane, past in zip(compiled.lanes, sheet.past, strict=True)
    ]
    return tuple(tuple(lane[i] for lane in lanes) for i in range(len(as_of)))


def _lane_tails(lane: Lane, past: Past, as_of: IntColumn) -> list[Tail]:
    times = past.columns.times
    recent = times > as_of[past.machine] - lane.span_ms
    kept = np.bincount(past.machine[recent], minlength=len(as_of))
    ends = np.append(past.columns.starts[1:], len(times))
    bounds = zip((ends - kept).tolist(), ends.tolist(), strict=True)
    # Copies: a view would keep the rows of all machines.
    return [Tail(times[a:b].copy(), past.values[:, a:b].copy()) for a, b in bounds]


def with_tails(compiled: CompiledPlan, state: FleetState, past: SampleBatch) -> FleetState:
    """A state read back from the store, which keeps no tails, with those its windows need.

    `past` are the machines' rows of the last `compiled.past_ms` up to and with their `as_of`.
    """
    if not compiled.lanes or len(past) == 0:
        return state
    sheet = sheet_of(compiled, empty_state(compiled, state.machine_id.tolist()), past)
    found = dict(zip(sheet.before.machine_id.tolist(), tails_after(compiled, sheet), strict=True))
    nothing = empty_tails(compiled)
    tails = tuple(found.get(machine, nothing) for machine in state.machine_id.tolist())
    return replace(state, tails=tails)
