"""Histories of units: rows of covariates over time, the last row at failure or at the cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FloatColumn
from fleet.errors import IronpulseError

Matrix = NDArray[np.float64]


class HistoryError(IronpulseError):
    """Histories that cannot be learned from or answered for."""


@dataclass(frozen=True, slots=True)
class Histories:
    """Units in order; of each its rows (n, k), NaN where missing, and their times (n,), rising.

    `names` (k,) are the covariates. Times measure life: hours, cycles, any unit of use.
    """

    units: tuple[str, ...]
    names: tuple[str, ...]
    rows: tuple[Matrix, ...]
    times: tuple[FloatColumn, ...]

    def some(self, places: Sequence[int]) -> Histories:
        """The histories of the units at `places`."""
        return Histories(
            tuple(self.units[p] for p in places),
            self.names,
            tuple(self.rows[p] for p in places),
            tuple(self.times[p] for p in places),
        )

    def remaining(self) -> list[FloatColumn]:
        """Life left at each row of each unit, (n,) each, if its last row is its failure."""
        return [times[-1] - times for times in self.times]


def histories(
    units: Sequence[str], names: tuple[str, ...], times: FloatColumn, rows: Matrix
) -> Histories:
    """Histories of rows in any order: `units` (n,), `times` (n,), `rows` (n, k). Units keep the
    order of their first row. Raises HistoryError for a missing time or no rows at all."""
    if not len(units):
        raise HistoryError("The histories have no rows; give at least one unit with one row.")
    if not np.isfinite(times).all():
        row = int(np.argmin(np.isfinite(times)))
        raise HistoryError(f"Row {row + 1} of unit {units[row]!r} has no time; leave it out.")
    order = {unit: place for place, unit in enumerate(dict.fromkeys(units))}
    place = np.array([order[unit] for unit in units])
    by_time = np.lexsort((times, place))
    ends = np.flatnonzero(np.diff(place[by_time])) + 1
    parts = np.split(by_time, ends)
    return Histories(
        tuple(order), names, tuple(rows[p] for p in parts), tuple(times[p] for p in parts)
    )
