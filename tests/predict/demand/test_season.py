"""A season is believed as far as it repeats."""

from __future__ import annotations

import numpy as np
import pytest

from predict.demand.season import factors, season
from predict.demand.simple import Steps
from tests.predict.demand.fleets import fleet


def test_a_season_that_repeats_is_found() -> None:
    counts, _ = fleet(parts=2000, months=60, wave=0.5)
    assert season(counts) == pytest.approx(0.5 * np.cos(2 * np.pi * np.arange(12) / 12), abs=0.12)


def test_scatter_is_no_season() -> None:
    found = [np.abs(season(fleet(months=48, seed=seed)[0])).max() for seed in range(10)]
    counts, _ = fleet(months=48, wave=0.5)
    assert np.median(found) < 0.25 * np.abs(season(counts)).max()


def test_two_years_are_too_few_to_tell() -> None:
    assert (season(fleet(months=35, wave=0.8)[0]) == 0).all()


def test_months_ahead_follow_the_calendar() -> None:
    index = np.arange(12.0)
    # Thirteen months known: the last was month 0 of the second year.
    assert factors(index, 13, Steps(1, 3)).tolist() == [1, 2, 3]
    assert factors(index, 12, Steps(12, 13)).tolist() == [11, 0]
