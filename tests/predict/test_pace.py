"""Pace and season: what is known of a machine, filled up with its peers, freed of the season."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pytest

from fleet.clock import MS_PER_DAY
from fleet.season import Season
from predict.busy import BACK_DAYS, busy, season_shown
from predict.pace import MACHINES_DIFFER, paces, peers_rate, rates
from predict.use_ahead import season_of

NOW = round(datetime(2026, 9, 1, tzinfo=UTC).timestamp() * 1000)
SEASON = Season(south=(0.5, 0.5, *(1.1,) * 10), north=(0.2, 0.2, *(1.16,) * 10))


def test_the_pace_is_the_same_after_a_quiet_and_after_a_busy_time() -> None:
    days = busy([(SEASON, "south", None)], NOW)
    one = np.zeros(1, dtype=np.int64)
    found = []
    for back in ((300, 240), (120, 60)):
        at = np.array([NOW - each * MS_PER_DAY for each in back])
        reached = days.until(one, at[None, :].astype(float))[0]
        used = 70.0 * (reached - reached[0])
        speed = paces(days, [at], [used[:, None]], NOW)
        found.append(float(speed.used[0, 0] / speed.active[0]))
    assert found == pytest.approx([70.0, 70.0])


def test_what_is_recent_counts_more() -> None:
    days = busy([(None, "south", None)], NOW)
    at = np.array([NOW - each * MS_PER_DAY for each in (200, 100, 0)])
    one = np.zeros(1, dtype=np.int64)
    reached = days.until(one, at[None, :].astype(float))[0]
    used = np.concatenate([[0.0], np.cumsum(np.diff(reached) * np.array([50.0, 100.0]))])
    speed = paces(days, [at], [used[:, None]], NOW)
    assert 75.0 < speed.used[0, 0] / speed.active[0] < 95.0


def test_little_history_is_filled_up_with_peers() -> None:
    own = np.array([100.0 * 200, 100.0 * 2, np.nan])
    active, evidence = np.array([200.0, 2.0, 0.0]), np.array([200.0, 2.0, 0.0])
    rate, doubt = rates(own, active, evidence, peers=50.0)
    assert rate[0] == pytest.approx(100.0, rel=0.1)
    assert 50.0 < rate[1] < 65.0
    assert rate[2] == 50.0
    assert (np.diff(doubt) > 0).all()
    assert doubt[2] == pytest.approx(MACHINES_DIFFER**2)


def test_without_peers_the_own_pace_stands() -> None:
    rate, _ = rates(np.array([30.0]), np.array([3.0]), np.array([3.0]), float("nan"))
    assert rate[0] == 10.0
    unknown, _ = rates(np.array([np.nan]), np.zeros(1), np.zeros(1), float("nan"))
    assert unknown[0] == 0.0
    assert np.isnan(peers_rate(np.array([np.nan]), np.zeros(1)))


def test_one_moment_says_nothing() -> None:
    days = busy([(None, "south", None)], NOW)
    speed = paces(days, [np.array([NOW])], [np.ones((1, 2))], NOW)
    assert np.isnan(speed.used).all()
    assert speed.active[0] == 0


def test_many_machines_show_their_season_and_one_moves_little() -> None:
    truth = np.ones(12)
    truth[6] = 0.5
    expected = np.full(12, 30.0)
    months = np.arange(12)

    def seen(machines: int) -> np.ndarray:
        owner = np.repeat(np.arange(machines), 12)
        level = 1.0 + owner / machines
        hours = level * np.tile(8 * expected * truth, machines)
        return season_shown(owner, np.tile(months, machines), hours, np.tile(expected, machines))

    many, one = seen(60), seen(1)
    assert many[6] / many[5] == pytest.approx(0.5, abs=0.05)
    assert 0.8 < one[6] / one[5] < 0.97


def test_months_without_a_neighbour_say_nothing() -> None:
    rows = [
        {"month": date(2026, 1, 1), "hours": 0.0},
        {"month": date(2026, 4, 1), "hours": 400.0},
        {"month": date(2026, 5, 1), "hours": 600.0},
    ]
    shown = season_of(None, "south", [rows])
    assert shown == pytest.approx(np.ones(12), abs=0.2)


def test_activity_is_kept_for_the_whole_view() -> None:
    days = busy([(SEASON, "north", None), (SEASON, "south", np.full(12, 2.0))], NOW)
    assert (np.diff(days.total, axis=1) > 0).all()
    first = np.array([[float(days.first_ms)]])
    assert days.until(np.zeros(1, dtype=np.int64), first)[0, 0] == 0
    assert NOW - days.first_ms == BACK_DAYS * MS_PER_DAY
