"""One suite over all detectors: what each must keep, whatever it looks at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.batch import FloatColumn
from rules.detectors import Detector, Score, Threshold, begin, fit_joint, watch
from rules.detectors.sensor import SENSOR_THRESHOLD, OutOfRange, Stuck, UnitJump
from tests.rules.detectors.made import SIGNALS, healthy, leaking

SINCE = 120
TRAINING = healthy(400, 1)


@dataclass(frozen=True)
class Case:
    """A detector with its limits, healthy rows and the same with the fault it looks for."""

    detector: Detector[Any]
    threshold: Threshold
    columns: tuple[int, ...]
    spoil: Callable[[FloatColumn], FloatColumn]

    def rows(self, seed: int = 2) -> FloatColumn:
        return healthy(300, seed)[:, self.columns]

    def faulty(self, seed: int = 2) -> FloatColumn:
        return self.spoil(healthy(300, seed))[:, self.columns]


def _replaced(column: int, change: Callable[[FloatColumn], Any]) -> Callable[..., FloatColumn]:
    def spoil(rows: FloatColumn) -> FloatColumn:
        rows = rows.copy()
        rows[SINCE:, column] = change(rows[SINCE:, column])
        return rows

    return spoil


CASES = {
    "joint": Case(
        fit_joint(SIGNALS, TRAINING), Threshold(), (0, 1, 2, 3), lambda r: leaking(r, SINCE)
    ),
    "out of range": Case(
        OutOfRange(("oil_temp_c",), -40, 150), SENSOR_THRESHOLD, (3,), _replaced(3, lambda _: 900.0)
    ),
    "stuck": Case(
        Stuck(("oil_temp_c", "load_pct"), 20),
        SENSOR_THRESHOLD,
        (3, 0),
        _replaced(3, lambda old: old[0]),
    ),
    "unit jump": Case(
        UnitJump(("oil_temp_c",), 55.0, 0.5),
        SENSOR_THRESHOLD,
        (3,),
        _replaced(3, lambda old: old * 1.8 + 32),
    ),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


def _verdicts(case: Case, rows: FloatColumn) -> Any:
    return watch(case.detector, case.threshold, begin(case.detector, case.threshold), rows)[1]


def test_healthy_rows_are_quiet(case: Case) -> None:
    assert sum(_verdicts(case, case.rows(seed)).verdict.sum() for seed in range(2, 8)) == 0


def test_its_fault_is_found_and_carried_by_its_signal(case: Case) -> None:
    judged = _verdicts(case, case.faulty())
    assert not judged.verdict[:SINCE].any()
    assert judged.verdict[SINCE + 40 :].all()
    names = case.detector.signals
    assert names[int(judged.shares[SINCE + 60].argmax())] in {"flow_l_min", "oil_temp_c"}


def test_scores_are_finite_and_shares_sum_to_one_or_nothing(case: Case) -> None:
    judged = _verdicts(case, case.faulty())
    assert np.isfinite(judged.score).all() and (judged.score >= 0).all()
    sums = judged.shares.sum(axis=1)
    assert judged.shares.shape == (300, len(case.detector.signals))
    assert (np.isclose(sums, 1) | (sums == 0)).all()
    assert (judged.shares >= 0).all()


@settings(max_examples=20, deadline=None)
@given(cuts=st.lists(st.integers(0, 300), max_size=5), name=st.sampled_from(list(CASES)))
def test_a_stream_may_be_cut_anywhere(cuts: list[int], name: str) -> None:
    case = CASES[name]
    rows = case.faulty()
    carried = begin(case.detector, case.threshold)
    verdicts, scores = [], []
    for left, right in zip([0, *sorted(cuts)], [*sorted(cuts), 300], strict=True):
        carried, part = watch(case.detector, case.threshold, carried, rows[left:right])
        verdicts.append(part.verdict)
        scores.append(part.score)
    whole = _verdicts(case, rows)
    assert np.array_equal(np.concatenate(verdicts), whole.verdict)
    assert np.array_equal(np.concatenate(scores), whole.score)


def test_answers_do_not_know_later_rows(case: Case) -> None:
    rows = case.faulty()
    other = rows.copy()
    other[200:] = other[200:] * 3 + 7
    assert np.array_equal(_verdicts(case, rows).score[:200], _verdicts(case, other).score[:200])


def test_what_goes_in_is_not_changed(case: Case) -> None:
    rows = case.faulty()
    before = rows.copy()
    carried, first = watch(
        case.detector, case.threshold, begin(case.detector, case.threshold), rows[:150]
    )
    _, once = watch(case.detector, case.threshold, carried, rows[150:])
    _, again = watch(case.detector, case.threshold, carried, rows[150:])
    assert np.array_equal(rows, before)
    assert np.array_equal(once.score, again.score)
    assert len(first.score) == 150


def test_missing_values_raise_nothing_and_break_nothing(case: Case) -> None:
    rows = case.rows()
    rows[100:200] = np.nan
    judged = _verdicts(case, rows)
    assert np.isfinite(judged.score).all()
    assert not judged.verdict.any()
    assert not _verdicts(case, np.full_like(rows, np.nan)).verdict.any()


def test_no_verdict_within_the_grace(case: Case) -> None:
    threshold = Threshold(limit=case.threshold.limit, grace=25)
    rows = np.tile(case.faulty()[200], (300, 1))
    judged = watch(case.detector, threshold, begin(case.detector, threshold), rows)[1]
    assert not judged.verdict[:25].any()


@dataclass
class Recorded:
    """A detector that notes in which rows it was asked to learn."""

    inner: Detector[Any]
    row: int = -1
    learned: list[int] = field(default_factory=list)

    @property
    def signals(self) -> tuple[str, ...]:
        return self.inner.signals

    @property
    def concerns(self) -> Any:
        return self.inner.concerns

    def begin(self) -> Any:
        return self.inner.begin()

    def observe(self, state: Any, row: FloatColumn) -> Any:
        self.row += 1
        return self.inner.observe(state, row)

    def score(self, state: Any) -> Score:
        return self.inner.score(state)

    def learn(self, state: Any) -> Any:
        self.learned.append(self.row)
        return self.inner.learn(state)

    def adopt(self, state: Any, first: bool) -> Any:
        self.learned.append(self.row)
        return self.inner.adopt(state, first)


def test_nothing_is_learned_while_alarmed(case: Case) -> None:
    recorded = Recorded(case.detector)
    judged = watch(recorded, case.threshold, begin(recorded, case.threshold), case.faulty())[1]
    alarmed = set(np.flatnonzero(judged.verdict).tolist())
    assert alarmed and recorded.learned
    assert not alarmed & set(recorded.learned)
    above = set(np.flatnonzero(judged.score > case.threshold.limit).tolist())
    assert not above & set(recorded.learned)
