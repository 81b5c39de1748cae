"""Demand over the days to come, and what is missing of it with so many pieces, from months."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy.stats import binom

from fleet.batch import FloatColumn

#: Days that a month of the plan has, and the grid of windows within it.
MONTH_DAYS = 30
STEP_DAYS = 5
#: What is less likely than this is cut off a distribution.
TAIL = 1e-9


class Window:
    """Demand of one place: distributions of the number of pieces by coming month.

    A piece falls on any day of its month alike. Beyond the months given the last one repeats.
    """

    def __init__(self, months: Sequence[FloatColumn], days: float) -> None:
        """Prepared for windows up to `days` long."""
        self._months = [_trimmed(month) for month in months]
        steps = int(np.ceil(days / STEP_DAYS)) + 1
        grid = [self._within(step) for step in range(steps + 1)]
        self._grid = grid
        self._means = [float(pmf @ np.arange(len(pmf))) for pmf in grid]
        self._short = [_missing(pmf) for pmf in grid]

    def mean(self, days: float) -> float:
        """Expected pieces within so many days."""
        low, share = self._place(days)
        return self._means[low] * (1 - share) + self._means[low + 1] * share

    def short(self, days: float, stock: int) -> float:
        """Expected pieces missing at the end of so many days with `stock` to begin with."""
        low, share = self._place(days)
        return self._missing(low, stock) * (1 - share) + self._missing(low + 1, stock) * share

    def exceeds(self, days: float, stock: int) -> float:
        """Chance that more than `stock` pieces are asked for within so many days."""
        pmf = self.distribution(days)
        return float(pmf[max(stock + 1, 0) :].sum()) if stock >= 0 else 1.0

    def distribution(self, days: float) -> FloatColumn:
        """Chances of 0, 1, ... pieces within so many days, to the next step of the grid."""
        return self._grid[min(int(np.ceil(days / STEP_DAYS)), len(self._grid) - 1)]

    def _within(self, step: int) -> FloatColumn:
        whole, rest = divmod(step * STEP_DAYS, MONTH_DAYS)
        pmf = np.ones(1)
        for month in range(whole):
            pmf = _trimmed(np.convolve(pmf, self._month(month)))
        if rest:
            pmf = _trimmed(np.convolve(pmf, thinned(self._month(whole), rest / MONTH_DAYS)))
        return pmf

    def _month(self, number: int) -> FloatColumn:
        return self._months[min(number, len(self._months) - 1)]

    def _place(self, days: float) -> tuple[int, float]:
        at = min(max(days / STEP_DAYS, 0.0), len(self._grid) - 1.0)
        low = min(int(at), len(self._grid) - 2)
        return low, at - low

    def _missing(self, step: int, stock: int) -> float:
        table = self._short[step]
        if stock < 0:
            return self._means[step] - stock
        return table[stock] if stock < len(table) else 0.0


def thinned(pmf: FloatColumn, share: float) -> FloatColumn:
    """Distribution of what is left when each piece counts with the chance `share`."""
    return np.asarray(pmf @ _binomials(len(pmf), round(share, 6)))


@lru_cache(maxsize=2000)
def _binomials(size: int, share: float) -> FloatColumn:
    counts = np.arange(size)
    return np.asarray(binom.pmf(counts[None, :], counts[:, None], share))


def _missing(pmf: FloatColumn) -> list[float]:
    """Expected pieces above s for s = 0, 1, ... len - 1."""
    above = 1.0 - np.cumsum(pmf)
    missing: list[float] = np.maximum(np.cumsum(above[::-1])[::-1], 0.0).tolist()
    return missing


def _trimmed(pmf: FloatColumn) -> FloatColumn:
    reached = np.cumsum(pmf)
    size = int(np.searchsorted(reached, reached[-1] - TAIL)) + 1
    return np.asarray(pmf[:size] / pmf[:size].sum())
