"""The calendar of expected activity: lunar new year, climates, mean of the year."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from fleet.loader import load_catalogue
from fleet.season import LAST_YEAR, Season, activity, climate_of, spring_festival

PLANS = load_catalogue(Path(__file__).parents[2] / "products").plans


def test_the_lunar_year_begins_when_it_does() -> None:
    # Dates as printed in calendars.
    known = (date(2024, 2, 10), date(2025, 1, 29), date(2026, 2, 17), date(2033, 1, 31))
    for day in known:
        assert spring_festival(day.year) == day


def test_lunar_years_have_twelve_or_thirteen_months() -> None:
    days = [spring_festival(year) for year in range(2015, LAST_YEAR + 1)]
    known = [day for day in days if day is not None]
    assert len(known) == len(days)
    lengths = {(later - earlier).days for earlier, later in pairwise(known)}
    assert lengths <= {353, 354, 355, 383, 384, 385}
    assert spring_festival(2014) is None
    assert spring_festival(LAST_YEAR + 1) is None


@pytest.mark.parametrize("product", sorted(PLANS))
@pytest.mark.parametrize("climate", ["south", "north"])
def test_a_year_means_about_one(product: str, climate: str) -> None:
    level = activity(PLANS[product].season, "north" if climate == "north" else "south",
                     date(2026, 1, 1), 365)  # fmt: skip
    assert 0.9 < level.mean() < 1.05


def test_spring_festival_stops_the_sites_and_lets_them_come_back_slowly() -> None:
    level = activity(None, "south", date(2026, 2, 1), 59)
    day = {date(2026, 2, 1) + timedelta(days=n): each for n, each in enumerate(level.tolist())}
    assert day[date(2026, 2, 8)] > 0
    assert all(day[date(2026, 2, n)] == 0 for n in range(9, 27))
    assert 0 < day[date(2026, 3, 2)] < day[date(2026, 3, 9)]


def test_a_northern_paver_rests_in_winter() -> None:
    season = PLANS["asphalt_paver"].season
    january = date(2026, 1, 1)
    assert activity(season, "north", january, 31).sum() == 0
    assert activity(season, "south", january, 31).sum() > 10
    assert np.array_equal(activity(None, "north", january, 9), activity(None, "south", january, 9))


def test_climates_part_at_the_huaihe() -> None:
    places = {"Beijing": 39.9, "Xi'an": 34.27, "Hefei": 31.82, "Changsha": 28.2}
    assert [climate_of(lat) for lat in places.values()] == ["north", "north", "south", "south"]


def test_months_that_do_not_mean_one_are_refused() -> None:
    with pytest.raises(ValidationError, match="mean of"):
        Season(south=(2.0,) * 12, north=(1.0,) * 12)
