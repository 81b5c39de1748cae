"""The demo's machines as they were: made in groups, each machine once, in order of time."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from fleet.clock import MS_PER_DAY
from fleet.loader import load_catalogue
from ironpulse.demo import past
from ironpulse.settings import PRODUCTS
from simulators.fleet import demo_fleet

CATALOGUE = load_catalogue(PRODUCTS)
END_MS = 1_795_000_000_000


def test_a_fleet_is_replayed_in_groups_of_one_product() -> None:
    fleet = demo_fleet(CATALOGUE.plans, 300, seed=1, today=date(2026, 11, 1))
    found = list(past.groups(fleet, CATALOGUE))
    assert max(map(len, found)) == past.GROUP
    assert all(len({machine.product for machine in group}) == 1 for group in found)
    serials = [machine.serial for group in found for machine in group]
    assert sorted(serials) == sorted(machine.serial for machine in fleet.machines)


def test_what_other_processes_make_is_the_same_past_in_whatever_groups(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(past, "GROUP", 1)
    fleet = demo_fleet(CATALOGUE.plans, 5, seed=1, today=date(2026, 11, 1))
    ids = {machine.serial: number for number, machine in enumerate(fleet.machines, 1)}
    start_ms = END_MS - MS_PER_DAY
    groups = list(past.groups(fleet, CATALOGUE))
    made = list(past.simulate(groups, CATALOGUE, ids, start_ms, END_MS, 1))
    assert [product for product, _ in made] == [group[0].product for group in groups]
    for group, (product, (history,)) in zip(groups, made, strict=True):
        (spec,) = group
        here = past.simulate_machine(
            spec, CATALOGUE.plans[product], ids[spec.serial], start_ms, END_MS, 1
        )
        assert history.serial == spec.serial
        assert np.array_equal(history.batch.values, here.batch.values, equal_nan=True)

    batches = [history.batch for product, (history,) in made if product == made[0][0]]
    half_ms = END_MS - MS_PER_DAY // 2
    parts = [past.between(batches, start_ms, half_ms), past.between(batches, half_ms, END_MS)]
    assert sum(map(len, parts)) == sum(map(len, batches))
    for part, since, until in zip(parts, (start_ms, half_ms), (half_ms, END_MS), strict=True):
        assert (np.diff(part.measured_at) >= 0).all()
        assert ((part.measured_at >= since) & (part.measured_at < until)).all()
