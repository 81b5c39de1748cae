"""The fleet's demand against enumeration, exact moments and simulated fleets."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats

from fleet.errors import IronpulseError
from predict.demand.fleet import numbers_replaced, quantiles_of, together

RNG = np.random.default_rng(8)


def number_replaced(chances: np.ndarray) -> np.ndarray:
    """The distribution where every scenario is as likely as the others."""
    return np.asarray(numbers_replaced(np.atleast_2d(chances)).mean(axis=0))


def enumerated(chances: np.ndarray) -> np.ndarray:
    """Every way in which parts can be replaced or not."""
    found = np.zeros(len(chances) + 1)
    for ways in product((0, 1), repeat=len(chances)):
        found[sum(ways)] += np.prod(np.where(ways, chances, 1 - chances))
    return found


@pytest.mark.parametrize("parts", [1, 2, 3, 7, 10])
def test_the_number_replaced_agrees_with_enumeration(parts: int) -> None:
    chances = RNG.random(parts)
    assert number_replaced(chances) == pytest.approx(enumerated(chances), abs=1e-12)


def test_no_parts_no_demand_and_certain_parts_all() -> None:
    assert number_replaced(np.zeros(0)).tolist() == [1.0]
    assert number_replaced(np.ones(3)) == pytest.approx([0, 0, 0, 1])


def test_moments_and_tails_of_a_large_fleet() -> None:
    chances = RNG.beta(0.3, 20, 20_000)
    found, counts = number_replaced(chances), np.arange(20_001)
    mean = found @ counts
    assert mean == pytest.approx(chances.sum())
    assert found @ (counts - mean) ** 2 == pytest.approx((chances * (1 - chances)).sum())
    alike = number_replaced(np.full(5000, 0.01))
    twin = stats.binom(5000, 0.01)
    levels = np.array([0.001, 0.5, 0.9, 0.999])
    assert quantiles_of(alike, levels).tolist() == twin.ppf(levels).tolist()


def test_what_all_share_makes_the_demand_wider() -> None:
    calm, busy = np.full(400, 0.02), np.full(400, 0.10)
    shared = number_replaced(np.stack([calm, busy]))
    assert shared == pytest.approx((number_replaced(calm) + number_replaced(busy)) / 2)
    alone = number_replaced(np.full(400, 0.06))
    level = np.array([0.9])
    assert quantiles_of(shared, level)[0] > quantiles_of(alone, level)[0] + 5


def test_independent_demands_add_up() -> None:
    services = np.array([0.0, 0.0, 1.0])  # two, for certain
    worn = number_replaced(np.array([0.5]))
    assert together([services, worn]).tolist() == [0, 0, 0.5, 0.5]
    assert together([]).tolist() == [1.0]


def test_quantiles_by_hand() -> None:
    found = quantiles_of(np.array([0.7, 0.2, 0.1]), np.array([0.5, 0.7, 0.9, 0.95, 0.9999]))
    assert found.tolist() == [0, 0, 1, 2, 2]


def test_what_is_no_chance_is_refused() -> None:
    with pytest.raises(IronpulseError, match="between 0 and 1"):
        number_replaced(np.array([0.5, 1.5]))
