"""Lives learned by the fleet: pooled towards the plan, honest where little is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from fleet.wear import Life
from predict.families import LOGNORMAL
from predict.fleet_life import (
    PLAN_SPREAD_SD,
    PLAN_WORTH,
    FleetLife,
    doubted_plan,
    learned_fit,
    learned_life,
)
from predict.life import LifeModel, PlanLife, plan_spread
from predict.life_checks import check_life
from predict.lifedata import LifeDataError, lives
from predict.lifefit import LifeFit, TooFew, fit_lives

NEW = np.array([0.0])
PLAN = Life(low=8_000, mid=11_000, high=15_000)
FAR = Life(low=30_000, mid=40_000, high=50_000)


def learned(ends: np.ndarray, plan: Life = PLAN) -> FleetLife:
    model = learned_life(lives(ends, np.ones(len(ends), dtype=bool)), plan)
    assert isinstance(model, FleetLife)
    return model


def span(model: LifeModel) -> float:
    """log of P90 over P10 of a new part."""
    return math.log(model.quantiles(NEW, 0.9)[0] / model.quantiles(NEW, 0.1)[0])


def test_with_too_few_failures_the_plan_stands() -> None:
    data = lives([5_000.0, 9_000.0, 9_500.0], [False, True, True])
    assert learned_fit(data, PLAN) == TooFew(failures=2, total=3, needed=3)
    model = learned_life(data, PLAN)
    assert (model.method, model.sample_size) == ("plan", 0)
    assert model.median == pytest.approx(PLAN.mid, rel=0.01)


def test_the_plan_s_interval_holds_although_plans_err() -> None:
    """Every kind of part lies as far from its plan as plans are doubted; its parts are few."""
    rng = np.random.default_rng(5)
    sigma = plan_spread(PLAN, LOGNORMAL)
    doubted, bare = doubted_plan(PLAN), PlanLife(PLAN)
    off = np.repeat(sigma / math.sqrt(PLAN_WORTH) * rng.standard_normal(400), 20)
    spread = np.repeat(sigma * np.exp(PLAN_SPREAD_SD * rng.standard_normal(400)), 20)
    ends = PLAN.mid * np.exp(off + spread * rng.standard_normal(8_000))

    def inside(model: LifeModel) -> float:
        low, high = (model.quantiles(NEW, q)[0] for q in (0.1, 0.9))
        return float(np.mean((low <= ends) & (ends <= high)))

    assert 0.78 <= inside(doubted) <= 0.84
    assert inside(bare) < 0.74
    assert span(doubted) > span(learned(np.full(3, float(PLAN.mid)) * [0.9, 1.0, 1.1]))


def test_three_short_lives_move_the_plan_and_are_not_over_believed() -> None:
    few, many = np.array([5_500.0, 6_000.0, 6_600.0]), np.tile([5_500.0, 6_000.0, 6_600.0], 40)
    three, hundred = learned(few), learned(many)
    assert (three.method, three.sample_size) == ("fleet", 3)
    assert hundred.median == pytest.approx(6_000, rel=0.05)
    assert hundred.median < three.median < PLAN.mid
    assert span(three) > 1.5 * span(hundred)
    assert span(three) > math.log(6_600 / 5_500)


def test_parts_that_were_never_seen_in_use_teach_nothing() -> None:
    """Replaced where they came into view: the counter that uses them is not there."""
    used = np.array([5_500.0, 6_000.0, 6_600.0])
    seen = lives(used, np.ones(3, dtype=bool))
    unseen = lives(
        np.concatenate([used, [24.0, 90.0, 200.0]]),
        np.ones(6, dtype=bool),
        start=[0.0, 0.0, 0.0, 24.0, 90.0, 200.0],
    )
    assert unseen.failures == unseen.total == 3
    assert learned_life(unseen, PLAN).median == learned_life(seen, PLAN).median


def test_with_many_lives_the_answer_is_maximum_likelihood_s() -> None:
    rng = np.random.default_rng(2)
    ends = 6_000 * rng.weibull(4, 5_000)
    model = learned(ends)
    for q in (0.1, 0.5, 0.9):
        assert model.quantiles(NEW, q)[0] == pytest.approx(np.quantile(ends, q), rel=0.03)
    used = np.full(1, 5_000.0)
    left = ends[ends > 5_000] - 5_000
    assert model.quantiles(used, 0.5)[0] == pytest.approx(np.median(left), rel=0.06)
    assert model.fail_within(used, np.array([1_000.0]))[0] == pytest.approx(
        np.mean(left < 1_000), abs=0.03
    )


def test_a_few_lives_are_predicted_with_intervals_that_hold() -> None:
    """New parts of kinds whose plans are off by a fifth or so; four lives seen of each."""
    rng = np.random.default_rng(3)
    held, plan_held, trials = 0, 0, 300
    for _ in range(trials):
        median = PLAN.mid * math.exp(rng.normal(0, 0.2))
        draw = stats.lognorm(0.25, scale=median)
        model = learned(draw.rvs(4, random_state=rng))
        new = float(draw.rvs(random_state=rng))
        held += model.quantiles(NEW, 0.1)[0] <= new <= model.quantiles(NEW, 0.9)[0]
        plan_held += PLAN.low <= new <= PLAN.high
    assert 0.76 <= held / trials <= 0.86
    assert plan_held / trials < held / trials


def test_quantiles_and_chances_agree_at_any_age() -> None:
    model = learned(np.array([9_000.0, 12_000.0, 12_500.0]))
    used = np.array([0.0, 3_000.0, 12_000.0, 60_000.0])
    for q in (0.01, 0.1, 0.5, 0.9, 0.99):
        left = model.quantiles(used, q)
        assert np.all(np.isfinite(left) & (left >= 0))
        assert model.fail_within(used, left) == pytest.approx(np.full(4, q), abs=1e-6)
    assert model.median == pytest.approx(model.quantiles(NEW, 0.5)[0])


def test_a_stated_shape_keeps_the_family() -> None:
    rng = np.random.default_rng(4)
    ends = 236 * np.exp(0.4 * rng.normal(size=50))
    model = learned(ends, Life(low=198, mid=236, high=263, shape=10.89))
    assert model.fit.family.name == "weibull"


def verdicts(ends: np.ndarray, failed: np.ndarray | None = None) -> dict[str, bool]:
    data = lives(ends, np.ones(len(ends), dtype=bool) if failed is None else failed)
    model = learned_life(data, PLAN)
    assert isinstance(model, FleetLife)
    return {check.name: check.passed for check in check_life(model.fit, PLAN)}


def test_checks_say_what_is_wrong_and_only_that() -> None:
    rng = np.random.default_rng(6)
    good = verdicts(11_700 * rng.weibull(4.5, 200))
    assert good == {"enough": True, "wear_out": True, "curve": True, "plan": True}
    early = verdicts(90_000 * rng.weibull(0.5, 300))
    assert early["wear_out"] is False
    assert early["plan"] is False
    mixed = verdicts(np.concatenate([800 * rng.weibull(5, 100), 11_000 * rng.weibull(9, 200)]))
    assert mixed["curve"] is False
    few = verdicts(np.array([4_000.0, 4_500.0, 4_600.0, *([5_000.0] * 30)]), np.arange(33) < 3)
    assert few["enough"] is False
    assert few["within_view"] is False


def test_kinds_that_tell_failures_apart_leave_the_other_checks() -> None:
    """A model of which none has failed yet: without the plan's word its factor has no maximum."""
    rng = np.random.default_rng(3)
    ends = np.concatenate([11_700 * rng.weibull(3.0, 12), np.full(6, 14_000.0)])
    failed = np.arange(18) < 12
    kinds = (~failed).astype(np.float64)[:, None]
    data = lives(ends, failed, covariates=kinds, names=("model:B",))
    with pytest.raises(LifeDataError):
        fit_lives(data, LOGNORMAL)
    fit = learned_fit(data, PLAN)
    assert isinstance(fit, LifeFit)
    found = {check.name: check for check in check_life(fit, PLAN)}
    assert "curve" in found and "family" not in found
    assert found["plan"].passed, "of all kinds together something can be said"
    assert not {c.name: c for c in check_life(fit, FAR)}["plan"].passed
