"""Sensors that go wrong: what they say then, and the truth about it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from fleet.clock import MS_PER_DAY
from ingest.quality import implausible, limits_of, mark
from simulators.history import Piece, generate
from simulators.physics import PHYSICS
from simulators.sensors import KINDS, Kind, Sensors, able, broken, told_by
from simulators.truth import SENSOR, Episode
from tests.simulators.world import END_MS, fleet, ids, pasts, plans

PUMP = plans()["concrete_boom_pump"]
STEP_MS = 10_000


@cache
def lived(rate: float) -> list[Piece]:
    """Eight days of five machines that fail, too, and whose sensors fail at `rate`."""
    start = END_MS - 8 * MS_PER_DAY
    few = replace(fleet(5), machines=fleet(5).machines)
    return list(generate(few, plans(), ids(few), start, END_MS, illness_rate=4.0, sensor_rate=rate))


def of_sensors(pieces: list[Piece]) -> list[Episode]:
    found = [one for past in pasts(pieces).values() for one in past.episodes]
    return [one for one in found if one.failure_mode.startswith(SENSOR)]


def test_sensors_change_what_is_told_during_their_faults_and_nothing_of_the_machine() -> None:
    sound, spoiled = lived(0.0), lived(120.0)
    episodes = of_sensors(spoiled)
    assert {one.failure_mode for one in episodes} == {f"{SENSOR}{kind.upper()}" for kind in KINDS}
    assert of_sensors(sound) == []
    for one, other in zip(sound, spoiled, strict=True):
        differs = one.batch.values != other.batch.values
        differs &= ~(np.isnan(one.batch.values) & np.isnan(other.batch.values))
        explained = np.zeros_like(differs)
        for episode in episodes:
            if episode.machine == one.serial and episode.detectable_ms is not None:
                at_ms = one.batch.measured_at
                column = one.batch.signals.index(episode.expected["component"].split("/")[1])
                during = (at_ms >= episode.detectable_ms) & (at_ms < (episode.repaired_ms or 0))
                explained[:, column] |= during
        assert differs.any() == explained.any()
        assert not (differs & ~explained).any()
        assert one.faults == other.faults
        if one.past is not None and other.past is not None:
            assert one.past.state == other.past.state
            theirs = [e for e in other.past.episodes if not e.failure_mode.startswith(SENSOR)]
            assert list(one.past.episodes) == theirs


def test_one_seed_gives_the_same_faults_however_long_the_pieces() -> None:
    start = END_MS - 40 * MS_PER_DAY
    at_ms = np.arange(start, END_MS, 600_000)
    values = np.random.default_rng(3).normal(50.0, 5.0, (len(at_ms), len(PUMP.signals)))
    whole, parts = (Sensors(PUMP, 9, "CPB-1", start, END_MS, 20.0) for _ in range(2))
    told = whole.told(at_ms, values)
    pieces = [
        parts.told(at_ms[cut], values[cut]) for cut in (slice(0, 100), slice(100, 2000),
                                                        slice(2000, None))
    ]  # fmt: skip
    assert np.array_equal(np.concatenate(pieces), told, equal_nan=True)
    assert repr(whole.faults) == repr(parts.faults) and len(whole.faults) > 10
    assert not np.array_equal(told, values, equal_nan=True)


@pytest.mark.parametrize("product", PHYSICS)
def test_a_sensor_out_of_its_range_is_what_ingest_takes_for_implausible(product: str) -> None:
    piece = next(one for one in lived(0.0) if one.batch.product == product)
    plan, batch = plans()[product], replace(piece.batch, values=piece.batch.values.copy(order="F"))
    known = ~np.isnan(batch.values)
    keys = [signal.key for signal in able(plan, "range")]
    for key in keys:
        broken(plan, "range", key, 0, 2**62).distort(
            batch.measured_at, batch.values[:, batch.signals.index(key)]
        )
    found = implausible(batch.signals, mark(batch, limits_of(plan)))
    bad = np.zeros_like(known)
    bad[found.row, found.signal] = True
    wanted = known & np.isin(batch.signals, keys)
    assert wanted.any() and np.array_equal(bad, wanted)


@pytest.mark.parametrize(
    ("kind", "key", "told"),
    [
        ("range", "hyd_oil_temp_c", [50.0, 214.0, 214.0, 214.0, 50.0]),
        ("missing", "hyd_oil_temp_c", [50.0, np.nan, np.nan, np.nan, 50.0]),
        ("unit", "pump_press_main_bar", [50.0, 5.1, 5.2, 5.3, 50.0]),
        ("stuck", "hyd_oil_temp_c", [50.0, 51.0, 51.0, 51.0, 50.0]),
    ],
)
def test_what_each_kind_of_fault_tells(kind: Kind, key: str, told: list[float]) -> None:
    fault = broken(PUMP, kind, key, STEP_MS, 4 * STEP_MS)
    column = np.array([50.0, 51.0, 52.0, 53.0, 50.0])
    fault.distort(STEP_MS * np.arange(5), column)
    assert column == pytest.approx(told, nan_ok=True)
    assert fault.wrong_ms == (2 * STEP_MS if kind == "stuck" else STEP_MS)


def test_a_zero_drifts_by_a_quarter_of_what_is_normal() -> None:
    fault = broken(PUMP, "drift", "hyd_oil_temp_c", 0, 100 * STEP_MS)
    column = np.full(100, 50.0)
    fault.distort(STEP_MS * np.arange(100), column)
    low, high = PUMP.signal["hyd_oil_temp_c"].normal or (0.0, 0.0)
    assert np.all(np.diff(column) > 0)
    assert column[-1] - 50 == pytest.approx(0.25 * (high - low), rel=0.02)


def test_only_what_the_rules_of_a_plan_look_at_is_expected_to_be_told() -> None:
    told = told_by(PUMP)
    assert told["range"] == set(PUMP.signal_keys)
    assert "hyd_oil_temp_c" in told["stuck"] and "pump_flow_notch" not in told["stuck"]
    assert "env_ambient_c" in told["missing"] - told["drift"]
    deaf = PUMP.model_copy(update={"rules": [one for one in PUMP.rules if not one.sensors]})
    assert not any(told_by(deaf).values())


def test_a_sensor_that_cannot_have_a_fault_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no sensor hyd_oil_temp_c that can be unit: .*bar"):
        broken(PUMP, "unit", "hyd_oil_temp_c", 0, 1)
