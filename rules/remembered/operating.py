"""Operating time.

A machine's operating clock runs while its regime is a running one; time between two samples
further apart than the plan's `max_gap_s` is no operating time, nobody knows what happened in it.
A plan may let the clock follow the counter of operating hours instead, which goes on across gaps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fleet.batch import IntColumn
from fleet.clock import MS_PER_HOUR
from rules.compiled import CompiledPlan
from rules.holding import Rows
from rules.sheet import Sheet


def operating_clock(compiled: CompiledPlan, sheet: Sheet, regime: NDArray[np.int16]) -> IntColumn:
    """Operating time of each row's machine up to the row, (n,) milliseconds."""
    grid, before = sheet.grid, sheet.before
    if compiled.plan.operating_hours == "counter":
        step = _counted(sheet)
    else:
        was = np.concatenate((regime[:1], regime[:-1]))
        was[grid.starts] = before.regime
        # The last entry is NO_REGIME's.
        running = np.array([*(one.running for one in compiled.plan.regimes), False])
        previous = np.concatenate((grid.times[:1], grid.times[:-1]))
        previous[grid.starts] = before.as_of
        elapsed = grid.times - previous
        step = np.where(running[was] & (elapsed <= compiled.max_gap_ms), elapsed, 0)
    total = np.cumsum(step)
    offset = before.operating - (total - step)[grid.starts]
    return np.asarray(total + offset[grid.machine], np.int64)


def _counted(sheet: Sheet) -> IntColumn:
    """What the counter of operating hours grew by since the row before; a fall is a counter that
    began anew, and nothing grows faster than time."""
    newest, at = sheet.hours.last, sheet.hours.last_at
    index = sheet.hours_index
    older = np.concatenate((newest[:1], newest[:-1]))
    older[sheet.grid.starts] = sheet.before.last_value[:, index]
    since = np.concatenate((at[:1], at[:-1]))
    since[sheet.grid.starts] = sheet.before.last_time[:, index]
    grown = np.nan_to_num(newest - older) * MS_PER_HOUR
    return np.asarray(np.clip(np.rint(grown), 0, at - since), np.int64)


@dataclass(frozen=True, slots=True)
class Bins:
    """Rows cut into bins of `width` ms of operating time.

    `first` (s,) the first row of each stretch of rows of one machine in one bin, `machine` and
    `id` (s,) its machine's index and bin, `of_row` (n,) the stretch of each row; `open` (m,) the
    bin that each machine was in before.
    """

    width: int
    first: Rows
    machine: Rows
    id: IntColumn
    of_row: Rows
    open: IntColumn


def bins_of(sheet: Sheet, clock: IntColumn, width: int) -> Bins:
    """Where the rows' bins of a width begin."""
    ids = clock // width
    begins = np.ones(len(ids), bool)
    begins[1:] = (np.diff(ids) != 0) | (np.diff(sheet.grid.machine) != 0)
    first = np.flatnonzero(begins)
    return Bins(
        width, first, sheet.grid.machine[first], ids[first], np.cumsum(begins) - 1,
        sheet.before.operating // width,
    )  # fmt: skip
