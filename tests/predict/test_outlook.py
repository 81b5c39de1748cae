"""Life met with coming use: chances and dates agree with drawing both many times."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.clock import MS_PER_DAY
from fleet.season import Season
from fleet.wear import Life
from predict.busy import Busy, busy
from predict.life import PlanLife
from predict.outlook import DAYS, LEVELS, left_of, month_ends, outlook, share_below
from predict.pace import DAYS_DIFFER, Ahead, by_calendar

LIFE = PlanLife(Life(low=10_000, mid=15_000, high=22_000))
NOW = round(datetime(2026, 3, 20, tzinfo=UTC).timestamp() * 1000)


def flat() -> Busy:
    """One day of activity every day."""
    return Busy(NOW, np.arange(1200.0)[None, :])


def test_chances_are_those_of_lives_and_uses_drawn() -> None:
    rng = np.random.default_rng(5)
    used, rate, doubt = np.array([6_000.0]), np.array([80.0]), np.array([0.04])
    ahead = Ahead(rate, doubt, np.zeros(1, dtype=np.int64), flat(), NOW)
    seen = outlook(left_of(LIFE, used), ahead)
    n = 200_000
    shares = rng.uniform(size=n)
    left = np.interp(shares, np.r_[0, LEVELS, 1], np.r_[0, seen.left[0], 2 * seen.left[0, -1]])
    for days in (30.0, 90.0, 180.0):
        sigma = np.sqrt(doubt[0] + DAYS_DIFFER / days)
        use = 80.0 * days * np.exp(sigma * rng.standard_normal(n))
        drawn = float(np.mean(left <= use))
        assert seen.within(np.array([days]))[0, 0] == pytest.approx(drawn, abs=0.02)


def test_with_sure_use_the_chances_are_the_life_model_s() -> None:
    used = np.array([0.0, 9_000.0, 16_000.0])
    ahead = by_calendar(50.0, 3, flat(), NOW)
    seen = outlook(left_of(LIFE, used), ahead)
    for days in (20.0, 100.0, 300.0):
        exact = LIFE.fail_within(used, np.full(3, 50.0 * days))
        assert seen.within(np.array([days]))[:, 0] == pytest.approx(exact, abs=0.02)
    for level in (0.1, 0.5, 0.9):
        assert seen.day_at(level) * 50.0 == pytest.approx(LIFE.quantiles(used, level), rel=0.03)


def test_whichever_comes_first_use_or_age() -> None:
    used = np.array([0.0, 0.0, 14_500.0])
    ahead = by_calendar(50.0, 3, flat(), NOW)
    left = left_of(LIFE, used)
    seen, by_use = outlook(left, ahead, np.array([np.inf, 40.0, 40.0])), outlook(left, ahead)
    for level in (0.1, 0.5, 0.9):
        due = seen.day_at(level)
        assert due[0] == by_use.day_at(level)[0]
        assert due[1] == 40.0
        assert due[2] == min(by_use.day_at(level)[2], 40.0)
    chance = seen.within(np.array([39.0, 40.0, 400.0]))
    assert chance[1].tolist() == [by_use.within(np.array([39.0]))[1, 0], 1.0, 1.0]
    assert 0 < chance[2, 0] < 1 == chance[2, 1]
    overdue = outlook(left, ahead, np.zeros(3))
    assert (overdue.day_at(0.5) == 0).all()


def test_beyond_the_horizon_there_is_no_date() -> None:
    seen = outlook(left_of(LIFE, np.zeros(2)), by_calendar(1.0, 2, flat(), NOW))
    assert np.isinf(seen.day_at(0.5)).all()
    idle = outlook(left_of(LIFE, np.zeros(2)), by_calendar(0.0, 2, flat(), NOW))
    assert (idle.chance == 0).all()


@settings(max_examples=30, deadline=None)
@given(
    used=st.lists(st.floats(0, 40_000), min_size=1, max_size=4),
    rate=st.floats(0.1, 500),
    doubt=st.floats(0, 0.3),
)
def test_chances_rise_and_dates_are_in_order(used: list[float], rate: float, doubt: float) -> None:
    n = len(used)
    ahead = Ahead(np.full(n, rate), np.full(n, doubt), np.zeros(n, dtype=np.int64), flat(), NOW)
    seen = outlook(left_of(LIFE, np.array(used)), ahead)
    assert (np.diff(seen.chance, axis=1) >= 0).all()
    assert ((seen.chance >= 0) & (seen.chance <= 1 + 1e-12)).all()
    early, middle, late = (seen.day_at(level) for level in (0.1, 0.5, 0.9))
    assert (early <= middle).all()
    assert (middle <= late).all()


def test_rows_of_different_size_do_not_mix() -> None:
    left = np.vstack([LEVELS * 1e6, LEVELS * 10, np.zeros(len(LEVELS))])
    use = np.array([[5e5, 2e6], [5.0, 20.0], [0.0, 1.0]])
    found = share_below(left, use)
    assert found[:, 0] == pytest.approx([0.5, 0.5, 1.0], abs=0.01)
    assert found[:, 1] == pytest.approx([1.0, 1.0, 1.0], abs=0.002)


def test_a_winter_stop_moves_the_date_to_spring() -> None:
    autumn = round(datetime(2026, 11, 20, tzinfo=UTC).timestamp() * 1000)
    winter = (0.0, 0.0, 0.2, 1.0, 1.55, 1.6, 1.6, 1.7, 1.9, 1.6, 0.6, 0.25)

    days = busy([(Season(south=(1.0,) * 12, north=winter), "north", None)], autumn)
    ahead = Ahead(np.array([100.0]), np.zeros(1), np.zeros(1, dtype=np.int64), days, autumn)
    # Forty days of mean activity are left.
    reached = ahead.days_until(4_000.0)
    assert reached is not None
    worn = datetime.fromtimestamp(autumn / 1000 + reached * MS_PER_DAY / 1000, UTC)
    assert (worn.year, worn.month) == (2027, 4)


def test_months_end_where_the_calendar_s_do() -> None:
    ends = month_ends(NOW)
    assert ends[:3].tolist() == [12.0, 42.0, 73.0]
    assert len(ends) == 13
    assert ends[-1] < DAYS[-1]
