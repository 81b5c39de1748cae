"""What was counted since the last service of a kind: hours, use, times.

A count is the window function over all rows from the service on: it begins with the first of them,
so that a gap in which the service was done counts for neither side. It is unknown while no service
is known: what a machine did before it was heard of, nobody saw. Only the counter of a machine that
was first heard of before such a service was due (by its operating hours) tells its use since new.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FloatColumn
from fleet.clock import MS_PER_HOUR
from fleet.rises import Earlier, earlier, rises
from fleet.windows import exact, inexact, settled
from rules.condition import Identity
from rules.holding import Rows
from rules.remembered.gauges import EARLIER, TALLY_WIDTH, Gauge
from rules.sheet import Sheet, taking_effect

#: Where a count's numbers stand among its columns: when the service counted from, ms (minus
#: infinity: none is known); the first known operating hours; whether a value was known since; the
#: sum as whole and fraction (NaN: its beginning was not seen); the value before the next row; and
#: behind these what `growth` knows beside that (rules.remembered.gauges.EARLIER).
_SINCE, _FIRST_HOURS, _KNOWN, _WHOLE, _FRACTION, _PREVIOUS = range(TALLY_WIDTH)
#: The numbers with which a count begins at a service.
_ANEW = np.array([np.nan, np.nan, 0.0, 0.0, 0.0, np.nan])


def services_of(gauge: Gauge, who: Identity) -> list[int]:
    """From when on the services of the gauge's kind count, ms, ascending."""
    return sorted(at for service, at in who.services if service == gauge.service)


def fold_tally(
    gauge: Gauge, values: FloatColumn, sheet: Sheet, done: Sequence[Sequence[int]], gap_ms: int
) -> tuple[FloatColumn, FloatColumn]:
    """The count in every row, (n,), and the gauge's numbers after the rows, (m, width). `values`
    (n,) is the argument; `done` are the moments from which services count, of each machine."""
    state = sheet.before.learned[:, gauge.slots]
    first, begun = _begun(gauge.function, state, sheet, done)
    lengths = np.diff(np.append(first, len(values)))
    stretch = np.repeat(np.arange(len(first)), lengths)
    known = ~np.isnan(values)
    added, left = _counted(gauge, values, sheet, first[stretch], begun[stretch], gap_ms)
    fraction = _running(added[1], first, lengths) + begun[stretch, _FRACTION].astype(np.int64)
    carried, fraction = settled(_running(added[0], first, lengths), fraction)
    whole = begun[stretch, _WHOLE] + carried
    seen = (_running(known.astype(np.int64), first, lengths) > 0) | (begun[stretch, _KNOWN] > 0)
    hours, first_hours = _first_hours(state[:, _FIRST_HOURS], sheet)
    new = hours * MS_PER_HOUR < gauge.span_ms
    column = whole / MS_PER_HOUR if gauge.function == "hours" else inexact(whole, fraction)
    column = np.where(seen & ((begun[stretch, _SINCE] > -np.inf) | new), column, np.nan)
    last = sheet.ends
    after = np.column_stack([
        begun[stretch[last], _SINCE], first_hours, seen[last].astype(np.float64), whole[last],
        fraction[last].astype(np.float64), *left,
    ])  # fmt: skip
    return column, after


def _counted(
    gauge: Gauge, values: FloatColumn, sheet: Sheet, first: Rows, begun: FloatColumn, gap_ms: int
) -> tuple[tuple[NDArray[np.int64], NDArray[np.int64]], list[FloatColumn]]:
    """What each row adds, as wholes and fractions, and what is kept of the rows for the next, each
    (m,). `first` (n,) is where a row's stretch begins, `begun` (n, width) with which numbers."""
    times, ends = sheet.grid.times, sheet.ends
    if gauge.function != "growth":
        previous = _previous(gauge.function, values, first, begun[:, _PREVIOUS])
        added = _added(gauge.function, values, previous, _steps(sheet), gap_ms)
        return added, [_kept(gauge.function, values, previous)[ends]]
    was = earlier(values, times, first, Earlier(*begun[:, _PREVIOUS:].T))
    kept = was.take(ends).behind(values[ends], times[ends])
    left = [kept.last, kept.last_at, kept.before, kept.before_at]
    return exact(rises(values, times, was, gauge.pace)), left


def _begun(
    function: str, state: FloatColumn, sheet: Sheet, done: Sequence[Sequence[int]]
) -> tuple[Rows, FloatColumn]:
    """First rows of the stretches that lie between two services, (s,), and the numbers that each
    begins with, (s, width)."""
    starts, fresh = sheet.grid.starts, np.isnan(state[:, _SINCE])
    services = taking_effect(sheet, state[:, _SINCE], done)
    rows = np.array(sorted(services), np.int64)
    first = np.union1d(starts, rows).astype(np.intp)
    begun = np.tile(_beginning(_ANEW, function), (len(first), 1))
    serviced = np.isin(starts, rows)
    before = np.where(fresh[:, None], _new_machine(function), state)
    # A service that was done before anything was heard: nobody saw what followed it.
    before[fresh & serviced, _WHOLE] = np.nan
    goes_on = fresh | ~serviced
    begun[np.searchsorted(first, starts[goes_on])] = before[goes_on]
    begun[np.searchsorted(first, rows), _SINCE] = [services[row] for row in rows.tolist()]
    return first, begun


def _new_machine(function: str) -> FloatColumn:
    """The numbers of a machine nothing was heard of: its counters began at 0."""
    beginning = 0.0 if function == "growth" else np.nan
    return _beginning(np.array([-np.inf, np.nan, 0.0, beginning, 0.0, beginning]), function)


def _beginning(numbers: FloatColumn, function: str) -> FloatColumn:
    """The numbers with which a count begins, with what `growth` keeps beside them."""
    return np.append(numbers, np.full(EARLIER if function == "growth" else 0, np.nan))


def _previous(function: str, values: FloatColumn, first: Rows, carried: FloatColumn) -> FloatColumn:
    """The last known value before each row since its service; of `hours` the value in the row
    before, known or not. `first` (n,) is where the row's stretch begins."""
    rows = np.arange(len(values))
    known = rows if function == "hours" else np.where(np.isnan(values), -1, rows)
    before = np.concatenate(([-1], np.maximum.accumulate(known)[:-1]))
    return np.where(before >= first, values[before], carried)


def _kept(function: str, values: FloatColumn, previous: FloatColumn) -> FloatColumn:
    return values if function == "hours" else np.where(np.isnan(values), previous, values)


def _steps(sheet: Sheet) -> NDArray[np.int64]:
    """Time since the machine's row before, ms."""
    step = np.diff(sheet.grid.times, prepend=0)
    step[sheet.grid.starts] = sheet.grid.times[sheet.grid.starts] - sheet.before.as_of
    return step


def _added(
    function: str, values: FloatColumn, previous: FloatColumn, step: NDArray[np.int64], gap_ms: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What each row adds to its count, as wholes and fractions; `hours` counts milliseconds."""
    known, before = ~np.isnan(values), ~np.isnan(previous)
    nothing = np.zeros(len(values), np.int64)
    if function == "count":
        return (known & (values != 0) & (previous == 0)).astype(np.int64), nothing
    return np.where(before & (previous != 0) & (step <= gap_ms), step, 0), nothing


def _running(column: NDArray[np.int64], first: Rows, lengths: Rows) -> NDArray[np.int64]:
    """Running totals that begin anew with each stretch."""
    total = np.cumsum(column)
    return np.asarray(total - np.repeat(total[first] - column[first], lengths), np.int64)


def _first_hours(state: FloatColumn, sheet: Sheet) -> tuple[FloatColumn, FloatColumn]:
    """The first known operating hours of each row's machine as known by then, (n,), and of each
    machine after the rows, (m,)."""
    told, starts = sheet.hours.last, sheet.grid.starts
    rows = np.arange(len(told))
    at = np.minimum.reduceat(np.where(np.isnan(told), len(told), rows), starts)
    heard = np.isnan(state) & (at < len(told))
    first = np.where(heard, told[np.minimum(at, len(told) - 1)], state)
    since = np.where(np.isnan(state), at, 0)
    return np.where(rows >= since[sheet.grid.machine], first[sheet.grid.machine], np.nan), first
