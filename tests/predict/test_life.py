"""Remaining life against scipy's distributions and numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from fleet.wear import Life
from predict.life import PlanLife
from predict.state import from_json, to_json
from tests.predict.test_usage import use

PISTON = Life(low=10_000, mid=15_000, high=30_000)
NEW = np.array([0.0])


def test_a_stated_shape_makes_a_weibull() -> None:
    model = PlanLife(Life(low=198, mid=236, high=263, shape=10.89))
    scale = 236 / math.log(2) ** (1 / 10.89)
    twin = stats.weibull_min(10.89, scale=scale)
    for q in (0.1, 0.5, 0.9):
        assert model.quantiles(NEW, q)[0] == pytest.approx(twin.ppf(q))
    used, more = np.array([200.0]), np.array([30.0])
    chance = 1 - twin.sf(230) / twin.sf(200)
    assert model.fail_within(used, more)[0] == pytest.approx(chance)


def test_by_hand_an_exponential_life_does_not_remember() -> None:
    model = PlanLife(Life(low=10, mid=100, high=300, shape=1.0))
    # Median 100: the chance to fail within another 100 is one half, however old the part is.
    assert model.fail_within(np.array([0.0, 500.0]), np.array([100.0, 100.0])) == pytest.approx(
        [0.5, 0.5]
    )
    assert model.quantiles(np.array([0.0, 500.0]), 0.75) == pytest.approx([200.0, 200.0])


@pytest.mark.parametrize(
    "life", [PISTON, Life(low=800, mid=1500, high=2000), Life(low=80, mid=150, high=250)]
)
def test_the_plan_s_range_holds_eighty_percent_about_its_median(life: Life) -> None:
    model = PlanLife(life)
    inside = model.fail_within(NEW, np.array([life.high])) - model.fail_within(
        NEW, np.array([life.low])
    )
    assert inside[0] == pytest.approx(0.8)
    assert model.quantiles(NEW, 0.5)[0] == pytest.approx(life.mid)


def test_a_long_upper_side_is_lognormal() -> None:
    model = PlanLife(PISTON)
    tenth = model.quantiles(NEW, 0.1)[0]
    # The lognormal with this median and coverage: sigma solves the coverage of 80 %.
    sigma = math.log(15_000 / tenth) / stats.norm.ppf(0.9)
    twin = stats.lognorm(sigma, scale=15_000)
    assert twin.cdf(30_000) - twin.cdf(10_000) == pytest.approx(0.8)
    used = np.array([12_000.0])
    left = model.quantiles(used, 0.5)[0]
    assert twin.sf(12_000 + left) / twin.sf(12_000) == pytest.approx(0.5)


def test_a_long_lower_side_is_weibull() -> None:
    life = Life(low=800, mid=1500, high=2000)
    model = PlanLife(life)
    tenth, ninetieth = model.quantiles(NEW, 0.1)[0], model.quantiles(NEW, 0.9)[0]
    shape = math.log(math.log(10) / -math.log(0.9)) / math.log(ninetieth / tenth)
    scale = 1500 / math.log(2) ** (1 / shape)
    twin = stats.weibull_min(shape, scale=scale)
    assert model.quantiles(NEW, 0.25)[0] == pytest.approx(twin.ppf(0.25))


def test_far_beyond_its_life_a_part_still_has_an_ordered_answer() -> None:
    for model in (PlanLife(PISTON), PlanLife(Life(low=198, mid=236, high=263, shape=10.89))):
        used = np.array([5 * model.median])
        left = [float(model.quantiles(used, q)[0]) for q in (0.1, 0.5, 0.9)]
        assert 0 <= left[0] < left[1] < left[2] < math.inf


def test_the_state_survives_being_written_down() -> None:
    state = use([(0, 150, 20, 5000, 500), (10, 150, 20, 900_000, 500.1)])
    assert state.counters["volume_m3"].jump == 900_000
    assert from_json(to_json(state)) == state
