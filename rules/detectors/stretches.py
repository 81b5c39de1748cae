"""Rows gathered into stretches of a regime: what a detector sees of a machine.

A stretch is a fixed span of machine time (`every_ms`, counted from 1970 and shifted for each
machine, so that not all machines are judged in the same moment). It is over with the
machine's first row behind it, whatever the machine does then, so that an answer depends on the
rows alone and not on how they are cut into batches: sums go on, in the same order, where the
batch before left them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FloatColumn, IntColumn
from rules.compiled import DetectorRule
from rules.detectors.watched import NO_STRETCH, no_sums
from rules.holding import Grid

#: A stretch with fewer rows in the regime says nothing.
FEWEST_ROWS = 3
#: Knuth's multiplicative hash: neighbours come to lie far apart.
_SPREAD = 2_654_435_761


@dataclass(frozen=True, slots=True)
class Stretches:
    """Stretches that are over, (n,) in order of machine and time: `machine` index, `end_ms` and
    `told_ms`, the row behind it; `count`, `mean`, `deviation`, `low`, `high` (n, c)."""

    machine: NDArray[np.intp]
    end_ms: IntColumn
    told_ms: IntColumn
    count: FloatColumn
    mean: FloatColumn
    deviation: FloatColumn
    low: FloatColumn
    high: FloatColumn

    def __len__(self) -> int:
        return len(self.machine)


def gather(
    detector: DetectorRule,
    machine_id: IntColumn,
    before: FloatColumn,
    grid: Grid,
    columns: Mapping[str, FloatColumn],
    regime: NDArray[np.int16],
) -> tuple[FloatColumn, Stretches]:
    """The stretches that are open after a batch, as those `before` it (m, detector.open_width),
    and those that ended in it; `machine_id` (m,) of the grid's machines."""
    shift = shift_ms(detector, machine_id)
    number = (grid.times + shift[grid.machine]) // detector.every_ms
    first = np.ones(len(number), bool)
    first[1:] = (np.diff(grid.machine) != 0) | (np.diff(number) != 0)
    begins = np.flatnonzero(first)
    part = np.cumsum(first) - 1
    # Each machine's open stretch stands before its parts, and is the same one as the first of
    # these where the numbers agree.
    opened = np.arange(len(before))
    owner = np.concatenate((grid.machine[begins], opened))
    numbers = np.concatenate((number[begins], before[:, 0].astype(np.int64)))
    order = np.lexsort((np.concatenate((np.ones(len(begins)), np.zeros(len(opened)))), owner))
    owner, numbers = owner[order], numbers[order]
    same = np.zeros(len(order), bool)
    same[1:] = (owner[1:] == owner[:-1]) & (numbers[1:] == numbers[:-1])
    group = np.empty(len(order), np.intp)
    group[order] = np.cumsum(~same) - 1
    heads = np.flatnonzero(~same)
    group_of_part, group_of_open = group[: len(begins)], group[len(begins) :]
    rows = np.flatnonzero(np.isin(regime, detector.regimes))
    sums = _sums(
        len(heads), group_of_open, before[:, 1:], group_of_part[part[rows]],
        np.column_stack([columns[key][rows] for key in detector.columns]),
    )  # fmt: skip
    told = np.full(len(heads), np.iinfo(np.int64).max)
    np.minimum.at(told, group_of_part, grid.times[begins])
    last = np.append(owner[heads][1:] != owner[heads][:-1], True)
    over = np.flatnonzero(~last & (numbers[heads] != NO_STRETCH) & (sums.count.max(axis=1) > 0))
    still = np.column_stack((numbers[heads[last]], sums.open(last)))
    ends = (numbers[heads] + 1) * detector.every_ms - shift[owner[heads]]
    ended = sums.stretches(over, owner[heads], ends, told)
    return still, ended


def shift_ms(detector: DetectorRule, machine_id: IntColumn) -> IntColumn:
    """By how much the stretches of machines begin earlier than those counted from 1970."""
    return machine_id * _SPREAD % 2**32 * detector.every_ms >> 32


@dataclass(frozen=True, slots=True)
class _Sums:
    count: FloatColumn
    total: FloatColumn
    squares: FloatColumn
    low: FloatColumn
    high: FloatColumn

    @staticmethod
    def of(groups: int, group_of_open: NDArray[np.intp], opened: FloatColumn) -> _Sums:
        """Of nothing, but in the groups that go on with what is `opened` (m, 5 c)."""
        every = np.tile(no_sums(opened.shape[1] // 5), (groups, 1))
        every[group_of_open] = opened
        return _Sums(*np.split(every, 5, axis=1))

    def open(self, groups: NDArray[np.bool_]) -> FloatColumn:
        """What is kept of some groups, as `of` takes it."""
        every = (self.count, self.total, self.squares, self.low, self.high)
        return np.concatenate([each[groups] for each in every], axis=1)

    def stretches(
        self, over: NDArray[np.intp], owner: NDArray[np.intp], end_ms: IntColumn, told: IntColumn
    ) -> Stretches:
        count = self.count[over]
        enough = np.where(count >= FEWEST_ROWS, count, np.nan)
        mean = self.total[over] / enough
        variance = np.maximum(self.squares[over] / enough - mean**2, 0.0)
        return Stretches(
            owner[over], end_ms[over], told[over + 1], count, mean, np.sqrt(variance),
            self.low[over], self.high[over],
        )  # fmt: skip


def _sums(
    groups: int,
    group_of_open: NDArray[np.intp],
    before: FloatColumn,
    group_of_row: NDArray[np.intp],
    values: FloatColumn,
) -> _Sums:
    """Sums of rows (n, c) by group, in order, beginning with what was open before."""
    found = _Sums.of(groups, group_of_open, before)
    for k in range(values.shape[1]):
        known = ~np.isnan(values[:, k])
        own, column = group_of_row[known], values[known, k]
        np.add.at(found.count[:, k], own, 1.0)
        np.add.at(found.total[:, k], own, column)
        np.add.at(found.squares[:, k], own, column**2)
        np.minimum.at(found.low[:, k], own, column)
        np.maximum.at(found.high[:, k], own, column)
    return found
