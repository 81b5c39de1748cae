"""Functions over a trailing window of machine time, computed for all rows at once.

The value in a row depends on the rows of (t - 2 * window, t] alone and not, even in the last
bit, on how much older data happens to be in the columns: sums are exact (fixed point), so a
stream may be cut anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FloatColumn, IntColumn
from fleet.clock import MS_PER_HOUR
from fleet.pace import ANY_PACE, Pace
from fleet.rises import Earlier, earlier, rises

Rows = NDArray[np.intp]

#: Fractions are summed in units of 2**-40: room for 2**23 rows, and finer than any sensor.
_FRACTION_BITS = 40
_FRACTION = 2.0**_FRACTION_BITS
_WHOLE_LIMIT = 2.0**39
_MS_PER_MIN = 60_000.0
#: Machines are told apart by the upper bits of a search key; the lower hold 278 years.
_TIME_BITS = 43
_NO_GAP = 2**62


@dataclass(frozen=True, slots=True)
class Columns:
    """Rows of one or many machines: `times` (n,) milliseconds, ascending within a machine;
    `starts` index of each machine's first row; `values` name -> (n,) float64, NaN unknown. Rows
    more than `gap_ms` apart say nothing of the time between them. Windows are computed in the
    rows that are `asked` for alone; None for all."""

    times: IntColumn
    starts: IntColumn
    values: Mapping[str, FloatColumn]
    gap_ms: int = _NO_GAP
    asked: Rows | None = None
    _firsts: dict[int, Rows] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def ends(self) -> Rows:
        """The rows in which windows end."""
        return np.arange(len(self.times)) if self.asked is None else self.asked

    def first_rows(self, window_ms: int) -> Rows:
        """For each of `ends` the first row of its machine with a time in (t - window_ms, t]."""
        found = self._firsts.get(window_ms)
        if found is None:
            found = _first_rows(self.times, self.starts, window_ms, self.ends)
            self._firsts[window_ms] = found
        return found


def window(
    name: str, argument: FloatColumn, columns: Columns, window_ms: int, pace: Pace = ANY_PACE
) -> FloatColumn:
    """The window function `name` of `argument` (n,) over (t - window_ms, t] in the rows that are
    asked for.

    Unknown values are passed over; a window without a known value is unknown. `delta` is the
    last known value minus the first, `rate` that change per minute between the two (unknown
    for a single value). `count` counts true values whose last known value before them, at most
    one window earlier, was false. `hours` counts the time from true values to the row after them,
    gaps left out, and `growth` what a counter counted that can grow at this `pace` (fleet.rises),
    wild values being known for one window.
    """
    values = np.ascontiguousarray(argument, dtype=np.float64)
    known = np.isfinite(values)
    if name == "growth":
        return _growth(values, known, columns, window_ms, pace)
    return _FUNCTIONS[name](values, known, columns, window_ms)


def _first_rows(times: IntColumn, starts: IntColumn, window_ms: int, ends: Rows) -> Rows:
    if len(times) == 0:
        return np.empty(0, np.intp)
    lengths = np.diff(np.append(starts, len(times)))
    base = np.repeat(np.arange(len(starts), dtype=np.int64) << _TIME_BITS, lengths)
    since = times - times.min()
    edge = np.maximum(since[ends] - window_ms, -1)
    return np.asarray(np.searchsorted(base + since, base[ends] + edge, side="right"), np.intp)


def _last_known(known: NDArray[np.bool_]) -> Rows:
    """The last known row at or before each row, -1 before the first."""
    return np.maximum.accumulate(np.where(known, np.arange(len(known)), -1))


def _next_known(known: NDArray[np.bool_]) -> Rows:
    """The first known row at or after each row, n after the last."""
    n = len(known)
    rows = np.where(known, np.arange(n), n)
    return np.minimum.accumulate(rows[::-1])[::-1]


def _window_sum(column: NDArray[np.int64], first: Rows, ends: Rows) -> NDArray[np.int64]:
    """Sums over rows first..end. A running total may overflow: differences stay exact."""
    total = np.zeros(len(column) + 1, np.int64)
    np.cumsum(column, out=total[1:])
    return np.asarray(total[ends + 1] - total[first], np.int64)


def exact(values: FloatColumn) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Values as wholes and fractions that sum without rounding, whatever the order."""
    clean = np.clip(values, -_WHOLE_LIMIT, _WHOLE_LIMIT)
    whole = np.rint(clean)
    fraction = np.rint((clean - whole) * _FRACTION)
    return whole.astype(np.int64), fraction.astype(np.int64)


def inexact(whole: NDArray[Any], fraction: NDArray[Any]) -> FloatColumn:
    """The sums of wholes and fractions as numbers again."""
    return np.asarray(whole.astype(np.float64) + fraction.astype(np.float64) / _FRACTION)


def settled(
    whole: NDArray[np.int64], fraction: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The same sums with fractions below 1, so that a sum that goes on for years stays exact as
    floating-point numbers, too."""
    carried = fraction >> _FRACTION_BITS
    return whole + carried, fraction - (carried << _FRACTION_BITS)


def _avg(
    values: FloatColumn, known: NDArray[np.bool_], columns: Columns, window_ms: int
) -> FloatColumn:
    first, ends = columns.first_rows(window_ms), columns.ends
    whole, fraction = exact(np.where(known, values, 0.0))
    sums = settled(_window_sum(whole, first, ends), _window_sum(fraction, first, ends))
    count = _window_sum(known.astype(np.int64), first, ends)
    return np.where(count > 0, inexact(*sums) / np.maximum(count, 1), np.nan)


def extreme(values: FloatColumn, first: Rows, ends: Rows, *, least: bool) -> FloatColumn:
    """Least or greatest known of the rows first..end (w,) of `values` (n,) or (n, k); NaN where
    none is known. By doubling spans: two overlapping spans of 2**level rows cover a window of
    2**level to 2**(level+1) - 1 rows."""
    pick: Callable[..., Any] = np.minimum if least else np.maximum
    worst = np.inf if least else -np.inf
    spans, length = np.where(np.isnan(values), worst, values), ends - first + 1
    result = np.empty((len(ends), *values.shape[1:]))
    width = 1
    while True:
        here = np.flatnonzero((length >= width) & (length < 2 * width))
        result[here] = pick(spans[first[here]], spans[ends[here] - width + 1])
        if len(ends) == 0 or int(length.max()) < 2 * width:
            return np.where(np.isinf(result), np.nan, result)
        shifted = np.full(spans.shape, worst)
        shifted[:-width] = spans[width:]
        spans = pick(spans, shifted)
        width *= 2


def _extreme(
    values: FloatColumn, known: NDArray[np.bool_], columns: Columns, window_ms: int, *, least: bool
) -> FloatColumn:
    found = np.where(known, values, np.nan)
    return extreme(found, columns.first_rows(window_ms), columns.ends, least=least)


def _ends(
    known: NDArray[np.bool_], columns: Columns, window_ms: int
) -> tuple[NDArray[np.bool_], Rows, Rows]:
    """Windows that hold a known value, and the rows of their first and last known one."""
    first = columns.first_rows(window_ms)
    last = _last_known(known)[columns.ends]
    some = last >= first
    begin = np.where(some, _next_known(known)[first], 0)
    return some, begin, np.where(some, last, 0)


def _delta(
    values: FloatColumn, known: NDArray[np.bool_], columns: Columns, window_ms: int
) -> FloatColumn:
    some, begin, end = _ends(known, columns, window_ms)
    return np.where(some, values[end] - values[begin], np.nan)


def _rate(
    values: FloatColumn, known: NDArray[np.bool_], columns: Columns, window_ms: int
) -> FloatColumn:
    some, begin, end = _ends(known, columns, window_ms)
    minutes = (columns.times[end] - columns.times[begin]) / _MS_PER_MIN
    change = values[end] - values[begin]
    return np.where(some & (end > begin), change / np.where(minutes > 0, minutes, 1.0), np.nan)


def _count(
    values: FloatColumn, known: NDArray[np.bool_], columns: Columns, window_ms: int
) -> FloatColumn:
    first, ends = columns.first_rows(window_ms), columns.ends
    truth = known & (values != 0)
    last = _last_known(known)
    before = np.concatenate(([-1], last[:-1]))[: len(values)]
    lengths = np.diff(np.append(columns.starts, len(values)))
    # Every row's own window decides whether it counts as a change.
    near = columns.times[before] > columns.times - window_ms
    was_false = near & (before >= np.repeat(columns.starts, lengths)) & ~truth[before]
    edges = _window_sum((truth & was_false).astype(np.int64), first, ends)
    some = last[ends] >= first
    return np.where(some, edges.astype(np.float64), np.nan)


def _hours(
    values: FloatColumn, known: NDArray[np.bool_], columns: Columns, window_ms: int
) -> FloatColumn:
    first, ends = columns.first_rows(window_ms), columns.ends
    step = np.diff(columns.times, prepend=columns.times[:1])
    was_true = np.concatenate(([False], (known & (values != 0))[:-1]))[: len(values)]
    counted = np.where(was_true & (step <= columns.gap_ms), step, 0)
    some = _last_known(known)[ends] >= first
    return np.where(some, _window_sum(counted, first + 1, ends) / MS_PER_HOUR, np.nan)


def _growth(
    values: FloatColumn, known: NDArray[np.bool_], columns: Columns, window_ms: int, pace: Pace
) -> FloatColumn:
    some, begin, _ = _ends(known, columns, window_ms)
    lengths = np.diff(np.append(columns.starts, len(values)))
    first = np.repeat(columns.starts, lengths)
    was = earlier(
        np.where(known, values, np.nan), columns.times, first, Earlier.nothing(len(values))
    )
    near = was.before_at > columns.times - window_ms
    was = replace(was, before=np.where(near, was.before, np.nan))
    parts = exact(rises(values, columns.times, was, pace))
    sums = settled(*(_window_sum(column, begin + 1, columns.ends) for column in parts))
    return np.where(some, inexact(*sums), np.nan)


_FUNCTIONS: dict[str, Callable[[FloatColumn, NDArray[np.bool_], Columns, int], FloatColumn]] = {
    "avg": _avg,
    "low": partial(_extreme, least=True),
    "high": partial(_extreme, least=False),
    "delta": _delta,
    "rate": _rate,
    "count": _count,
    "hours": _hours,
}
