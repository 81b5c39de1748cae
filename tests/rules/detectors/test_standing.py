"""What people see of detectors that judge, and of those that still learn."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rules.detectors.live import NOTHING_TAUGHT
from rules.detectors.standing import DetectorStanding, standings
from rules.detectors.threshold import Phase, Standing
from rules.detectors.watched import NOTHING_WATCHED, Raised, Watched
from rules.state import empty_state
from tests.rules.detectors.test_live import TAUGHT_AT, WHO, compiled, taught


def _told(own: Watched, now: int = TAUGHT_AT + 1) -> DetectorStanding:
    state = replace(empty_state(compiled(), [1]), watched=((own,) * len(compiled().detectors),))
    told = standings(compiled(), taught(), WHO.model, state, now)
    assert [one.rule for one in told] == [one.rule.id for one in compiled().detectors]
    return told[0]


def test_before_the_first_lesson_nothing_is_watched() -> None:
    assert _told(NOTHING_WATCHED, TAUGHT_AT - 1).state == "untaught"
    nobody = empty_state(compiled(), [1])
    told = standings(compiled(), NOTHING_TAUGHT, WHO.model, nobody, TAUGHT_AT)
    assert {one.state for one in told} == {"untaught"}


@pytest.mark.parametrize(
    ("standing", "state", "left"),
    [
        (NOTHING_WATCHED.standing, "learning", 24),
        (Standing(Phase.RETURNED, left=7), "learning", 7),
        (Standing(Phase.REPAIRED, left=10), "learning", 34),
        (Standing(Phase.QUIET, run=2), "judging", 0),
        (Standing(Phase.ALARMED), "alarmed", 0),
    ],
)
def test_a_detector_is_told_by_where_it_stands(standing: Standing, state: str, left: int) -> None:
    told = _told(replace(NOTHING_WATCHED, standing=standing))
    assert (told.state, told.left, told.every_ms) == (state, left, 900_000)
    assert told.machines > 0


def test_the_sensors_it_goes_without_are_named() -> None:
    faulty = {"hyd_oil_temp_c": Raised("sensor_implausible", "sensor", 1, 1)}
    assert _told(replace(NOTHING_WATCHED, faulty=faulty)).without == ("hyd_oil_temp_c",)
