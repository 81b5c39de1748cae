"""Faults of sensors, told apart from those of the machine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fleet.batch import FloatColumn
from rules.detectors import begin, watch
from rules.detectors.sensor import (
    CONVERSIONS,
    SENSOR_THRESHOLD,
    OutOfRange,
    Stuck,
    UnitJump,
    longest_rest,
    sensor_detectors,
    whose,
)
from tests.rules.detectors.made import SIGNALS, healthy

TEMPERATURE = UnitJump(("oil_temp_c",), 55.0, 0.5)


def _verdict(detector: Any, rows: FloatColumn) -> FloatColumn:
    return watch(detector, SENSOR_THRESHOLD, begin(detector, SENSOR_THRESHOLD), rows)[1].verdict


def test_a_standing_machine_has_no_stuck_sensor() -> None:
    rows = np.tile([55.0, 20.0], (200, 1))
    assert not _verdict(Stuck(("oil_temp_c", "load_pct"), 20), rows).any()


def test_a_sensor_that_moves_again_is_no_longer_stuck() -> None:
    rows = healthy(200, 1)[:, [3, 0]]
    rows[50:100, 0] = 55.0
    verdict = _verdict(Stuck(("oil_temp_c", "load_pct"), 20), rows)
    assert verdict[80:100].all()
    assert not verdict[115:].any()


@pytest.mark.parametrize("conversion", CONVERSIONS)
def test_every_conversion_is_recognised_both_ways(conversion: str) -> None:
    factor, offset = CONVERSIONS[conversion]
    normal = 50 + np.random.default_rng(1).normal(0, 0.2, 200)
    there, back = normal.copy(), normal * factor + offset
    there[100:] = normal[100:] * factor + offset
    scale = 0.2 * factor
    assert _verdict(UnitJump(("x",), 50.0, 0.2), there[:, None])[110:].all()
    back[100:] = normal[100:]
    assert _verdict(UnitJump(("x",), 50 * factor + offset, scale), back[:, None])[110:].all()


def test_a_machine_that_runs_hot_is_no_unit_jump() -> None:
    rows = 55 + np.random.default_rng(1).normal(0, 0.3, (300, 1))
    rows[100:] += np.minimum(np.arange(200), 80)[:, None]
    assert not _verdict(TEMPERATURE, rows).any()
    rows[100:] = 80.0
    assert not _verdict(TEMPERATURE, rows).any()


def test_the_conversion_is_told() -> None:
    state = TEMPERATURE.begin()
    for value in (55.1, 54.9, 131.0):
        state = TEMPERATURE.observe(state, np.array([value]))
    assert state.conversion == "°C as °F"


def test_the_ends_of_the_range_belong_to_it() -> None:
    rows = np.array([[-40.0]] * 10 + [[150.0]] * 10)
    assert not _verdict(OutOfRange(("oil_temp_c",), -40, 150), rows).any()


def test_detectors_are_made_from_healthy_rows() -> None:
    rows = np.column_stack((healthy(300, 1), np.repeat([0.0, 1.0], 150), np.ones(300)))
    signals = (*SIGNALS, "valve_open", "spare")
    made = sensor_detectors(signals, rows, {"oil_temp_c": (-40.0, 150.0)})
    kinds = {(type(each).__name__, each.signals[0]) for each in made}
    assert ("OutOfRange", "oil_temp_c") in kinds and ("OutOfRange", "load_pct") not in kinds
    assert ("Stuck", "load_pct") in kinds and ("Stuck", "valve_open") not in kinds
    assert not any(name == "spare" for _, name in kinds)
    assert all(each.concerns == "sensor" for each in made)


def test_longest_rest() -> None:
    assert longest_rest(np.array([1.0, 1.0, 1.0, 2.0, 2.0])) == 2
    assert longest_rest(np.array([1.0, 2.0, 3.0])) == 0


def test_a_finding_carried_by_a_faulty_sensor_is_the_sensors() -> None:
    shares = np.array([0.1, 0.6, 0.3, 0.0])
    assert whose(SIGNALS, shares, {"pressure_bar"}) == "sensor"
    assert whose(SIGNALS, shares, {"flow_l_min"}) == "machine"
    assert whose(SIGNALS, shares, set()) == "machine"
