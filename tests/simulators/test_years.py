"""A fleet's years day by day: use follows the season, lives end where their use is reached."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from fleet.loader import load_catalogue
from simulators.years import FleetYears, simulate_years

PLANS = load_catalogue(Path(__file__).parents[2] / "products").plans
START, DAYS = date(2023, 1, 1), 730


@pytest.fixture(scope="module")
def years() -> FleetYears:
    return simulate_years(PLANS, 40, DAYS, START, seed=5)


def test_one_seed_gives_the_same_years(years: FleetYears) -> None:
    again = simulate_years(PLANS, 3, DAYS, START, seed=5)
    own = [life for life in years.lives if life.machine < 3]
    assert list(again.lives) == own
    assert again.machines[2].use.keys() == years.machines[2].use.keys()
    other = simulate_years(PLANS, 3, DAYS, START, seed=6)
    assert list(other.lives) != own


def test_a_part_goes_when_its_use_is_reached(years: FleetYears) -> None:
    worn = [life for life in years.lives if life.reason in ("worn", "failed")]
    assert len(worn) > 500
    for life in worn[::5]:
        use = years.machines[life.machine].use[life.part]
        start = max(life.fitted_day, 0)
        assert life.removed_day is not None
        to_end = life.used_before + use[start : life.removed_day].sum()
        last_day = use[life.removed_day - 1]
        assert life.life - 1e-6 <= to_end <= life.life + last_day + 1e-6


def test_early_ones_go_before_their_life_is_over(years: FleetYears) -> None:
    early = [x for x in years.lives if x.reason == "early" and x.fitted_day >= 0]
    for life in early[::10]:
        use = years.machines[life.machine].use[life.part]
        used = use[life.fitted_day : life.removed_day].sum()
        assert used < life.life + use.max()


def test_the_north_rests_in_winter(years: FleetYears) -> None:
    months = np.array([(np.datetime64(START) + day).astype(object).month for day in range(DAYS)])
    pavers = [m for m in years.machines if m.spec.product == "asphalt_paver"]
    north = [m for m in pavers if m.spec.climate == "north"]
    assert north
    for machine in north:
        assert machine.hours[np.isin(months, (1, 2))].sum() == 0
        assert machine.hours[np.isin(months, (8, 9))].sum() > 0
