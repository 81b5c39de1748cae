"""An alarm of a part's failure mode shortens what is left of it as far as it can be believed."""

from __future__ import annotations

import numpy as np

from fleet.wear import Life
from predict.life import PlanLife
from predict.outlook import LEVELS, left_of
from predict.warned import FALSE_EVERY_H, Forewarning, forewarned

#: A part that is used in operating hours.
MODEL = PlanLife(Life(low=1_000, mid=1_500, high=2_200))
LEAD = (40.0, 160.0)
LOW, MIDDLE, HIGH = (int(np.argmin(np.abs(LEVELS - level))) for level in (0.1, 0.5, 0.9))
ONE = np.ones(1)


def told(used: float, hours_ago: float = 0.0, per_hour: float = 1.0) -> np.ndarray:
    left = left_of(MODEL, np.array([used])) * per_hour
    return forewarned(left, per_hour * ONE, [1], {1: Forewarning(hours_ago, LEAD)})[0]


def drawn(rng: np.random.Generator, n: int) -> np.ndarray:
    new = left_of(MODEL, np.zeros(1))[0]
    return np.interp(rng.uniform(size=n), np.r_[0, LEVELS, 1], np.r_[0, new, 2 * new[-1]])


def test_intervals_hold_on_parts_that_were_forewarned_truly_or_falsely() -> None:
    """Lives with a symptom a lead time before their end and false alarms at their rate; each part
    is asked about some hours after an alarm, if it stands still."""
    rng = np.random.default_rng(9)
    life = drawn(rng, 6_000)
    short, long = np.log(LEAD)
    lead = np.exp((short + long) / 2 + (long - short) / 2.5632 * rng.standard_normal(len(life)))
    false_at = rng.exponential(FALSE_EVERY_H, len(life))
    alarm = np.concatenate([life - lead, false_at])
    life = np.concatenate([life, life])
    now = alarm + rng.uniform(0.0, 60.0, len(life))
    kept = (alarm > 0) & (now < life)
    life, now, alarm = life[kept], now[kept], alarm[kept]
    before = left_of(MODEL, now)
    numbers = range(len(life))
    ago = {n: Forewarning(float(now[n] - alarm[n]), LEAD) for n in numbers}
    after = forewarned(before, np.ones(len(life)), list(numbers), ago)
    left = life - now
    inside = np.mean((after[:, LOW] <= left) & (left <= after[:, HIGH]))
    naive = np.mean((before[:, LOW] <= left) & (left <= before[:, HIGH]))
    assert 0.76 <= inside <= 0.84
    assert naive < 0.7
    off = np.median(np.abs(after[:, MIDDLE] - left)) / np.median(np.abs(before[:, MIDDLE] - left))
    assert off < 0.6


def test_on_a_young_part_an_alarm_is_hardly_believed() -> None:
    young, old = told(100.0), told(1_400.0)
    assert young[MIDDLE] > 0.9 * left_of(MODEL, np.array([100.0]))[0, MIDDLE]
    assert old[MIDDLE] < 0.5 * left_of(MODEL, np.array([1_400.0]))[0, MIDDLE]


def test_an_alarm_long_stood_through_says_nothing() -> None:
    before = left_of(MODEL, np.array([1_400.0]))[0]
    assert told(1_400.0, hours_ago=1_500.0)[MIDDLE] > 0.95 * before[MIDDLE]


def test_the_unit_of_the_part_changes_nothing() -> None:
    assert np.allclose(told(1_400.0, 20.0, per_hour=60.0) / 60.0, told(1_400.0, 20.0), rtol=1e-6)


def test_of_two_places_the_older_explains_the_alarm() -> None:
    before = left_of(MODEL, np.array([1_450.0, 200.0]))
    after = forewarned(before, np.ones(2), [7, 7], {7: Forewarning(0.0, LEAD)})
    assert after[0, MIDDLE] < 0.6 * before[0, MIDDLE]
    assert after[1, MIDDLE] > 0.9 * before[1, MIDDLE]


def test_without_an_alarm_nothing_changes() -> None:
    before = left_of(MODEL, np.array([1_450.0]))
    assert np.array_equal(forewarned(before, ONE, [-1], {}), before)
