"""Regimes that a history shows by itself: settings that come and go and move everything else.

Covariates of a few exact values that change often and as often late in life as early are taken as
settings. Where they explain much of another covariate, every covariate is measured from the mean
of its regime, so that what is left is the unit's own condition.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from predict.histories import Matrix

MOST_VALUES = 12
MOST_REGIMES = 40
#: A regime needs this share of all rows; rarer ones are not told apart.
LEAST_SHARE = 0.005
#: Share of rows at which a setting changes, at least.
LEAST_CHANGES = 0.05
#: A setting is met as often in the later half of life as in the earlier, within this.
MOST_DRIFT = 0.1
#: Share of a covariate's variance that regimes explain, for at least one covariate.
LEAST_EXPLAINED = 0.5


@dataclass(frozen=True, slots=True)
class Regimes:
    """Settings (s,) by place, known combinations of their values (r, s), and mean and deviation of
    each covariate in each regime (r, k)."""

    settings: NDArray[np.intp]
    values: Matrix
    mean: Matrix
    deviation: Matrix

    def apply(self, rows: Matrix) -> Matrix:
        """Rows (n, k) in deviations from their regime; NaN in a regime never seen."""
        place = _places(rows[:, self.settings], self.values)
        known = place >= 0
        measured = (rows - self.mean[place]) / self.deviation[place]
        return np.where(known[:, None], measured, np.nan)


def learn_regimes(units: Sequence[Matrix]) -> Regimes | None:
    """The regimes of histories whose rows (n, k) are filled; None where there are none."""
    rows = np.vstack(units)
    settings = np.array([c for c in range(rows.shape[1]) if _is_setting(units, c)], dtype=np.intp)
    if not len(settings):
        return None
    values, count = np.unique(rows[:, settings], axis=0, return_counts=True)
    values = values[count >= LEAST_SHARE * len(rows)]
    if not 2 <= len(values) <= MOST_REGIMES:
        return None
    place = _places(rows[:, settings], values)
    groups = [rows[place == number] for number in range(len(values))]
    mean = np.array([_mean(group) for group in groups])
    deviation = np.array([np.sqrt(_mean((group - _mean(group)) ** 2)) for group in groups])
    inside = rows[place >= 0]
    total = _mean((inside - _mean(inside)) ** 2)
    left = _mean((inside - mean[place[place >= 0]]) ** 2)
    others = np.setdiff1d(np.flatnonzero(total > 0), settings)
    if not (left[others] < (1 - LEAST_EXPLAINED) * total[others]).any():
        return None
    flat = deviation <= 1e-9 * np.maximum(1.0, np.abs(mean))
    return Regimes(settings, values, mean, np.where(flat, 1.0, deviation))


def _is_setting(units: Sequence[Matrix], column: int) -> bool:
    values = [each[:, column] for each in units]
    every = np.concatenate(values)
    levels = np.unique(every)
    if not np.isfinite(every).all() or not 2 <= len(levels) <= MOST_VALUES:
        return False
    changes = sum(int(np.count_nonzero(np.diff(each))) for each in values)
    early = np.concatenate([each[: len(each) // 2] for each in values])
    late = np.concatenate([each[len(each) // 2 :] for each in values])
    if changes < LEAST_CHANGES * len(every) or not len(early):
        return False
    drift = [abs(np.mean(early == level) - np.mean(late == level)) for level in levels]
    return bool(max(drift) <= MOST_DRIFT)


def _places(found: Matrix, values: Matrix) -> NDArray[np.intp]:
    """Number of the row of `values` equal to each row of `found`, -1 where none is."""
    equal = (found[:, None, :] == values[None, :, :]).all(axis=2)
    return np.where(equal.any(axis=1), equal.argmax(axis=1), -1)


def _mean(rows: Matrix) -> Matrix:
    """Mean of each column over its known values; 0 where there is none."""
    known = np.isfinite(rows)
    total = np.where(known, rows, 0.0).sum(axis=0)
    return np.asarray(total / np.maximum(known.sum(axis=0), 1), dtype=np.float64)
