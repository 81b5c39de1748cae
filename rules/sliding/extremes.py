"""Windows that look for their least or greatest value."""

from __future__ import annotations

import numpy as np

from fleet.batch import FloatColumn
from fleet.windows import extreme
from rules.holding import Rows
from rules.sliding.laid import Laid
from rules.sliding.lanes import Group


def extremes(laid: Laid, group: Group) -> tuple[FloatColumn, FloatColumn]:
    """`low` or `high` in every row, (n, k), and the group's numbers afterwards, (m, k, f): of the
    new rows, and of the older ones that a window still holds."""
    least, view, machine = group.function == "low", laid.view(group), laid.machine
    new, ends = laid.looked[:, group.columns], np.arange(len(machine))
    begin, own_begin = view.first - laid.rows + ends, laid.starts[machine]
    values = extreme(new, np.maximum(begin, own_begin), ends, least=least)
    older = np.flatnonzero(begin < own_begin)
    best, when = _older(laid, group, older)
    values[older] = (np.fmin if least else np.fmax)(values[older], best)
    result = values[laid.ends]
    at = _newest(laid, group, result)
    # Of the last row of each machine, where its window holds older ones.
    last = np.flatnonzero(older == laid.ends[machine[older]])
    own = machine[older[last]]
    at[own] = np.fmax(at[own], np.where(best[last] == result[own], when[last], np.nan))
    return values, np.stack([result, at], axis=2)


def _older(laid: Laid, group: Group, rows: Rows) -> tuple[FloatColumn, FloatColumn]:
    """The least or greatest of the recent rows before the new ones in the windows of `rows` (r,),
    and its time, (r, k): looked for anew where the one that it was fell out."""
    held = laid.held(group)[laid.machine[rows]]
    stands = held[..., 1] > laid.view(group).since[rows, None]
    best, when = (np.where(stands, held[..., i], np.nan) for i in range(2))
    lost = ~stands & ~np.isnan(held[..., 0])
    for i in np.flatnonzero(lost.any(axis=0)).tolist():
        own = np.flatnonzero(lost[:, i])
        best[own, i], when[own, i] = _look_through(laid, group, i, rows[own])
    return best, when


def _look_through(
    laid: Laid, group: Group, call: int, rows: Rows
) -> tuple[FloatColumn, FloatColumn]:
    """The same of one call by looking at all recent rows of its windows; `rows` are in order."""
    first = laid.view(group).first[rows]
    machines, begins, place = np.unique(laid.machine[rows], return_index=True, return_inverse=True)
    low, high = first[begins], laid.rows[laid.starts][machines]
    values, times = laid.beside(int(group.columns[call]), low, high)
    pick = np.fmin if group.function == "low" else np.fmax
    behind = pick.accumulate(values[:, ::-1], axis=1)[:, ::-1]
    best = behind[place, first - low[place]]
    latest = np.where(values[place] == best[:, None], times[place], -np.inf).max(axis=1)
    return best, np.where(np.isnan(best), np.nan, latest)


def _newest(laid: Laid, group: Group, result: FloatColumn) -> FloatColumn:
    """When a new row in the last window of each machine last had the value `result` (m, k); NaN
    where none had."""
    since = laid.view(group).first[laid.ends]
    inside = np.flatnonzero(laid.rows >= since[laid.machine])
    own = laid.machine[inside]
    times = laid.times[inside, None].astype(np.float64)
    new = laid.looked[inside[:, None], group.columns]
    hits = np.where(new == result[own], times, np.nan)
    begins = np.searchsorted(own, np.arange(len(result)))
    return np.asarray(np.fmax.reduceat(hits, begins, axis=0))
