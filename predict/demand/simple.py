"""Forecasts that know one part's history and nothing else; also what benchmarks compare with.

Every forecaster takes counts (n parts, m months; NaN unknown), the months ahead and levels (k,),
and answers quantiles (n, steps, k).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import nbinom

from fleet.batch import FloatColumn
from predict.demand.features import discounts


@dataclass(frozen=True, slots=True)
class Steps:
    """Months ahead that are asked for, first to last; 1 is the month after the last known."""

    first: int
    last: int

    def __len__(self) -> int:
        return self.last - self.first + 1


Forecaster = Callable[[FloatColumn, Steps, FloatColumn], FloatColumn]


def static_quantiles(counts: FloatColumn, steps: Steps, levels: FloatColumn) -> FloatColumn:
    """The smallest observed count that the share `levels` of the history does not exceed."""
    known = np.where(np.isnan(counts).all(axis=1, keepdims=True), 0.0, counts)
    found = np.nanquantile(known, levels, axis=1, method="higher").T
    return np.repeat(found[:, None, :], len(steps), axis=1)


def always_zero(counts: FloatColumn, steps: Steps, levels: FloatColumn) -> FloatColumn:
    """No demand ever: what mean absolute errors reward."""
    return np.zeros((len(counts), len(steps), len(levels)))


def discounted_negative_binomial(memory: float) -> Forecaster:
    """Negative binomial with the discounted mean and variance; memory 0 is the static one."""

    def forecast(counts: FloatColumn, steps: Steps, levels: FloatColumn) -> FloatColumn:
        weights = np.where(np.isnan(counts), 0.0, discounts(counts.shape[1], memory))
        units = np.nan_to_num(counts)
        total = np.maximum(weights.sum(axis=1), 1e-12)
        mean = (weights * units).sum(axis=1) / total
        variance = (weights * (units - mean[:, None]) ** 2).sum(axis=1) / total
        shape = negative_binomial_shape(mean, variance)
        found = quantiles(mean[:, None], shape[:, None], levels)
        return np.repeat(found, len(steps), axis=1)

    return forecast


def negative_binomial_shape(mean: FloatColumn, variance: FloatColumn) -> FloatColumn:
    """Shape of the negative binomial with these moments; little over Poisson where it must."""
    mean = np.maximum(mean, 1e-9)
    return np.asarray(mean**2 / (np.maximum(variance, 1.05 * mean) - mean))


def quantiles(mean: FloatColumn, shape: FloatColumn, levels: FloatColumn) -> FloatColumn:
    """Quantiles (..., k) of negative binomials with mean and shape (...,)."""
    mean = np.maximum(mean, 1e-9)[..., None]
    shape = np.asarray(shape)[..., None]
    return np.asarray(nbinom.ppf(levels, shape, shape / (shape + mean)))
