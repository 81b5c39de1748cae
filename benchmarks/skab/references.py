"""What others did, computed in the same run: it checks the protocol, and sets the mark.

T2 and T2 with Q as published with SKAB: all rows on the training rows' mean and standard
deviation; T2 over all directions against twice its limit; or principal components for 85 % of
the variance, T2 within them or Q beside them; all at 0.999, medians over 5 rows.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy import stats

from benchmarks.skab.protocol import TRAIN_ROWS, Verdicts
from fleet.batch import FloatColumn

LEVEL = 0.999
EXPLAINED = 0.85
MEDIAN_ROWS = 5
PLAIN_MEDIAN_ROWS = 10
PLAIN_SHRINK = 0.1
#: The published implementation reads its quantiles off this grid, from below.
GRID = np.linspace(0, 15, 10_000)

#: F1, FAR %, MAR %, NAB standard.
PUBLISHED = {
    "Conv-AE": (0.78, 13.55, 28.02, 23.61),
    "MSET": (0.78, 39.73, 14.13, 13.84),
    "T2+Q (PCA)": (0.76, 26.62, 24.92, 25.35),
    "LSTM-AE": (0.74, 29.96, 25.92, 23.51),
    "T2": (0.66, 19.21, 42.60, 19.54),
    "MSCRED": (0.36, 49.94, 69.88, 32.42),
    "isolation forest": (0.29, 2.56, 82.89, 26.16),
}


def t2(values: FloatColumn) -> Verdicts:
    """T2 over all directions; (n, p) to (n - 400,)."""
    scaled = _scaled(values)
    train, test = scaled[:TRAIN_ROWS], scaled[TRAIN_ROWS:]
    squared = _quadratic(test, np.linalg.inv(np.cov(train.T)))
    return _median(squared, MEDIAN_ROWS) > 2 * _t2_limit(scaled.shape[1])


def t2_and_q(values: FloatColumn) -> Verdicts:
    """T2 within the principal components, or Q beside them; (n, p) to (n - 400,)."""
    scaled = _scaled(values)
    train, test = scaled[:TRAIN_ROWS], scaled[TRAIN_ROWS:]
    variances, directions = np.linalg.eigh(np.cov(train.T))
    variances, directions = variances[::-1], directions[:, ::-1]
    held = int(np.searchsorted(variances.cumsum() / variances.sum(), EXPLAINED)) + 1
    within = test @ directions[:, :held]
    squared = (within**2 / variances[:held]).sum(axis=1)
    beside = ((test - within @ directions[:, :held].T) ** 2).sum(axis=1)
    # The published limit of Q sums variances in the order the solver gives them.
    unsorted = np.linalg.eigvals(np.cov(train.T)).real
    q_limit = _q_limit(float(unsorted[held:].sum()))
    return (_median(squared, MEDIAN_ROWS) > _t2_limit(held)) | (
        _median(beside, MEDIAN_ROWS) > q_limit
    )


def plain_mahalanobis(values: FloatColumn) -> Verdicts:
    """Regularised Mahalanobis distance, median of the last 10 rows, against T2's limit."""
    scaled = _scaled(values)
    covariance = np.cov(scaled[:TRAIN_ROWS].T)
    regular = (1 - PLAIN_SHRINK) * covariance + PLAIN_SHRINK * np.eye(len(covariance))
    squared = _quadratic(scaled[TRAIN_ROWS:], np.linalg.inv(regular))
    return _median(squared, PLAIN_MEDIAN_ROWS) > _t2_limit(scaled.shape[1])


def _scaled(values: FloatColumn) -> FloatColumn:
    train = values[:TRAIN_ROWS]
    varying = (train != train[0]).any(axis=0)
    train, values = train[:, varying], values[:, varying]
    return np.asarray((values - train.mean(axis=0)) / train.std(axis=0))


def _quadratic(rows: FloatColumn, matrix: NDArray[np.floating]) -> FloatColumn:
    return np.asarray(np.einsum("ij,jk,ik->i", rows, matrix, rows), np.float64)


def _median(values: FloatColumn, rows: int) -> FloatColumn:
    """Of each row and those before it; 0 where there are too few of them."""
    return np.concatenate(
        (np.zeros(rows - 1), np.median(sliding_window_view(values, rows), axis=1))
    )


def _t2_limit(directions: int) -> float:
    n, m = TRAIN_ROWS, directions
    quantile = GRID[stats.f.cdf(GRID, m, n - m) < LEVEL][-1]
    return float(m * (n - 1) * (n + 1) / (n * (n - m)) * quantile)


def _q_limit(rest: float) -> float:
    """Jackson and Mudholkar's limit, with powers of the sum as the published code has them."""
    sums = [rest, rest**2, rest**3]
    h = 1 - 2 * sums[0] * sums[2] / (3 * sums[1] ** 2)
    quantile = GRID[stats.norm.cdf(GRID) < LEVEL][-1]
    inner = 1 + quantile * h * np.sqrt(2 * sums[1]) / sums[0] + sums[1] * h * (h - 1) / sums[0] ** 2
    return float(sums[0] * inner ** (1 / h))
