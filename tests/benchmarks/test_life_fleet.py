"""The study of a simulated fleet: its intervals hold, and learning beats the plan."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from benchmarks.life_fleet.chance import held, inside_by_belief, inside_by_chance
from benchmarks.life_fleet.exact import ExactLife
from benchmarks.life_fleet.protocol import SHARES, Found, study
from benchmarks.life_fleet.view import View
from fleet.loader import load_catalogue
from fleet.wear import Life
from predict.families import WEIBULL
from predict.fleet_life import Belief, BelievedLife
from simulators.wear import draw_life
from simulators.years import simulate_years

PLANS = load_catalogue(Path(__file__).parents[2] / "products").plans
PUMPS = {"concrete_boom_pump": PLANS["concrete_boom_pump"]}


@pytest.fixture(scope="module")
def view() -> View:
    return View(simulate_years(PUMPS, 60, 6 * 365, date(2023, 1, 1), seed=77), PUMPS)


@pytest.fixture(scope="module")
def found(view: View) -> Found:
    return study(view, 730, 1095, lambda done: None)


def test_intervals_hold_on_parts_not_learned_from(found: Found) -> None:
    assert sum(kind.judged for kind in found.kinds) > 2000
    assert 0.74 <= found.in_use <= 0.86
    assert 0.74 <= found.in_dates <= 0.86
    assert found.plan_in_use < found.in_use
    assert found.plan_in_use < found.doubted_in_use
    assert 0.78 <= found.exact_in_use <= 0.82


def test_signs_narrow_the_intervals_of_the_parts_they_are_about_and_these_hold(
    found: Found,
) -> None:
    signs = {each.sign: each for each in found.signs}
    assert signs["wear shows"].judged > 300
    assert signs["wear shows"].width < 0.85
    assert signs["wear shows"].off < 0.85 * signs["wear shows"].off_before
    for sign in ("wear shows", "alarm"):
        assert signs[sign].off < signs[sign].off_before
        assert signs[sign].inside > signs[sign].inside_before
    for each in signs.values():
        assert 0.72 <= each.inside <= 0.88


@pytest.mark.parametrize("shape", [None, 3.0])
def test_exact_knowledge_is_that_of_the_simulated_lives(shape: float | None) -> None:
    life = Life(low=600, mid=1_000, high=1_700, shape=shape)
    rng = np.random.default_rng(3)
    lives = 1.3 * np.array([draw_life(life, rng) for _ in range(8_000)])
    exact = ExactLife(life, np.array([1.3]))
    for used in (0.0, 900.0):
        left = lives[lives > used] - used
        for level in (0.1, 0.5, 0.9):
            said = exact.left(np.array([used]), level)[0]
            assert np.mean(left < said) == pytest.approx(level, abs=0.02)


def test_so_many_kinds_hold_by_chance_alone() -> None:
    rng = np.random.default_rng(4)
    shares = rng.binomial(100, 0.8, 20_000) / 100
    assert inside_by_chance(100, 0.8) == pytest.approx(held(shares) / 20_000, abs=0.01)
    sure = BelievedLife(Belief(WEIBULL, np.log(1_000.0), np.log(0.25), np.zeros((2, 2))), "", 0)
    used = np.full(100, 500.0)
    ends = (sure.quantiles(used, 0.1), sure.quantiles(used, 0.9))
    assert inside_by_belief(sure, used, *ends) == pytest.approx(inside_by_chance(100, 0.8))
    unsure = BelievedLife(Belief(WEIBULL, np.log(1_000.0), np.log(0.25), 0.02 * np.eye(2)), "", 0)
    ends = (unsure.quantiles(used, 0.1), unsure.quantiles(used, 0.9))
    assert inside_by_belief(unsure, used, *ends) < 0.7 * inside_by_chance(100, 0.8)


def test_learning_beats_the_plan_alone_from_afar(found: Found) -> None:
    errors = {(each.share, each.of): each for each in found.errors}
    for share in SHARES:
        assert errors[share, "the plan's"].p50 < errors[share, "the plan's"].plan
    assert errors[0.5, "its own"].p50 < errors[0.5, "its own"].plan
    assert errors[0.75, "its own"].p50 < 0.7 * errors[0.75, "its own"].plan
    assert found.days_off < found.plan_days_off


def test_the_view_of_a_day_knows_nothing_of_the_next(view: View) -> None:
    for seen in view.kinds(400).values():
        for each in seen[:20]:
            assert each.life.fitted_day <= 400
            removed = each.life.removed_day
            assert (each.row["removed_at"] is None) == (removed is None or removed > 400)
    ahead, later = view.use_ahead("concrete_boom_pump", 400), view.use_ahead(
        "concrete_boom_pump", 420)  # fmt: skip
    assert not np.array_equal(ahead.paces.used, later.paces.used)
