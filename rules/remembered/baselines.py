"""What is normal for a machine, learned from its own healthy history.

A baseline is learned per regime in blocks of operating time, a 25th of what it learns from first.
A block counts with the mean of its known rows, if there are enough of them and no alarm of the
component stood in it. The level is the median of the blocks, the spread their median absolute
deviation, scaled as a standard deviation; both are unknown until all blocks are there. From then
on every tenth block takes the place of the oldest, unless a rule that compares with the baseline
was raised in it: a slow change of the seasons is followed, a fault is not. After a repair of the
component everything is learned anew.

Judging waits for what was learned, and learning for what was judged before: `rules.engine`
repeats both until nothing changes, which is what going row by row would give.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FloatColumn
from fleet.windows import exact, inexact
from rules.condition import Identity
from rules.holding import Grid
from rules.remembered.gauges import BASELINE_HEAD, BLOCKS, Gauge
from rules.remembered.operating import Bins
from rules.sheet import Sheet, taking_effect

#: Known rows a block needs.
LEAST_ROWS = 6
#: Of the blocks after the first ones, one in so many is learned.
FOLLOWS = 10
#: Scales a median absolute deviation as a standard deviation (of a normal distribution).
_DEVIATION = 1.4826

#: Where a baseline's numbers stand among its columns.
_LEVEL, _SPREAD, _HELD, _NEXT, _COUNT, _WHOLE, _FRACTION, _UNWELL, _ALARMED, _REPAIRED = range(
    BASELINE_HEAD
)


@dataclass(frozen=True, slots=True)
class Learned:
    """A baseline in every row, `level` and `spread` (n,), and its numbers after the rows."""

    level: FloatColumn
    spread: FloatColumn
    after: FloatColumn

    def same_as(self, other: Learned) -> bool:
        """Whether it is the same in every row."""
        return np.array_equal(self.level, other.level, equal_nan=True) and np.array_equal(
            self.spread, other.spread, equal_nan=True
        )


def block_ms(gauge: Gauge) -> int:
    """Operating time of one block of a baseline, milliseconds."""
    return max(gauge.span_ms // BLOCKS, 1)


def repairs_of(gauge: Gauge, who: Identity) -> list[int]:
    """When something was repaired after which the baseline is learned anew."""
    if not who.repairs:  # of most machines, and asked of all in every batch
        return []
    return sorted(at for component, at in who.repairs if component in gauge.mended_by)


def learn(
    gauge: Gauge,
    values: FloatColumn,
    sheet: Sheet,
    bins: Bins,
    unwell: NDArray[np.bool_],
    alarmed: NDArray[np.bool_],
    repairs: Sequence[Sequence[int]],
) -> Learned:
    """Fold the rows into a baseline. `values` (n,) is its argument, NaN out of its regime;
    `unwell` (n,) rows in which an alarm of the component stood, `alarmed` (n,) rows in which one
    stood that compares with the baseline; `repairs` of each machine, ascending."""
    state = sheet.before.learned[:, gauge.slots].copy()
    state[:, _HELD : _ALARMED + 1] = np.nan_to_num(state[:, _HELD : _ALARMED + 1])
    starts = sheet.grid.starts
    level, spread = (state[:, column][sheet.grid.machine] for column in (_LEVEL, _SPREAD))
    first, moments = _cut(sheet, bins, state, repairs)
    sums = _sums(values, unwell, alarmed, first)
    ends = np.append(starts[1:], len(values))
    bounds = np.searchsorted(first, np.append(starts, len(values)))
    counts = np.diff(bounds)
    plain = (counts == 1) & (bins.id[bins.of_row[starts]] == bins.open)
    plain[[sheet.grid.machine[row] for row in moments]] = False
    state[plain, _COUNT : _FRACTION + 1] += sums[bounds[:-1][plain], :3]
    marks = state[plain, _UNWELL : _ALARMED + 1]
    state[plain, _UNWELL : _ALARMED + 1] = np.maximum(marks, sums[bounds[:-1][plain], 3:])
    for machine in np.flatnonzero(~plain):
        own = slice(bounds[machine], bounds[machine + 1])
        block = _Block(state[machine], int(bins.open[machine]))
        for at, fields in zip(first[own].tolist(), sums[own], strict=True):
            changed = block.begin(int(bins.id[bins.of_row[at]]), moments.get(at))
            block.add(fields)
            if changed:
                level[at : ends[machine]] = block.numbers[_LEVEL]
                spread[at : ends[machine]] = block.numbers[_SPREAD]
    return Learned(level, spread, state)


def _cut(
    sheet: Sheet, bins: Bins, state: FloatColumn, repairs: Sequence[Sequence[int]]
) -> tuple[NDArray[np.intp], dict[int, int]]:
    """First rows of the stretches that lie in one block and between two repairs, and the repairs
    that take effect at a row."""
    moments = taking_effect(sheet, state[:, _REPAIRED], repairs)
    first = np.union1d(bins.first, np.array(sorted(moments), np.int64)).astype(np.intp)
    return first, moments


def _sums(
    values: FloatColumn,
    unwell: NDArray[np.bool_],
    alarmed: NDArray[np.bool_],
    first: NDArray[np.intp],
) -> FloatColumn:
    """Known rows, their exact sum, and whether an alarm stood, of each stretch."""
    known = ~np.isnan(values)
    whole, fraction = exact(np.where(known, values, 0.0))
    columns = (known.astype(np.int64), whole, fraction)
    added = [np.add.reduceat(column, first).astype(np.float64) for column in columns]
    stood = [np.logical_or.reduceat(column, first) for column in (unwell, alarmed)]
    return np.column_stack([*added, *stood])


class _Block:
    """One machine's baseline while rows go by; writes into its `numbers`."""

    def __init__(self, numbers: FloatColumn, block: int) -> None:
        self.numbers = numbers
        self._id = block

    def begin(self, block: int, repaired: int | None) -> bool:
        """A stretch begins; True where the level may be another now."""
        changed = False
        if block != self._id:
            changed = self._close()
            self._id = block
        if repaired is not None:
            self.numbers[:] = np.nan
            self.numbers[_HELD : _ALARMED + 1] = 0.0
            self.numbers[_REPAIRED] = repaired
            changed = True
        return changed

    def add(self, fields: FloatColumn) -> None:
        """Rows of the block: known, whole, fraction, unwell, alarmed."""
        self.numbers[_COUNT : _FRACTION + 1] += fields[:3]
        marks = self.numbers[_UNWELL : _ALARMED + 1]
        np.maximum(marks, fields[3:], out=marks)

    def _close(self) -> bool:
        numbers = self.numbers
        count, whole, fraction, unwell, alarmed = numbers[_COUNT : _ALARMED + 1].tolist()
        numbers[_COUNT : _ALARMED + 1] = 0.0
        full = numbers[_HELD] >= BLOCKS
        if count < LEAST_ROWS or unwell or (full and (alarmed or self._id % FOLLOWS)):
            return False
        mean = inexact(np.array([whole]), np.array([fraction]))[0] / count
        place = int(numbers[_NEXT])
        numbers[BASELINE_HEAD + place] = mean
        numbers[_NEXT] = (place + 1) % BLOCKS
        numbers[_HELD] = min(numbers[_HELD] + 1, BLOCKS)
        if numbers[_HELD] < BLOCKS:
            return False
        blocks = np.sort(numbers[BASELINE_HEAD:])
        middle = BLOCKS // 2
        numbers[_LEVEL] = blocks[middle]
        numbers[_SPREAD] = _DEVIATION * np.sort(np.abs(blocks - blocks[middle]))[middle]
        return True


def standing(
    raised: NDArray[np.bool_], moves: Sequence[tuple[int, bool]], grid: Grid
) -> NDArray[np.bool_]:
    """Rows in which an alarm stood: `raised` (m,) before, then raised or cleared at rows."""
    rows = raised[grid.machine]
    ends = np.append(grid.starts[1:], len(rows))
    for row, is_raised in moves:
        rows[row : ends[grid.machine[row]]] = is_raised
    return rows
