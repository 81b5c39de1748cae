"""Forecasts of one part alone, by hand and against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from predict.demand.simple import (
    Steps,
    discounted_negative_binomial,
    negative_binomial_shape,
    quantiles,
    static_quantiles,
)

LEVELS = np.array([0.5, 0.9])


def test_static_quantiles_by_hand() -> None:
    counts = np.array([[0.0, 1, 2, 3, 4], [5, np.nan, 5, 7, np.nan], [np.nan] * 5])
    found = static_quantiles(counts, Steps(3, 4), LEVELS)
    assert found[:, 0].tolist() == [[2, 4], [5, 7], [0, 0]]
    assert (found[:, 0] == found[:, 1]).all() and found.shape == (3, 2, 2)


def test_memory_zero_has_the_plain_moments() -> None:
    counts = np.array([[0.0, 4, 0, 9, 1, np.nan]])
    mean, variance = np.mean([0, 4, 0, 9, 1]), np.var([0, 4, 0, 9, 1])
    shape = mean**2 / (variance - mean)
    twin = stats.nbinom(shape, shape / (shape + mean))
    found = discounted_negative_binomial(0.0)(counts, Steps(1, 1), LEVELS)
    assert found[0, 0].tolist() == twin.ppf(LEVELS).tolist()


def test_a_short_memory_follows_the_newest_months() -> None:
    counts = np.array([[9.0] * 20 + [0.0] * 20, [0.0] * 20 + [9.0] * 20])
    found = discounted_negative_binomial(0.25)(counts, Steps(1, 1), LEVELS)[:, 0, 0]
    assert found[0] == 0 and found[1] >= 8


def test_the_shape_keeps_the_variance() -> None:
    mean, variance = np.array([2.0, 5.0]), np.array([6.0, 30.0])
    shape = negative_binomial_shape(mean, variance)
    assert mean + mean**2 / shape == pytest.approx(variance)
    underdispersed = negative_binomial_shape(np.array([4.0]), np.array([1.0]))
    assert quantiles(np.array([4.0]), underdispersed, LEVELS)[0] == pytest.approx(
        stats.poisson.ppf(LEVELS, 4.0), abs=1
    )
