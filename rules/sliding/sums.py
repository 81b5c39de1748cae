"""Windows that add up: averages, counts, hours and the growth of counters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FloatColumn
from fleet.clock import MS_PER_HOUR
from fleet.windows import exact, inexact, settled
from rules.sliding.ends import first_known
from rules.sliding.laid import Laid
from rules.sliding.lanes import Group

Integers = NDArray[np.int64]


def average(laid: Laid, group: Group) -> tuple[FloatColumn, FloatColumn]:
    """`avg` in every row, (n, k), and the group's numbers afterwards, (m, k, f)."""
    new, fallen, held = laid.looked[:, group.columns], laid.fallen(group), laid.held(group)
    known = _total(laid, group, held[..., 0], _known(new), _known(fallen))
    whole, fraction = _exact_total(laid, group, held[..., 1:], new, fallen)
    values = inexact(whole, fraction) / np.maximum(known, 1)
    return np.where(known > 0, values, np.nan), laid.kept(known, whole, fraction)


def count(laid: Laid, group: Group) -> tuple[FloatColumn, FloatColumn]:
    """The same of `count`."""
    held = laid.held(group)
    edges = _whole_total(laid, group, held[..., 0])
    last, at = laid.last_known(group, held[..., 1], held[..., 2])
    some = at > laid.view(group).since[:, None]
    return np.where(some, edges, np.nan), laid.kept(edges, last, at)


def hours(laid: Laid, group: Group) -> tuple[FloatColumn, FloatColumn]:
    """The same of `hours`."""
    held, view = laid.held(group), laid.view(group)
    total = _whole_total(laid, group, held[..., 0])
    _, at = laid.last_known(group, held[..., 1], held[..., 2])
    # What the first row adds lies before the window.
    inside = total - laid.recent.values[view.first[:, None], group.columns]
    values = np.where(at > view.since[:, None], inside / MS_PER_HOUR, np.nan)
    return values, laid.kept(total, laid.looked[:, group.columns], at)


def growth(laid: Laid, group: Group) -> tuple[FloatColumn, FloatColumn]:
    """The same of `growth`."""
    held = laid.held(group)
    new, fallen = laid.added[:, group.columns], laid.fallen(group)
    whole, fraction = _exact_total(laid, group, held[..., :2], new, fallen)
    _, at = laid.last_known(group, held[..., 4], held[..., 5])
    some = at > laid.view(group).since[:, None]
    first, first_at = first_known(laid, group, held[..., 2], held[..., 3], some)
    # The first rise is from a value that lies before the window.
    outside = exact(np.where(some, first, 0.0))
    values = inexact(*settled(whole - outside[0], fraction - outside[1]))
    kept = laid.kept(whole, fraction, first, first_at)
    return np.where(some, values, np.nan), np.concatenate([kept, _counters(laid, group)], axis=2)


def _counters(laid: Laid, group: Group) -> FloatColumn:
    """What is known of counters behind the last rows, (m, k, 4)."""
    ends, found = laid.ends, []
    for i, column in enumerate(group.columns.tolist()):
        was = laid.earlier(group, i).take(ends).behind(laid.looked[ends, column], laid.times[ends])
        found.append(np.column_stack([was.last, was.last_at, was.before, was.before_at]))
    return np.stack(found, axis=1)


def _known(values: FloatColumn) -> Integers:
    return (~np.isnan(values)).astype(np.int64)


def _total(
    laid: Laid, group: Group, held: FloatColumn, new: Integers, fallen: Integers
) -> Integers:
    """The sum over the window in every row, (n, k): what it was, what came and what fell."""
    came = np.zeros((len(new) + 1, new.shape[1]), np.int64)
    np.cumsum(new, axis=0, out=came[1:])
    before = held.astype(np.int64) - came[laid.starts]
    return np.asarray(before[laid.machine] + came[1:] - laid.view(group).fell(fallen))


def _whole_total(laid: Laid, group: Group, held: FloatColumn) -> Integers:
    """The same of whole numbers that rows add."""
    new, fallen = laid.added[:, group.columns], laid.fallen(group)
    return _total(laid, group, held, new.astype(np.int64), fallen.astype(np.int64))


def _exact_total(
    laid: Laid, group: Group, held: FloatColumn, new: FloatColumn, fallen: FloatColumn
) -> tuple[Integers, Integers]:
    """The same of any numbers, in wholes and fractions; unknown ones add nothing."""
    came, fell = exact(np.nan_to_num(new)), exact(np.nan_to_num(fallen))
    return settled(*(_total(laid, group, held[..., i], came[i], fell[i]) for i in range(2)))
