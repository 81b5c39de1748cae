"""Needs: chances by month against simulated lives, distributions against counting."""

from __future__ import annotations

import numpy as np
import pytest

from fleet.wear import Life
from predict.demand.needs import Needs, distribution, due, of_quantiles, stretched, worn
from predict.life import PlanLife

LIFE = PlanLife(Life(mid=100, low=70, high=140))


def test_worn_parts_are_renewed_within_the_horizon() -> None:
    """Parts with a life of three months, followed over eight, against lives drawn one by one."""
    ahead = np.full((1, 8), 33.0)
    said = worn(LIFE.fail_within, np.array([40.0]), ahead, busy=(1.0,))[0, 0]
    rng = np.random.default_rng(1)
    counts = np.zeros(8)
    for _ in range(4000):
        used, now = 40.0, 0.0
        while True:
            u = np.array([rng.random()])
            left = float(LIFE.quantiles(np.array([used]), float(u[0]))[0])
            now, used = now + left, 0.0
            if now >= 8 * 33:
                break
            counts[int(now // 33)] += 1
    assert said == pytest.approx(counts / 4000, abs=0.06)
    assert said.sum() == pytest.approx(counts.sum() / 4000, abs=0.1)


def test_a_long_life_ends_once() -> None:
    long = PlanLife(Life(mid=10_000, low=8_000, high=12_000))
    said = worn(long.fail_within, np.array([9_000.0]), np.full((1, 6), 200.0), busy=(1.0,))[0, 0]
    once = long.fail_within(np.array([9_000.0]), np.array([1_200.0]))[0]
    assert said.sum() == pytest.approx(once)


def test_a_service_comes_again_and_again() -> None:
    chance = due(np.array([1.5, 0.4, 30.0]), np.array([2.0, np.inf, np.inf]), 6)
    assert chance[0].sum() == pytest.approx(2.8, abs=0.4)
    assert chance[1].sum() == pytest.approx(1.0, abs=0.01)
    assert chance[2].sum() < 1e-6


def test_the_distribution_of_needs_is_that_of_counting_them() -> None:
    rng = np.random.default_rng(0)
    chance = rng.random((1, 5, 1))
    quantity = np.array([1, 2, 1, 2, 3])
    pmf = distribution(Needs(np.zeros(5, dtype=int), quantity, chance), 0)[0]
    slow = np.zeros(10)
    for outcome in range(32):
        bits = np.array([(outcome >> n) & 1 for n in range(5)])
        p = np.where(bits == 1, chance[0, :, 0], 1 - chance[0, :, 0]).prod()
        slow[int(bits @ quantity)] += p
    assert pmf == pytest.approx(slow)
    assert stretched(np.array([0.5, 0.5]), 3).tolist() == [0.5, 0, 0, 0.5]


def test_quantiles_become_a_distribution_that_has_them() -> None:
    levels, values = np.array([0.5, 0.8, 0.95]), np.array([0.0, 2.0, 6.0])
    pmf = of_quantiles(levels, values)
    assert pmf.sum() == pytest.approx(1.0)
    reached = np.cumsum(pmf)
    assert reached[0] >= 0.5 and reached[2] >= 0.8 and reached[6] >= 0.95
