"""The season that all parts share, believed as far as it repeats from year to year."""

from __future__ import annotations

import numpy as np

from fleet.batch import FloatColumn
from predict.demand.simple import Forecaster, Steps

YEAR = 12


def season(counts: FloatColumn) -> FloatColumn:
    """Log factors (12,) by month of the year, month 0 being the first column's; mean 0.

    Ratios of the fleet's monthly mean to its moving year are averaged per month of the year and
    shrunk by the share of their variance that is not scatter between years (James and Stein).
    Zeros where fewer than two whole years beyond the moving average's ends are known.
    """
    months = counts.shape[1]
    known = ~np.isnan(counts)
    total = np.where(known, counts, 0.0).sum(axis=0)
    mean = (total + 0.5) / (known.sum(axis=0) + 1.0)
    if months < 3 * YEAR:
        return np.zeros(YEAR)
    weights = np.r_[0.5, np.ones(YEAR - 1), 0.5] / YEAR
    half = YEAR // 2
    ratio = np.log(mean[half:-half]) - np.log(np.convolve(mean, weights, mode="valid"))
    phase = np.arange(half, months - half) % YEAR
    years = np.bincount(phase, minlength=YEAR)
    index = np.bincount(phase, ratio, YEAR) / years
    scatter = ((ratio - index[phase]) ** 2).sum() / max(len(ratio) - YEAR, 1)
    between = max(float(index.var(ddof=1)) - float((scatter / years).mean()), 0.0)
    shrunk = (index - index.mean()) * between / (between + scatter / years + 1e-12)
    return np.asarray(shrunk - shrunk.mean())


def without(counts: FloatColumn, index: FloatColumn) -> FloatColumn:
    """Counts (n, m) as they would have been in a month like any other."""
    return np.asarray(counts * np.exp(-index[np.arange(counts.shape[1]) % YEAR]))


def factors(index: FloatColumn, months: int, steps: Steps) -> FloatColumn:
    """Log factors (steps,) of the months ahead of a history `months` long."""
    return index[(months - 1 + np.arange(steps.first, steps.last + 1)) % YEAR]


def seasonal(forecaster: Forecaster, index: FloatColumn) -> Forecaster:
    """A forecaster that knows no season, given the history freed of it and returned to it."""

    def forecast(counts: FloatColumn, steps: Steps, levels: FloatColumn) -> FloatColumn:
        plain = forecaster(without(counts, index), steps, levels)
        ahead = np.exp(factors(index, counts.shape[1], steps))
        return np.asarray(plain * ahead[:, None])

    return forecast
