"""What the load says can be understood, and what the figures are made of."""

from __future__ import annotations

import json
import math

import pytest

from benchmarks.alarm_latency.load import ROUNDS, messages
from benchmarks.alarm_latency.measure import Result
from simulators.machine import HEARTBEAT
from tests.simulators import world


def test_machines_say_what_they_say_at_work() -> None:
    fleet, plans = world.fleet(5), world.plans()
    said = messages(plans, fleet.machines)
    assert [len(own) for own in said] == [ROUNDS] * 5
    for machine, own in zip(fleet.machines, said, strict=True):
        given = json.loads(own[0].at(1_790_000_000_123))
        assert own[0].topic == f"ironpulse/v1/{machine.serial}/telemetry"
        assert given["ts"] == 1_790_000_000_123
        assert set(given["values"]) <= set(plans[machine.product].signal_keys)
        assert len(given["values"]) > 2 * len(HEARTBEAT)


def test_quantiles_count_what_was_not_seen() -> None:
    seen = tuple(float(ms) for ms in range(1, 101))
    found = Result((*seen, math.inf), (1.0, 2.0, 3.0), 5000.0, 5000.0, 0, {})
    assert found.unseen == 1
    assert found.quantile(0.5) == pytest.approx(51.0)
    assert found.quantile(0.99) == pytest.approx(100.0)
    assert found.quantile(0.995) == math.inf
