"""Windows that look at their first and last known value: by how much, and how fast it changed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FloatColumn
from rules.holding import Rows
from rules.sliding.laid import Laid
from rules.sliding.lanes import Group

_MS_PER_MIN = 60_000.0


def change(laid: Laid, group: Group) -> tuple[FloatColumn, FloatColumn]:
    """`delta` or `rate` in every row, (n, k), and the group's numbers afterwards, (m, k, f)."""
    held = laid.held(group)
    last, at = laid.last_known(group, held[..., 2], held[..., 3])
    some = at > laid.view(group).since[:, None]
    first, first_at = first_known(laid, group, held[..., 0], held[..., 1], some)
    values = np.where(some, last - first, np.nan)
    if group.function == "rate":
        values /= np.where(at > first_at, (at - first_at) / _MS_PER_MIN, np.nan)
    return values, laid.kept(first, first_at, last, at)


def first_known(
    laid: Laid, group: Group, held: FloatColumn, held_at: FloatColumn, some: NDArray[np.bool_]
) -> tuple[FloatColumn, FloatColumn]:
    """The first known number that was kept in each window and its time, (n, k), where there is
    `some`; `held` (m, k) and its time is the one before the rows."""
    view = laid.view(group)
    first, at = held[laid.machine], held_at[laid.machine]
    row, call = np.nonzero(some & ~(at > view.since[:, None]))
    columns = group.columns[call]
    place = _next_known(laid, view.first[row], laid.rows[row], columns)
    first[row, call] = laid.recent.values[place, columns]
    at[row, call] = laid.recent.times[place]
    return np.where(some, first, np.nan), np.where(some, at, np.nan)


def _next_known(laid: Laid, place: Rows, high: Rows, columns: Rows) -> Rows:
    """The first known one of the recent rows from `place` (r,) to `high` in each column; there is
    one. Most are known at once; those of a longer silence are looked through together."""
    unknown = np.flatnonzero(np.isnan(laid.recent.values[place, columns]))
    place = place.copy()
    for column in np.unique(columns[unknown]).tolist():
        own = unknown[columns[unknown] == column]
        lows, inverse = np.unique(place[own], return_inverse=True)
        highs = np.zeros_like(lows)
        np.maximum.at(highs, inverse, high[own])
        values, _ = laid.beside(column, lows, highs + 1)
        place[own] += (~np.isnan(values)).argmax(axis=1)[inverse]
    return place
