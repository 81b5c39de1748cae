"""How signals move together: what is seen, what is learned again, what is told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fleet.batch import FloatColumn
from rules.detectors import (
    Judged,
    Threshold,
    TooLittleToLearn,
    begin,
    fit_joint,
    judge_columns,
    relearn,
    watch,
)
from rules.detectors.joint import JointSettings, distances, smoothed, with_expected
from tests.rules.detectors.made import SIGNALS, healthy, leaking

DETECTOR = fit_joint(SIGNALS, healthy(400, 1))


def _judged(rows: FloatColumn) -> Judged:
    threshold = Threshold()
    return watch(DETECTOR, threshold, begin(DETECTOR, threshold), rows)[1]


def test_a_broken_relation_is_seen_while_every_value_is_in_its_range() -> None:
    rows = leaking(healthy(300, 3), 150)
    training = healthy(400, 1)
    assert rows[:, 2].min() > training[:, 2].min() - 10
    judged = _judged(rows)
    assert judged.verdict[180:].all()
    assert SIGNALS[int(judged.shares[200].argmax())] == "flow_l_min"


def test_other_loads_are_no_fault() -> None:
    idle = healthy(400, 4)
    load = 12 + np.random.default_rng(5).normal(0, 1, 400)
    idle[:, 1] += 2.0 * (load - idle[:, 0])
    idle[:, 2] -= 0.5 * (load - idle[:, 0])
    idle[:, 0] = load
    assert _judged(idle).verdict.mean() < 0.02


def test_slow_ageing_is_followed() -> None:
    rows = healthy(4000, 6)
    rows[:, 3] += np.linspace(0, 0.8, 4000)
    assert not _judged(rows).verdict.any()
    assert _judged(rows[-300:]).verdict.any()


def test_a_machine_that_comes_back_elsewhere_is_learned_again() -> None:
    rows = healthy(700, 7)
    rows[100:300, 3] += 20.0
    rows[300:, 3] += 4.0
    judged = _judged(rows)
    assert judged.verdict[140:300].all()
    assert judged.verdict[300:400].mean() < 0.3
    assert not judged.verdict[400:].any()
    rows[550:, 3] += 8.0
    assert _judged(rows).verdict[600:].all()


def test_the_place_of_training_is_never_forgotten() -> None:
    state = DETECTOR.begin()
    for offset in (5.0, 6.0, 7.0, 8.0):
        moved = replace(state, now=DETECTOR.centre + offset)
        state = DETECTOR.adopt(moved, first=True)
    assert len(state.places) == DETECTOR.settings.places
    assert np.array_equal(state.places[0], DETECTOR.centre)
    assert np.allclose(state.places[-1], DETECTOR.centre + 8.0)


def test_one_wild_value_is_no_alarm() -> None:
    rows = healthy(300, 8)
    rows[100, 1] = 65535.0
    assert not _judged(rows).verdict.any()
    rows[101:, 1] = 65535.0
    assert _judged(rows).verdict[105:].all()


def test_a_finding_says_what_was_seen_and_what_the_other_signals_let_expect() -> None:
    state = DETECTOR.begin()
    for row in leaking(healthy(200, 9), 0):
        state = DETECTOR.observe(state, row)
    told = DETECTOR.explain(state)
    assert told[0].signal == "flow_l_min"
    assert 5.0 < told[0].expected - told[0].seen < 11.0
    assert sum(each.share for each in told) == pytest.approx(1)
    assert [each.share for each in told] == sorted((each.share for each in told), reverse=True)


def test_after_a_repair_what_comes_next_is_learned() -> None:
    threshold = Threshold()
    carried, _ = watch(DETECTOR, threshold, begin(DETECTOR, threshold), healthy(200, 3))
    rows = healthy(400, 7)
    rows[:, 3] += 4.0
    assert watch(DETECTOR, threshold, carried, rows)[1].verdict.any()
    judged = watch(DETECTOR, threshold, relearn(threshold, carried), rows)[1]
    assert not judged.verdict.any()


def test_a_signal_that_never_changed_is_not_judged() -> None:
    training = np.column_stack((healthy(200, 1), np.full(200, 7.0), np.full(200, np.nan)))
    detector = fit_joint((*SIGNALS, "fixed", "absent"), training)
    assert detector.kept.tolist() == [True] * 4 + [False] * 2
    threshold = Threshold()
    rows = np.column_stack((healthy(200, 2), np.full(200, 9.0), np.zeros(200)))
    judged = watch(detector, threshold, begin(detector, threshold), rows)[1]
    assert not judged.verdict.any()
    assert not judged.shares[:, 4:].any()


def _faulty_share(training: FloatColumn, rows: FloatColumn) -> float:
    """The share of rows after `training` with an alarm."""
    parts = judge_columns(SIGNALS, np.vstack((training, rows)), len(training))
    return float(np.concatenate([part.verdict for part in parts])[40:].mean())


def _without(rows: FloatColumn, column: int, gap: slice) -> FloatColumn:
    rows = rows.copy()
    rows[gap, column] = np.nan
    return rows


@pytest.mark.parametrize("gap", [slice(0, 70), slice(150, 220), slice(330, 400)], ids=str)
def test_a_gap_in_the_training_rows_neither_blinds_nor_alarms(gap: slice) -> None:
    training = _without(healthy(400, 1), 2, gap)
    assert _faulty_share(training, leaking(healthy(200, 3), 0)) > 0.95
    assert _faulty_share(training, healthy(200, 3)) == 0


def test_a_signal_that_stays_away_is_no_alarm_and_hides_none_of_the_others() -> None:
    training, rows = healthy(400, 1), healthy(300, 3)
    assert _faulty_share(training, _without(rows, 1, slice(50, 300))) == 0
    assert _faulty_share(training, _without(leaking(rows, 0), 1, slice(0, 300))) > 0.95
    back = _without(leaking(rows, 150), 2, slice(20, 150))
    verdict = _judged(back).verdict
    assert not verdict[:150].any() and verdict[160:].all()


def test_a_signal_that_comes_seldom_is_known_in_between() -> None:
    training, rows = healthy(400, 1), healthy(300, 3)
    for one in (training, rows):
        one[np.arange(len(one)) % 20 != 0, 3] = np.nan  # the oil's temperature, every 20 rows
    faulty = rows.copy()
    faulty[:, 3] += 20
    assert _faulty_share(training, rows) == 0
    assert _faulty_share(training, faulty) > 0.95


def test_where_nothing_is_told_the_last_answer_stands() -> None:
    rows = leaking(healthy(300, 3), 100)
    rows[200:] = np.nan
    assert _judged(rows).verdict[130:].all()


def test_what_is_unknown_is_what_the_known_let_one_expect() -> None:
    covariance = np.array([[4.0, 1.8, 0.2], [1.8, 1.0, 0.1], [0.2, 0.1, 2.0]])
    away = np.array([[1.0, np.nan, 0.5], [np.nan] * 3, [1.0, 2.0, 3.0]])
    filled = with_expected(away, np.linalg.inv(covariance))
    known = covariance[np.ix_([0, 2], [0, 2])]
    assert filled[0, 1] == pytest.approx(covariance[1, [0, 2]] @ np.linalg.solve(known, [1.0, 0.5]))
    assert filled[1].tolist() == [0, 0, 0] and filled[2].tolist() == [1, 2, 3]
    pattern, _ = distances(away[:1], np.linalg.inv(covariance), np.ones(3))
    alone, _ = distances(np.array([[1.0, 0.5]]), np.linalg.inv(known), np.ones(2))
    assert pattern == pytest.approx(alone)


def test_too_little_to_learn_from_is_said() -> None:
    with pytest.raises(TooLittleToLearn, match="12 training rows are too few"):
        fit_joint(SIGNALS, healthy(12, 1))
    with pytest.raises(TooLittleToLearn, match="None of the columns a, b changes"):
        fit_joint(("a", "b"), np.ones((100, 2)))


def test_a_short_fault_within_the_training_rows_sets_no_limit() -> None:
    training = healthy(800, 1)
    clean = fit_joint(SIGNALS, training)
    training[300:340, 3] += 6.0
    spoilt = fit_joint(SIGNALS, training)
    assert spoilt.single < 1.1 * clean.single
    assert spoilt.pattern < 1.1 * clean.pattern


def test_units_do_not_matter() -> None:
    training, rows = healthy(400, 1), leaking(healthy(300, 3), 150)
    factors, offsets = np.array([1e-3, 1e5, 1.0, 1.8]), np.array([0.0, -4.0, 1e4, 32.0])
    other = fit_joint(SIGNALS, training * factors + offsets)
    threshold = Threshold()
    judged = watch(other, threshold, begin(other, threshold), rows * factors + offsets)[1]
    assert np.allclose(judged.score, _judged(rows).score, rtol=1e-6)


def test_columns_are_judged_like_a_watch_that_settled_on_the_training_rows() -> None:
    values = np.vstack((healthy(400, 1), leaking(healthy(700, 3), 150)))
    parts = list(judge_columns(SIGNALS, values, 400))
    verdict = np.concatenate([part.verdict for part in parts])
    assert len(parts) > 1 and len(verdict) == 700
    threshold = Threshold()
    carried, _ = watch(DETECTOR, threshold, begin(DETECTOR, threshold), values[370:400])
    assert np.array_equal(verdict, watch(DETECTOR, threshold, carried, values[400:])[1].verdict)


def test_smoothing_holds_over_what_is_missing() -> None:
    scaled = np.array([[np.nan, 1.0], [2.0, np.nan], [2.0, 4.0]])
    assert np.allclose(
        smoothed(scaled, JointSettings(span=3)), [[np.nan, 1], [2, 1], [2, 2.5]], equal_nan=True
    )


def test_distances_of_independent_signals() -> None:
    pattern, single = distances(np.array([[3.0, 4.0]]), np.eye(2), np.array([1.0, 2.0]))
    assert pattern[0] == pytest.approx(np.sqrt(25 / 2))
    assert single[0] == 3.0
