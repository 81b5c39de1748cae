"""What a history shows up to each row: means and slopes over windows, drift from its beginning.

Every function is causal: the answer for a row uses that row and earlier ones. Windows reach back
so many rows, or to the beginning.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet.batch import FloatColumn
from predict.histories import Matrix


@dataclass(frozen=True, slots=True)
class Windows:
    """Lengths in rows: of means, of slopes, of means taken from the mean of the first `early`
    rows."""

    means: tuple[int, ...]
    slopes: tuple[int, ...]
    drifts: tuple[int, ...]
    early: int


def trends(rows: Matrix, times: FloatColumn, windows: Windows) -> Matrix:
    """Features of (n, k) rows at (n,) times: (n, k * number of windows)."""
    early = early_mean(rows, windows.early)
    columns = [rolling_mean(rows, length) for length in windows.means]
    columns += [rolling_slope(rows, times, length) for length in windows.slopes]
    columns += [rolling_mean(rows, length) - early for length in windows.drifts]
    return np.hstack(columns)


def filled(rows: Matrix) -> Matrix:
    """Missing values replaced by the value before; NaN stays where there is none before."""
    n = len(rows)
    last = np.where(np.isfinite(rows), np.arange(n)[:, None], 0)
    return np.take_along_axis(rows, np.maximum.accumulate(last, axis=0), axis=0)


def rolling_mean(rows: Matrix, length: int) -> Matrix:
    """Mean of the last `length` rows, (n, k)."""
    total, count = _sums(rows, length)
    return total / count[:, None]


def rolling_slope(rows: Matrix, times: FloatColumn, length: int) -> Matrix:
    """Least-squares slope per unit of time over the last `length` rows; 0 where times are one."""
    t = times - times[0]
    rise = rolling_mean(rows * t[:, None], length)
    level, when = rolling_mean(rows, length), rolling_mean(t[:, None], length)
    across = rolling_mean((t * t)[:, None], length) - when * when
    varies = across > 1e-12 * (1 + t * t)[:, None]
    return np.where(varies, (rise - level * when) / np.where(varies, across, 1.0), 0.0)


def early_mean(rows: Matrix, early: int) -> Matrix:
    """Mean of the first `early` rows, of those so far while there are fewer, (n, k)."""
    known = rolling_mean(rows[:early], early)
    return known[np.minimum(np.arange(len(rows)), len(known) - 1)]


def _sums(rows: Matrix, length: int) -> tuple[Matrix, FloatColumn]:
    n, k = rows.shape
    total = np.vstack([np.zeros((1, k)), np.cumsum(rows, axis=0)])
    end = np.arange(1, n + 1)
    start = np.maximum(0, end - length)
    return total[end] - total[start], (end - start).astype(np.float64)
