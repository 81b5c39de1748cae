"""Windows over operating time.

A window is counted in bins of an eighth: its value is that of the last eight bins that are
complete, of the rows in the rule's regimes, and unknown until the machine has run for that long. So
it costs the same for 8 hours as for 800, and a stream may be cut anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FloatColumn, IntColumn
from fleet.clock import MS_PER_HOUR
from fleet.rises import Earlier, earlier, rises
from fleet.windows import exact, inexact
from rules.holding import Rows
from rules.remembered.gauges import BINS, EARLIER, FIELDS, METER_HEAD, Gauge
from rules.remembered.operating import Bins
from rules.sheet import Sheet

_MS_PER_MIN = 60_000.0
#: Machines are told apart by the upper bits of a key, bins by the lower ones.
_BIN_BITS = 40

Fold = Callable[[FloatColumn, FloatColumn], FloatColumn]


def _first(older: FloatColumn, newer: FloatColumn) -> FloatColumn:
    return np.where(np.isnan(older), newer, older)


def _last(older: FloatColumn, newer: FloatColumn) -> FloatColumn:
    return np.where(np.isnan(newer), older, newer)


_FOLDS: Mapping[str, tuple[Fold, ...]] = {
    "avg": (np.add, np.add, np.add),
    "low": (np.fmin,),
    "high": (np.fmax,),
    "delta": (_first, _last),
    "rate": (_first, _first, _last, _last),
    "count": (np.add, np.add),
    "hours": (np.add, np.add),
    "growth": (np.add, np.add, np.add),
}


def fold_meter(
    gauge: Gauge, values: FloatColumn, sheet: Sheet, clock: IntColumn, bins: Bins, gap_ms: int
) -> tuple[FloatColumn, FloatColumn]:
    """A window of operating hours in every row, (n,), and the gauge's numbers after the rows,
    (m, width). `values` (n,) is the argument, NaN out of the gauge's regimes."""
    state = sheet.before.learned[:, gauge.slots]
    machines = len(state)
    since = np.where(np.isnan(state[:, 0]), clock[sheet.grid.starts], state[:, 0])
    grows = gauge.function == "growth"
    ends = METER_HEAD + (BINS + 1) * FIELDS[gauge.function]
    if grows:
        was = _earlier(values, state[:, 1], state[:, ends:], sheet)
        counted = rises(values, sheet.grid.times, was, gauge.pace)
        stretches = _summed(values, counted, bins)
    else:
        stretches = _stretches(gauge.function, values, state[:, 1], sheet, clock, bins, gap_ms)
    entries = _Entries(gauge.function, state[:, METER_HEAD:ends], stretches, bins, machines)
    found = entries.before(np.arange(len(bins.first)))
    whole = bins.id - -(-since // bins.width)[bins.machine] >= BINS
    column = np.where(whole, _value(gauge.function, found), np.nan)[bins.of_row]
    last = np.append(np.flatnonzero(np.diff(bins.machine)), len(bins.first) - 1)
    after = np.empty_like(state)
    after[:, 0] = since
    after[:, 1] = _kept(gauge.function, values, state[:, 1], sheet)
    after[:, METER_HEAD:ends] = entries.kept(last)
    if grows:
        last_rows = sheet.ends
        behind = was.take(last_rows).behind(values[last_rows], sheet.grid.times[last_rows])
        after[:, ends:] = np.column_stack([behind.last_at, behind.before, behind.before_at])
    return column, after


def _earlier(values: FloatColumn, last: FloatColumn, more: FloatColumn, sheet: Sheet) -> Earlier:
    """What was known of a counter ahead of each row, from the last value (m,) and what `growth`
    keeps beside it (m, EARLIER)."""
    machine = sheet.grid.machine
    carried = Earlier(last, *more.T[:EARLIER]).take(machine)
    return earlier(values, sheet.grid.times, sheet.grid.starts[machine], carried)


def _summed(values: FloatColumn, counted: FloatColumn, bins: Bins) -> FloatColumn:
    """What each stretch adds to its bin of what was `counted` (n,), (s, fields)."""
    columns = [(~np.isnan(values)).astype(np.int64), *exact(counted)]
    return np.column_stack(
        [np.add.reduceat(column, bins.first).astype(np.float64) for column in columns]
    )


def _kept(function: str, values: FloatColumn, carried: FloatColumn, sheet: Sheet) -> FloatColumn:
    """What the next row has to know of the ones before: the last known value; of `hours` the
    value of the last row, known or not."""
    if function == "hours":
        return values[sheet.ends]
    return _last_known(values, carried, sheet)[sheet.ends]


def _last_known(values: FloatColumn, carried: FloatColumn, sheet: Sheet) -> FloatColumn:
    known = np.maximum.accumulate(np.where(np.isnan(values), -1, np.arange(len(values))))
    inside = known >= sheet.grid.starts[sheet.grid.machine]
    return np.where(inside, values[known], carried[sheet.grid.machine])


def _previous(
    values: FloatColumn, carried: FloatColumn, sheet: Sheet, *, known: bool
) -> FloatColumn:
    """The value in the row before, or the last one known before."""
    found = _last_known(values, carried, sheet) if known else values
    before = np.concatenate((found[:1], found[:-1]))
    before[sheet.grid.starts] = carried
    return before


def _stretches(
    function: str,
    values: FloatColumn,
    carried: FloatColumn,
    sheet: Sheet,
    clock: IntColumn,
    bins: Bins,
    gap_ms: int,
) -> FloatColumn:
    """What the rows of each stretch add to its bin, (s, fields)."""
    known = ~np.isnan(values)

    def total(column: NDArray[np.int64]) -> FloatColumn:
        return np.add.reduceat(column, bins.first).astype(np.float64)

    match function:
        case "avg":
            whole, fraction = exact(np.where(known, values, 0.0))
            fields = [total(known.astype(np.int64)), total(whole), total(fraction)]
        case "low":
            fields = [np.fmin.reduceat(values, bins.first)]
        case "high":
            fields = [np.fmax.reduceat(values, bins.first)]
        case "delta" | "rate":
            fields = _ends(function, values, known, clock, bins)
        case "count":
            before = _previous(values, carried, sheet, known=True)
            edge = known & (values != 0) & (before == 0)
            fields = [total(known.astype(np.int64)), total(edge.astype(np.int64))]
        case _:
            before = _previous(values, carried, sheet, known=False)
            step = np.diff(sheet.grid.times, prepend=0)
            step[sheet.grid.starts] = sheet.grid.times[sheet.grid.starts] - sheet.before.as_of
            counted = ~np.isnan(before) & (before != 0) & (step <= gap_ms)
            fields = [total(known.astype(np.int64)), total(np.where(counted, step, 0))]
    return np.column_stack(fields)


def _ends(
    function: str, values: FloatColumn, known: NDArray[np.bool_], clock: IntColumn, bins: Bins
) -> list[FloatColumn]:
    n = len(values)
    rows = np.arange(n)
    first = np.minimum.reduceat(np.where(known, rows, n), bins.first)
    last = np.maximum.reduceat(np.where(known, rows, -1), bins.first)
    some, first = last >= 0, np.minimum(first, n - 1)
    ends = [np.where(some, values[first], np.nan), np.where(some, values[last], np.nan)]
    if function == "delta":
        return ends
    begun, over = (np.where(some, clock[row].astype(np.float64), np.nan) for row in (first, last))
    return [ends[0], begun, ends[1], over]


def _value(function: str, found: FloatColumn) -> FloatColumn:
    """The function over whole windows, from the folded fields (s, fields)."""
    match function:
        case "low" | "high":
            return found[:, 0]
        case "delta":
            return np.asarray(found[:, 1] - found[:, 0])
        case "rate":
            minutes = (found[:, 3] - found[:, 1]) / _MS_PER_MIN
            change = found[:, 2] - found[:, 0]
            return np.where(minutes > 0, change / np.where(minutes > 0, minutes, 1.0), np.nan)
        case "count":
            result = found[:, 1]
        case "hours":
            result = found[:, 1] / MS_PER_HOUR
        case "avg":
            result = inexact(found[:, 1], found[:, 2]) / np.maximum(found[:, 0], 1)
        case _:
            result = inexact(found[:, 1], found[:, 2])
    return np.where(found[:, 0] > 0, result, np.nan)


class _Entries:
    """Bins of all machines in order: those remembered, the open one, and those of new rows."""

    def __init__(
        self, function: str, state: FloatColumn, stretches: FloatColumn, bins: Bins, machines: int
    ) -> None:
        self._folds = _FOLDS[function]
        #: What a bin without rows holds.
        self._nothing = 0.0 if self._folds[0] is np.add else np.nan
        fields = FIELDS[function]
        head = BINS + 1
        begins = np.searchsorted(bins.machine, np.arange(machines))
        goes_on = np.zeros(len(bins.first), bool)
        goes_on[begins] = bins.id[begins] == bins.open
        own = np.where(goes_on, 0, 1)
        offset = np.arange(1, machines + 1) * head - 1
        #: Entry of each stretch: the open bin of its machine, or one of its own.
        self.place = np.cumsum(own) - 1 + (bins.machine + 1) * head
        size = machines * head + int(own.sum())
        self._fields = np.full((size, fields), self._nothing)
        ids = np.zeros(size, np.int64)
        added = np.concatenate(([0], np.cumsum(own)))[begins]
        opened = offset + added
        old = opened[:, None] - np.arange(BINS, -1, -1)
        held = np.where(np.isnan(state), self._nothing, state)
        self._fields[old] = held.reshape(machines, head, fields)
        ids[old] = bins.open[:, None] - np.arange(BINS, -1, -1)
        ids[self.place] = bins.id
        for f, fold in enumerate(self._folds):
            there = self._fields[self.place, f]
            self._fields[self.place, f] = fold(there, stretches[:, f])
        machine = np.empty(size, np.int64)
        machine[old] = np.arange(machines)[:, None]
        machine[self.place] = bins.machine
        self._keys = (machine << _BIN_BITS) + ids + BINS
        self._of = bins.machine

    def _at(self, stretch: Rows, back: NDArray[np.int64]) -> FloatColumn:
        """The fields of the bins so many bins `back` (b,) from each stretch (s,), (b, s, fields);
        nothing where there is none."""
        wanted = self._keys[self.place[stretch]] - back[:, None]
        found = np.minimum(np.searchsorted(self._keys, wanted), len(self._keys) - 1)
        there = self._keys[found] == wanted
        return np.where(there[:, :, None], self._fields[found], self._nothing)

    def before(self, stretch: Rows) -> FloatColumn:
        """The fields of the complete bins of a whole window, folded from the oldest on."""
        bins = self._at(stretch, np.arange(BINS, 0, -1))
        # One after the other, so that sums round the same however many stretches there are.
        if len(set(self._folds)) == 1:
            return reduce(self._folds[0], bins)
        return np.column_stack([reduce(fold, bins[:, :, f]) for f, fold in enumerate(self._folds)])

    def kept(self, stretch: Rows) -> FloatColumn:
        """What is remembered once these stretches are the newest: (m, (BINS + 1) * fields)."""
        bins = self._at(stretch, np.arange(BINS, -1, -1))
        return bins.transpose(1, 0, 2).reshape(len(stretch), -1)
