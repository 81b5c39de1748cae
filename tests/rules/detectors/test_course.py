"""Expected and seen over time, of a finding that a simulated boom pump made."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fleet.clock import MS_PER_DAY
from rules.detectors.account import reason_of
from rules.detectors.course import Course, course_of
from rules.detectors.live import NOTHING_TAUGHT
from tests.rules.detectors.test_live import (
    FAULTY_FROM,
    WHO,
    compiled,
    drifting,
    run,
    taught,
)


def _course() -> tuple[Course, dict[str, object]]:
    raised = run(drifting(), taught())[0]
    assert raised.learned is not None
    learned = dict(raised.learned)
    batch = drifting()
    near = np.flatnonzero(np.abs(batch.measured_at - raised.at) < 5 * MS_PER_DAY)
    found = course_of(compiled(), taught(), WHO.model, learned, batch.take(near))
    assert found is not None
    return found, learned


def test_seen_leaves_expected_when_the_fault_begins() -> None:
    found, learned = _course()
    swing = found.signals[0]
    assert (swing.signal, swing.fluctuation) == ("svalve_swing_time_ms", False)
    away = swing.seen - swing.expected
    healthy, ill = found.end_ms < FAULTY_FROM, found.end_ms > FAULTY_FROM + 3 * MS_PER_DAY
    assert abs(np.nanmean(away[healthy])) < 5.0
    assert np.nanmean(away[ill]) == pytest.approx(120.0, abs=8.0)
    told = learned["signals"][0]  # type: ignore[index]
    assert np.nanmin(np.abs(swing.expected - told["expected"])) < 3.0


def test_nothing_fluctuates_by_less_than_nothing() -> None:
    _, learned = _course()
    one = {"signal": "pump_press_dist_bar", "fluctuation": True, "share": 0.6, "seen": 1.4}
    learned = {**learned, "signals": [{**one, "expected": -50.0}]}
    found = course_of(compiled(), taught(), WHO.model, learned, drifting())
    assert found is not None
    assert np.nanmax(found.signals[0].expected) == 0
    told = reason_of(compiled().plan, {**learned, "failure_modes": []}, None)
    assert (
        told.en
        == "Fluctuation of Distribution pressure 1.4 bar, expected 0 bar (60 % of the finding)."
    )


def test_a_lesson_that_is_gone_draws_nothing() -> None:
    _, learned = _course()
    assert course_of(compiled(), NOTHING_TAUGHT, WHO.model, learned, drifting()) is None
    other = {**learned, "learned_ms": 1}
    assert course_of(compiled(), taught(), WHO.model, other, drifting()) is None


def test_a_machine_that_sent_nothing_has_no_course() -> None:
    _, learned = _course()
    empty = drifting().take(np.arange(0))
    assert course_of(compiled(), taught(), WHO.model, learned, replace(empty)) is None
