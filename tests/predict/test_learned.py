"""Remaining life learned from histories: right, causal, and with intervals that hold."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from predict.conformal import local_quantiles, residuals
from predict.features import Features, scale_of
from predict.histories import Histories, HistoryError, histories
from predict.indicator import learn_indicator
from predict.learned import LearnedLife, learn
from predict.regimes import learn_regimes
from predict.standard import learn_standard
from predict.trends import filled, rolling_mean, rolling_slope
from tests.predict.degrading import NAMES, cut, fleet


@cache
def model(regimes: bool = False) -> LearnedLife:
    return learn(fleet(1, 40, regimes=regimes))


@pytest.mark.parametrize("regimes", [False, True])
def test_cut_off_units_are_told_their_remaining_life(regimes: bool) -> None:
    seen, left = cut(fleet(2, 150, regimes=regimes), 3)
    answers = model(regimes).answer(seen)
    rmse = float(np.sqrt(np.mean((answers.mean - left) ** 2)))
    # Without looking at the signals: the standard deviation of what is left.
    assert rmse < 0.55 * left.std()
    worn = left < 150
    assert np.sqrt(np.mean((answers.mean - left)[worn] ** 2)) < 60
    assert (np.diff(answers.quantiles, axis=1) >= 0).all()
    inside = (answers.quantiles[:, 1] <= left) & (left <= answers.quantiles[:, 3])
    assert 0.7 <= inside.mean() <= 0.9
    wider = (answers.quantiles[:, 0] <= left) & (left <= answers.quantiles[:, 4])
    assert wider.mean() >= inside.mean()


def test_the_cap_limits_the_mean_and_not_the_interval() -> None:
    known = fleet(1, 40)
    capped = learn(known, cap=300.0)
    young = Histories(
        known.units, NAMES, tuple(r[:20] for r in known.rows), tuple(t[:20] for t in known.times)
    )
    answers = capped.answer(young)
    assert answers.mean.max() <= 300
    assert answers.mean.min() > 200
    assert (answers.quantiles[:, 3] > 300).all()


def test_nothing_of_the_future_enters_a_feature() -> None:
    known = fleet(4, 6)
    scale = scale_of(known)
    ready = learn_standard(known).apply(known)
    whole = Features(ready, known.times, scale)
    indicator = learn_indicator(whole.drift, known.remaining())
    for at in (0, 7, 33):
        short = Features([r[: at + 1] for r in ready], [t[: at + 1] for t in known.times], scale)
        for unit in range(6):
            row = np.array([at])
            assert short.of(unit, indicator, row) == pytest.approx(whole.of(unit, indicator, row))


def test_neither_number_nor_time_of_a_row_is_a_feature() -> None:
    seen, _ = cut(fleet(5, 20), 6)
    later = replace(seen, times=tuple(t + 1e6 for t in seen.times))
    assert model().answer(later).mean == pytest.approx(model().answer(seen).mean)


def test_means_and_slopes_against_slow_twins() -> None:
    rng = np.random.default_rng(7)
    rows, times = rng.normal(size=(40, 2)), np.cumsum(rng.uniform(0.1, 3, 40)) + 1e5
    for length in (2, 5, 100):
        mean, slope = rolling_mean(rows, length), rolling_slope(rows, times, length)
        for at in range(1, 40):
            window = slice(max(0, at - length + 1), at + 1)
            assert mean[at] == pytest.approx(rows[window].mean(axis=0))
            twin = np.polyfit(times[window] - times[at], rows[window], 1)[0]
            assert slope[at] == pytest.approx(twin, abs=1e-8)
        assert slope[0] == pytest.approx([0, 0])


def test_missing_values_are_the_value_before() -> None:
    nan = np.nan
    rows = np.array([[nan, 1.0], [2.0, nan], [nan, nan], [5.0, 3.0]])
    twin = np.array([[nan, 1.0], [2.0, 1.0], [2.0, 1.0], [5.0, 3.0]])
    np.testing.assert_array_equal(filled(rows), twin)


def test_gaps_one_row_and_columns_without_values_are_answered() -> None:
    rng = np.random.default_rng(8)
    known, (seen, left) = fleet(9, 40), cut(fleet(10, 60), 11)

    def holes(given: Histories) -> Histories:
        rows = tuple(np.where(rng.random(r.shape) < 0.3, np.nan, r) for r in given.rows)
        empty = tuple(np.column_stack([r, np.full(len(r), np.nan)]) for r in rows)
        return replace(given, rows=empty, names=(*NAMES, "empty"))

    answers = learn(holes(known)).answer(holes(seen))
    assert np.sqrt(np.mean((answers.mean - left) ** 2)) < 0.65 * left.std()
    one = replace(
        seen, rows=tuple(r[:1] for r in seen.rows), times=tuple(t[:1] for t in seen.times)
    )
    assert np.isfinite(model().answer(one).quantiles).all()


def test_what_cannot_be_learned_is_said() -> None:
    few = fleet(1, 4)
    with pytest.raises(HistoryError, match="hold 4 units"):
        learn(few)
    still = replace(fleet(1, 8), rows=tuple(np.ones_like(r) for r in fleet(1, 8).rows))
    with pytest.raises(HistoryError, match="No covariate varies"):
        learn(still)
    with pytest.raises(HistoryError, match="setting"):
        model().answer(replace(few, names=NAMES[:4], rows=tuple(r[:, :4] for r in few.rows)))
    with pytest.raises(HistoryError, match="has no time"):
        histories(["a"], ("x",), np.array([np.nan]), np.ones((1, 1)))


def test_regimes_are_found_where_there_are_some() -> None:
    found = learn_regimes(fleet(1, 20, regimes=True).rows)
    assert found is not None
    assert found.settings.tolist() == [4]
    assert len(found.values) == 3
    measured = found.apply(np.array([[0.0, 0.0, 0.0, 7.0, 9.0]]))
    assert np.isnan(measured).all()
    assert learn_regimes(fleet(1, 20).rows) is None


def test_two_settings_are_told_from_a_flag_that_moves_nothing() -> None:
    rng = np.random.default_rng(13)
    units = []
    for _ in range(10):
        first, second, flag = rng.integers(0, 3, 80), rng.integers(0, 2, 80), rng.integers(0, 2, 80)
        signal = 10.0 * first + 5.0 * second + rng.normal(size=80)
        units.append(np.column_stack([flag, first, signal, second]).astype(float))
    found = learn_regimes(units)
    assert found is not None
    assert sorted(found.settings.tolist()) == [1, 3]
    assert np.std(found.apply(units[0])[:, 2]) < 1.3


def test_local_quantiles_hold_near_and_far() -> None:
    rng = np.random.default_rng(12)
    unit = np.repeat(np.arange(400), 10)
    guess = rng.uniform(0, 100, 4000)
    spread = 1 + guess / 5
    known = residuals(guess, guess + spread * rng.normal(size=4000), unit)
    asked = rng.uniform(0, 100, 4000)
    fresh = asked + (1 + asked / 5) * rng.normal(size=4000)
    low, high = local_quantiles(known, asked, (0.1, 0.9), 0.1).T
    for part in (asked < 20, asked > 80):
        assert np.mean((low <= fresh) & (fresh <= high) & part) / part.mean() == pytest.approx(
            0.8, abs=0.05
        )
    assert np.mean((high - low)[asked > 80]) > 3 * np.mean((high - low)[asked < 20])
