"""Demand over the days to come, and what is missing of it with so many pieces, from months."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy.signal import fftconvolve
from scipy.stats import binom

from fleet.batch import FloatColumn
from predict.demand.fleet import summed, trimmed

#: Days that a month of the plan has, and the grid of windows within it.
MONTH_DAYS = 30
STEP_DAYS = 5
#: What is less likely than this is cut off a distribution.
TAIL = 1e-9
#: Pieces that are thinned by one table.
_BLOCK = 64


class Window:
    """Demand of one place: distributions of the number of pieces by coming month.

    A piece falls on any day of its month alike. Beyond the months given the last one repeats.
    Windows are worked out once they are asked for.
    """

    def __init__(self, months: Sequence[FloatColumn]) -> None:
        self._months = [trimmed(month, TAIL) for month in months]
        self._monthly = [float(month @ np.arange(len(month))) for month in self._months]
        self.forget()

    def forget(self) -> None:
        """Drop what was worked out: of thousands of pieces it is many megabytes."""
        self._whole: list[FloatColumn] = [np.ones(1)]
        self._grid: dict[int, FloatColumn] = {}
        self._short: dict[int, FloatColumn] = {}

    def mean(self, days: float) -> float:
        """Expected pieces within so many days."""
        whole, rest = divmod(max(days, 0.0), MONTH_DAYS)
        last = len(self._monthly) - 1
        full = sum(self._monthly[min(month, last)] for month in range(int(whole)))
        return full + self._monthly[min(int(whole), last)] * rest / MONTH_DAYS

    def means(self, days: int) -> FloatColumn:
        """Expected pieces (days,) within 1, 2, ... days."""
        months = np.minimum(np.arange(days) // MONTH_DAYS, len(self._monthly) - 1)
        return np.cumsum(np.array(self._monthly)[months]) / MONTH_DAYS

    def short(self, days: float, stock: int) -> float:
        """Expected pieces missing at the end of so many days with `stock` to begin with."""
        at = max(days, 0.0) / STEP_DAYS
        low = int(at)
        share = at - low
        missing = self._missing(low, stock) * (1 - share)
        return missing + self._missing(low + 1, stock) * share if share else missing

    def exceeds(self, days: float, stock: int) -> float:
        """Chance that more than `stock` pieces are asked for within so many days."""
        return float(self.distribution(days)[stock + 1 :].sum()) if stock >= 0 else 1.0

    def distribution(self, days: float) -> FloatColumn:
        """Chances of 0, 1, ... pieces within so many days, to the next step of the grid."""
        return self._within(int(np.ceil(days / STEP_DAYS)))

    def _within(self, step: int) -> FloatColumn:
        if step not in self._grid:
            whole, rest = divmod(step * STEP_DAYS, MONTH_DAYS)
            while len(self._whole) <= whole:
                month = self._month(len(self._whole) - 1)
                self._whole.append(trimmed(summed(self._whole[-1], month), TAIL))
            pmf = self._whole[whole]
            if rest:
                part = thinned(self._month(whole), rest / MONTH_DAYS)
                pmf = trimmed(summed(pmf, part), TAIL)
            self._grid[step] = pmf
        return self._grid[step]

    def _month(self, number: int) -> FloatColumn:
        return self._months[min(number, len(self._months) - 1)]

    def _missing(self, step: int, stock: int) -> float:
        if stock < 0:
            return self.mean(step * STEP_DAYS) - stock
        table = self._short.get(step)
        if table is None:
            table = self._short[step] = _missing(self._within(step))
        return float(table[stock]) if stock < len(table) else 0.0


def thinned(pmf: FloatColumn, share: float) -> FloatColumn:
    """Distribution of what is left when each piece counts with the chance `share`.

    Horner's rule in blocks: of every block of the polynomial what is left comes from a small table,
    and neighbours are put together, the upper on top of what is left of a full block below it.
    """
    table = _binomials(round(share, 6))
    blocks = 1 << max(-(-len(pmf) // _BLOCK) - 1, 0).bit_length()
    padded = np.zeros((blocks, _BLOCK))
    padded.reshape(-1)[: len(pmf)] = pmf
    left, full = padded @ table[:-1], table[-1]
    while len(left) > 1:
        upper = fftconvolve(left[1::2], full[None, :], axes=1)
        upper[:, : left.shape[1]] += left[::2]
        left, full = upper, fftconvolve(full, full)
    return np.maximum(left[0, : len(pmf)], 0.0)


@lru_cache(maxsize=200)
def _binomials(share: float) -> FloatColumn:
    """Chances (n + 1, n + 1) that of 0, 1, ... n pieces so many count; n is a block."""
    counts = np.arange(_BLOCK + 1)
    return np.asarray(binom.pmf(counts[None, :], counts[:, None], share))


def _missing(pmf: FloatColumn) -> FloatColumn:
    """Expected pieces above s for s = 0, 1, ... len - 1."""
    above = 1.0 - np.cumsum(pmf)
    return np.maximum(np.cumsum(above[::-1])[::-1], 0.0)
