"""Condition narrows what is left of a life, and its intervals still hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from fleet.loader import load_catalogue
from fleet.wear import Condition, Life
from predict.as_shown import with_condition
from predict.condition import Shown, sharpened
from predict.life import PlanLife
from predict.outlook import LEVELS, left_of

LIFE = Life(low=10_000, mid=15_000, high=21_000)
MODEL = PlanLife(LIFE)
PUMP = load_catalogue(Path(__file__).parents[2] / "products").plans["trailer_pump"]
NOW = datetime(2026, 11, 22, tzinfo=UTC)
ASYMMETRY = Condition(
    shows="asym_pct", unit="%", regimes=("pump",), new=1.5, limit=12.0, shows_from=0.8
)
LOW, MIDDLE, HIGH = (int(np.argmin(np.abs(LEVELS - level))) for level in (0.1, 0.5, 0.9))


def lives(rng: np.random.Generator, n: int) -> np.ndarray:
    """Lives drawn from the model by its own quantiles."""
    new = left_of(MODEL, np.zeros(1))[0]
    return np.interp(rng.uniform(size=n), np.r_[0, LEVELS, 1], np.r_[0, new, 1.2 * new[-1]])


def degraded(
    rng: np.random.Generator, life: float, used: float, scatter: float = 0.06, days: int = 40
) -> Shown:
    """Daily values of a part on its way: own normal value, own course, own beginning."""
    at = np.linspace(max(0.0, used - 4_000), used, days)
    begins, power = rng.uniform(0.72, 0.88), rng.uniform(1.3, 2.5)
    grown = np.clip((at / life - begins) / (1 - begins), 0, 1.2) ** power
    own = 0.08 * rng.standard_normal()
    value = 1.5 + 10.5 * (grown + own + scatter * rng.standard_normal(days))
    return Shown(at, value)


@pytest.mark.parametrize("share", [0.5, 0.8, 0.93])
def test_intervals_narrow_and_hold_on_simulated_degradation(share: float) -> None:
    rng = np.random.default_rng(7)
    true = lives(rng, 300)
    used = share * true
    before = left_of(MODEL, used)
    shown = [degraded(rng, life, now) for life, now in zip(true, used, strict=True)]
    after = sharpened(ASYMMETRY, used, before, shown, np.arange(300))
    left = true - used
    held = np.mean((after[:, LOW] <= left) & (left <= after[:, HIGH]))
    width = (after[:, HIGH] - after[:, LOW]).mean() / (before[:, HIGH] - before[:, LOW]).mean()
    off = np.median(np.abs(after[:, MIDDLE] - left)) / np.median(np.abs(before[:, MIDDLE] - left))
    if share > 0.9:
        assert held >= 0.76
        assert width < 0.5
        assert off < 0.5
    assert width < 1.0
    assert (np.diff(after, axis=1) >= 0).all()


def test_over_all_ages_the_stated_share_is_inside() -> None:
    """Parts met at a random moment of their life, as they stand in a fleet."""
    rng = np.random.default_rng(8)
    true = lives(rng, 1200)
    met = rng.uniform(size=1200) < true / true.max()
    true = true[met]
    used = rng.uniform(0.02, 0.99, len(true)) * true
    before = left_of(MODEL, used)
    shown = [degraded(rng, life, now) for life, now in zip(true, used, strict=True)]
    after = sharpened(ASYMMETRY, used, before, shown, np.arange(len(true)))
    left = true - used
    held = np.mean((after[:, LOW] <= left) & (left <= after[:, HIGH]))
    held_before = np.mean((before[:, LOW] <= left) & (left <= before[:, HIGH]))
    assert 0.76 <= held_before <= 0.84
    assert 0.76 <= held <= 0.86
    narrower = np.mean(after[:, HIGH] - after[:, LOW]) / np.mean(before[:, HIGH] - before[:, LOW])
    assert narrower < 0.93


def test_a_sound_old_part_is_given_more_time() -> None:
    used = np.array([17_000.0])
    before = left_of(MODEL, used)
    quiet = Shown(np.linspace(14_000, 17_000, 30), np.full(30, 1.5) + 0.1 * np.sin(np.arange(30)))
    after = sharpened(ASYMMETRY, used, before, [quiet], np.zeros(1))
    assert after[0, LOW] > 1.5 * before[0, LOW]


def test_without_enough_days_nothing_changes() -> None:
    used = np.array([9_000.0, 9_000.0])
    before = left_of(MODEL, used)
    few = Shown(np.array([8_900.0, 9_000.0]), np.array([9.0, 11.0]))
    after = sharpened(ASYMMETRY, used, before, [few, None], np.arange(2))
    assert np.array_equal(after, before)


def test_of_two_pistons_the_older_one_is_believed_to_leak() -> None:
    used = np.array([14_000.0, 1_000.0])
    before = left_of(MODEL, used)
    rising = np.linspace(2.0, 9.0, 30)
    shown = [Shown(np.linspace(now - 900, now, 30), rising) for now in used]
    after = sharpened(ASYMMETRY, used, before, shown, np.zeros(2))
    assert after[0, MIDDLE] < 0.6 * before[0, MIDDLE]
    assert after[1, MIDDLE] > 0.8 * before[1, MIDDLE]


def test_what_a_replaced_neighbour_showed_is_not_held_against_the_one_that_stays() -> None:
    """Two pistons share one asymmetry; the left one leaked and was replaced."""
    part = next(p for p in PUMP.parts if p.id == "concrete_piston")
    new, old = NOW - timedelta(days=5), NOW - timedelta(days=300)
    leaked = 1.5 + np.concatenate([np.linspace(0.0, 9.0, 55), np.zeros(5)])
    days = [
        ((NOW - timedelta(days=ago)).date(), float(value + 0.1 * (ago % 3)), 70.0 * ago)
        for ago, value in zip(range(60, 0, -1), leaked, strict=True)
    ]
    used = np.array([300.0, 14_000.0])
    before = left_of(PlanLife(part.life), used)
    fitted = [{"machine_id": 1, "fitted_at": at} for at in (new, old)]
    after, told = with_condition(part, fitted, used, before, {(1, part.id): days})
    assert part.condition is not None
    since = [
        Shown(now - 70.0 * np.arange(4, 0, -1), np.array([1.5, 1.7, 1.6, 1.5])) for now in used
    ]
    for each, own in zip(told, since, strict=True):
        assert each is not None and each["days"] == 4 and each["value"] < 2
        own.value[:] = [value for _, value, _ in days[-4:]]
    assert np.allclose(after, sharpened(part.condition, used, before, since, np.zeros(2)))
