"""The study of a simulated fleet: its intervals hold, and learning beats the plan."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from benchmarks.life_fleet.protocol import Found, study
from benchmarks.life_fleet.view import View
from fleet.loader import load_catalogue
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


def test_learning_beats_the_plan_alone_from_afar(found: Found) -> None:
    errors = {each.share: each for each in found.errors}
    assert errors[0.5].p50 < errors[0.5].plan
    assert errors[0.75].p50 < 0.7 * errors[0.75].plan
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
