"""Regimes that a history shows by itself: settings that come and go and move everything else.

Covariates of a few exact values that change often, and as often late in life as early, may be
settings. Those are taken that explain the other covariates best; every covariate is then measured
from the mean of its regime, so that what is left is the unit's own condition.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FloatColumn
from predict.histories import Matrix
from predict.trends import filled

MOST_VALUES = 12
MOST_REGIMES = 40
#: A regime needs this share of all rows; rarer ones are not told apart.
LEAST_SHARE = 0.005
#: Share of rows at which a setting changes, at least.
LEAST_CHANGES = 0.05
#: A setting is met as often in the later half of life as in the earlier, within this.
MOST_DRIFT = 0.1
#: Share of variance that regimes explain of at least one other covariate.
LEAST_EXPLAINED = 0.5
#: Share of variance, on average, that one more setting has to explain.
LEAST_GAIN = 0.01

Codes = NDArray[np.intp]


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
        place = _places(filled(rows[:, self.settings]), self.values)
        measured = (rows - self.mean[place]) / self.deviation[place]
        return np.where((place >= 0)[:, None], measured, np.nan)


def learn_regimes(units: Sequence[Matrix]) -> Regimes | None:
    """The regimes of histories of rows (n, k); None where there are none."""
    known = [filled(each) for each in units]
    candidates = [c for c in range(units[0].shape[1]) if _may_be_setting(known, c)]
    rows, keys = np.vstack(units), np.vstack(known)
    settings = _chosen(keys, candidates, rows)
    if not settings:
        return None
    values, count = np.unique(keys[:, settings], axis=0, return_counts=True)
    values = values[count >= LEAST_SHARE * len(rows)]
    place = _places(keys[:, settings], values)
    groups = [rows[place == number] for number in range(len(values))]
    mean = np.array([_mean(group) for group in groups])
    deviation = np.array([np.sqrt(_mean((group - _mean(group)) ** 2)) for group in groups])
    flat = deviation <= 1e-9 * np.maximum(1.0, np.abs(mean))
    return Regimes(np.array(settings), values, mean, np.where(flat, 1.0, deviation))


def _may_be_setting(units: Sequence[Matrix], column: int) -> bool:
    values = [each[np.isfinite(each[:, column]), column] for each in units]
    every = np.concatenate(values)
    levels = np.unique(every)
    early = np.concatenate([each[: len(each) // 2] for each in values])
    late = np.concatenate([each[len(each) // 2 :] for each in values])
    if not 2 <= len(levels) <= MOST_VALUES or not len(early):
        return False
    changes = sum(int(np.count_nonzero(np.diff(each))) for each in values)
    if changes < LEAST_CHANGES * len(every):
        return False
    drift = [abs(np.mean(early == level) - np.mean(late == level)) for level in levels]
    return bool(max(drift) <= MOST_DRIFT)


def _chosen(keys: Matrix, candidates: Sequence[int], rows: Matrix) -> list[int]:
    """Settings taken one by one, the one first that explains most of the other covariates."""
    others = np.setdiff1d(np.arange(rows.shape[1]), candidates).astype(np.intp)
    others = others[_mean((rows[:, others] - _mean(rows[:, others])) ** 2) > 0]
    if not len(others) or not len(candidates):
        return []
    y = np.where(np.isfinite(rows[:, others]), rows[:, others], _mean(rows[:, others]))
    y = (y - y.mean(axis=0)) / np.maximum(y.std(axis=0), 1e-300)
    levels = {c: np.unique(keys[:, c], return_inverse=True)[1] for c in candidates}
    chosen: list[int] = []
    codes, best = np.zeros(len(y), dtype=np.intp), np.zeros(len(others))
    while left := [c for c in candidates if c not in chosen]:
        tried = {c: _joined(codes, levels[c]) for c in left}
        shares = {c: _explained(code, y) for c, code in tried.items() if code.max() < MOST_REGIMES}
        if not shares:
            break
        first = max(shares, key=lambda c: float(shares[c].mean()))
        if shares[first].mean() < best.mean() + LEAST_GAIN:
            break
        chosen.append(first)
        codes, best = tried[first], shares[first]
    return chosen if best.max() >= LEAST_EXPLAINED else []


def _joined(codes: Codes, more: Codes) -> Codes:
    """One code for each pair of codes that occurs."""
    pairs = codes * (int(more.max()) + 1) + more
    return np.asarray(np.unique(pairs, return_inverse=True)[1], dtype=np.intp)


def _explained(codes: Codes, y: Matrix) -> FloatColumn:
    """Share of variance of each standardised column (n, k) that lies between the codes."""
    count = np.bincount(codes)
    sums = [np.bincount(codes, weights=column) for column in y.T]
    return np.array([float((total**2 / count).sum()) / len(codes) for total in sums])


def _places(found: Matrix, values: Matrix) -> Codes:
    """Number of the row of `values` equal to each row of `found`, -1 where none is."""
    place = np.full(len(found), -1, dtype=np.intp)
    for number, value in enumerate(values):
        place[(found == value).all(axis=1)] = number
    return place


def _mean(rows: Matrix) -> FloatColumn:
    """Mean of each column over its known values; 0 where there is none."""
    known = np.isfinite(rows)
    total = np.where(known, rows, 0.0).sum(axis=0)
    return np.asarray(total / np.maximum(known.sum(axis=0), 1), dtype=np.float64)
