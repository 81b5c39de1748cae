"""Small made-up demand whose true distribution is known."""

from __future__ import annotations

import numpy as np

from fleet.batch import FloatColumn


def fleet(
    parts: int = 300, months: int = 42, seed: int = 3, wave: float = 0.0
) -> tuple[FloatColumn, FloatColumn]:
    """Counts (parts, months) and their true means: levels that wander, gamma over parts.

    `wave` is the amplitude of the season's log factor, highest in the first month of the year.
    """
    rng = np.random.default_rng(seed)
    start = rng.gamma(0.7, 1.2, (parts, 1))
    drift = np.cumsum(rng.normal(0, 0.15, (parts, months)), axis=1)
    season = wave * np.cos(2 * np.pi * np.arange(months) / 12)
    mean = start * np.exp(drift + season)
    shape = 0.8
    return rng.poisson(rng.gamma(shape, mean / shape)).astype(np.float64), mean
