"""The regressions find what made the data, and stay with the offset where data are few."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from predict.demand.regression import fit_chance, fit_counts

RNG = np.random.default_rng(11)


def design(rows: int) -> np.ndarray:
    first = RNG.normal(size=rows)
    second = 0.9 * first + 0.3 * RNG.normal(size=rows)
    return np.column_stack([np.ones(rows), first, second])


def test_a_negative_binomial_is_found_again() -> None:
    x = design(6000)
    mean = np.exp(x @ [0.3, 0.5, -0.4] + 0.7)[:, None]
    shape = np.exp(x @ [0.2, 0.3, 0.0])[:, None]
    counts = RNG.poisson(RNG.gamma(shape, mean / shape, (6000, 4))).astype(float)
    counts[RNG.random(counts.shape) < 0.2] = np.nan
    found = fit_counts(x, counts, np.full((6000, 4), 0.7))
    assert found.mean == pytest.approx([0.3, 0.5, -0.4], abs=0.07)
    assert found.shape == pytest.approx([0.2, 0.3, 0.0], abs=0.15)
    assert found.means(x, np.full((6000, 1), 0.7)) == pytest.approx(mean, rel=0.25)


def test_a_chance_is_found_again() -> None:
    x = design(8000)
    chance = expit(x @ [-1.0, 0.8, 0.2] + 0.5)[:, None]
    happened = (RNG.random((8000, 3)) < chance).astype(float)
    found = fit_chance(x, happened, np.full((8000, 3), 0.5))
    assert found == pytest.approx([-1.0, 0.8, 0.2], abs=0.1)


def test_few_rows_stay_with_the_part_s_own_level() -> None:
    x = design(6)
    counts = np.array([[5.0], [0], [0], [9], [0], [1]])
    pulled = fit_counts(x, counts, np.zeros((6, 1)))
    assert np.abs(pulled.mean[1:]).max() < 0.6
    many = fit_counts(np.tile(x, (300, 1)), np.tile(counts, (300, 1)), np.zeros((1800, 1)))
    assert np.abs(many.mean[1:]).max() > 2 * np.abs(pulled.mean[1:]).max()


def test_nothing_known_moves_nothing() -> None:
    found = fit_counts(design(20), np.full((20, 2), np.nan), np.zeros((20, 2)))
    assert found.mean == pytest.approx(np.zeros(3)) and found.shape == pytest.approx(np.zeros(3))
