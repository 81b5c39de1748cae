"""Transport faults distort, delay, repeat and disorder; they lose nothing."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.seeds import generator
from simulators.transport import PROFILES, Artefacts, Coverage, Profile, disturb
from tests.simulators.world import END_MS, plans

PLAN = plans()["concrete_boom_pump"]
VALUES = {"eng_speed_rpm": 1500.0, "hyd_oil_temp_c": 60.0, "eng_pto_hours_h": 500.0}


@given(st.lists(st.integers(), max_size=200), st.sampled_from(sorted(PROFILES)), st.integers(0, 99))
def test_disorder_and_repetition_lose_nothing(items: list[int], name: str, seed: int) -> None:
    told = disturb(list(enumerate(items)), PROFILES[name], generator(seed, "test"))
    counted = Counter(told)
    assert set(counted) == set(enumerate(items))
    if name == "clean":
        assert told == list(enumerate(items))


def test_gaps_cover_the_share_they_should_and_everything_arrives_afterwards() -> None:
    profile = PROFILES["harsh"]
    measured = np.arange(END_MS, END_MS + 90 * 86_400_000, 60_000, dtype=np.int64)
    arrived = Coverage(profile, 3, "X-1", END_MS).received(measured)
    late = arrived > measured
    assert 0.08 < late.mean() < 0.25
    assert (arrived >= measured).all()
    assert (np.diff(arrived) >= 0).all(), "a buffer is emptied oldest first"


def test_without_faults_nothing_is_touched() -> None:
    artefacts = Artefacts(PROFILES["clean"], PLAN, 1, "X-1")
    for i in range(500):
        assert artefacts.distort(END_MS + i * 10_000, VALUES) == (END_MS + i * 10_000, VALUES)
    assert Coverage(PROFILES["clean"], 1, "X-1", END_MS).covered(END_MS + 10**12)


def test_the_same_device_is_distorted_in_the_same_way_twice() -> None:
    one, two = (Artefacts(PROFILES["harsh"], PLAN, 1, "X-1") for _ in range(2))
    told = [[a.distort(END_MS + i * 10_000, VALUES) for i in range(2_000)] for a in (one, two)]
    assert told[0] == told[1]


@pytest.mark.parametrize("serial", ["X-1", "X-2", "X-3"])
def test_harsh_devices_show_every_kind_of_trouble_and_drop_what_is_missing_only(
    serial: str,
) -> None:
    artefacts = Artefacts(PROFILES["harsh"], PLAN, 1, serial)
    off = {"eng_speed_rpm": 0.0, "hyd_oil_temp_c": 20.0, "eng_pto_hours_h": 500.0}
    strange = Counter[str]()
    for i in range(20_000):
        truth = off if i % 500 < 100 else VALUES
        ts, told = artefacts.distort(END_MS + i * 60_000, truth)
        gone = {fault.signal for fault in artefacts.faults if fault.kind == "missing"}
        assert told.keys() == truth.keys() - gone
        strange["clock"] += abs(ts - END_MS - i * 60_000) > 0
        strange["values"] += told != truth
        strange["unavailable"] += told.get("hyd_oil_temp_c") == 255 - 40
    assert strange["clock"] > 0 and strange["values"] > 0 and strange["unavailable"] > 0


def test_sensors_and_clocks_go_wrong_for_good_and_one_sensor_in_one_way() -> None:
    often = Profile(
        stuck_per_month=2e3, range_per_month=2e3, missing_per_month=2e3, clock_off_per_month=2e4
    )
    for serial in ("X-1", "X-2", "X-3"):
        artefacts = Artefacts(often, PLAN, 1, serial)
        told = [artefacts.distort(END_MS + i * 60_000, VALUES) for i in range(200)]
        assert [fault.signal for fault in artefacts.faults].count("hyd_oil_temp_c") == 1
        off_ms = told[-1][0] - END_MS - 199 * 60_000
        assert off_ms == artefacts.clock_off_ms != 0
        assert told[-1][1] != VALUES


def test_some_clocks_start_in_1970() -> None:
    first = [
        Artefacts(PROFILES["harsh"], PLAN, 1, f"X-{n}").distort(END_MS, VALUES)[0]
        for n in range(200)
    ]
    share = np.mean(np.array(first) < 86_400_000)
    assert 0.03 < share < 0.25
