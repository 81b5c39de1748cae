"""Histories: the same twice, plausible, complete, and healthy when nobody falls ill."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from fleet.batch import SampleBatch
from fleet.clock import MS_PER_DAY
from fleet.evaluate import evaluate, true
from fleet.expression import parse
from fleet.windows import Columns
from rules.compiled import compile_plan
from rules.condition import Identity
from rules.engine import fold
from rules.state import empty_state
from simulators.fleet import demo_fleet
from simulators.history import Piece, generate
from simulators.machine import Machine
from simulators.physics import PHYSICS
from simulators.truth import GALE
from tests.simulators.world import END_MS, TODAY, batches, fleet, history, ids, pasts, plans


def _digest(pieces: list[Piece]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece.serial.encode() + piece.batch.measured_at.tobytes())
        digest.update(piece.batch.values.tobytes("F"))
        digest.update(repr((piece.faults, piece.past)).encode())
    return digest.hexdigest()


def test_one_seed_gives_the_same_bytes() -> None:
    assert _digest(history(fleet(5), 6, illness_rate=5)) == _digest(
        history(fleet(5), 6, illness_rate=5)
    )


def test_another_seed_gives_another_history() -> None:
    assert _digest(history(fleet(5), 3, seed=1)) != _digest(history(fleet(5), 3, seed=2))


def test_a_machine_does_not_depend_on_the_size_of_its_fleet() -> None:
    of_five, of_ten = history(fleet(5), 4, illness_rate=5), history(fleet(10), 4, illness_rate=5)
    first = [p for p in of_ten if p.serial in {m.serial for m in fleet(5).machines}]
    assert _digest(of_five) == _digest(first)


@pytest.fixture(scope="module")
def healthy() -> list[Piece]:
    """Thirty days of twenty machines without a failure."""
    return history(fleet(20), 30)


@pytest.mark.parametrize("product", PHYSICS)
def test_every_signal_of_the_plan_is_fed_within_its_range(
    healthy: list[Piece], product: str
) -> None:
    batch, plan = batches(healthy)[product], plans()[product]
    silent = [
        key
        for i, key in enumerate(plan.signal_keys)
        if np.isnan(batch.values[:, i]).all()
    ]  # fmt: skip
    assert not silent, f"{product} never says {silent}"
    for i, signal in enumerate(plan.signals):
        known = batch.values[:, i][~np.isnan(batch.values[:, i])]
        low, high = signal.range
        assert known.min() >= low and known.max() <= high, signal.key
        # A healthy machine does not live at the ends of its sensors.
        if signal.kind == "gauge" and signal.unit not in (None, "%"):
            assert np.mean(known >= high) < 0.001, f"{signal.key} sticks at {high}"


@pytest.mark.parametrize("product", PHYSICS)
def test_counters_never_fall(healthy: list[Piece], product: str) -> None:
    batch, plan = batches(healthy)[product], plans()[product]
    for i, signal in enumerate(plan.signals):
        if signal.kind != "counter":
            continue
        for machine in np.unique(batch.machine_id):
            column = batch.values[batch.machine_id == machine, i]
            steps = np.diff(column[~np.isnan(column)])
            assert (steps >= 0).all(), f"{signal.key} of machine {machine} falls by {steps.min()}"


@pytest.mark.parametrize("product", PHYSICS)
def test_every_regime_of_the_plan_is_driven(product: str) -> None:
    machines = [m for m in fleet(60).machines if m.product == product]
    batch = batches(history(replace(fleet(60), machines=tuple(machines)), 40, illness_rate=5))[
        product
    ]
    plan = plans()[product]
    columns = Columns(
        batch.measured_at,
        np.zeros(1, dtype=np.int64),
        {key: batch.values[:, i] for i, key in enumerate(plan.signal_keys)},
    )
    left = np.ones(len(batch), dtype=bool)
    missing = []
    for regime in plan.regimes:
        holds = true(evaluate(parse(regime.when, plan.signal), columns, {})) & left
        left &= ~holds
        if not holds.any():
            missing.append(regime.id)
    assert not missing, f"{product} is never in {missing}"
    assert left.mean() < 0.001, f"{product} is in no regime in {left.mean():.2%} of its samples"


@pytest.mark.parametrize("product", PHYSICS)
def test_the_rules_leave_a_healthy_fleet_alone(healthy: list[Piece], product: str) -> None:
    machine_days = 30 * sum(m.product == product for m in fleet(20).machines)
    raised = _alarms(batches(healthy)[product])
    assert len(raised) <= 0.01 * machine_days, raised


def test_the_rules_leave_a_healthy_fleet_alone_at_live_pace() -> None:
    raised = [alarm for b in batches(history(fleet(10), 2, step_s=10.0)).values()
              for alarm in _alarms(b)]  # fmt: skip
    assert not raised


def test_heavy_illness_raises_alarms() -> None:
    pieces = history(fleet(10), 20, illness_rate=10)
    raised = [alarm for batch in batches(pieces).values() for alarm in _alarms(batch)]
    assert len(raised) > 20


def test_a_warm_fleet_is_at_work_when_history_ends() -> None:
    pieces = list(generate(
        fleet(20), plans(), ids(fleet(20)), END_MS - MS_PER_DAY, END_MS, awake_share=0.85
    ))  # fmt: skip
    working = sum(
        piece.past is not None and piece.past.state.awake_from_ms is not None for piece in pieces
    )
    assert working >= 2 / 3 * 20


def test_nobody_paves_with_a_cold_screed_because_the_demo_begins() -> None:
    pavers = [machine for machine in fleet(40).machines if machine.product == "asphalt_paver"]
    plan = plans()["asphalt_paver"]
    for machine in pavers:
        work = Machine(machine, plan, 1, END_MS - MS_PER_DAY).duty.endless(END_MS)
        first = [next(work)[0] for _ in range(3)]
        assert first[0] == "preheat"
        assert "preheat" not in first[1:], "it goes on where it was"


def test_parts_wear_are_replaced_and_stay_in_one_place_each() -> None:
    pieces = history(fleet(10), 90)
    models = {machine.serial: machine.model for machine in fleet(10).machines}
    replaced = 0
    for piece in pieces:
        if piece.past is None:
            continue
        plan = plans()[piece.batch.product]
        places = [(p.part, p.position) for p in piece.past.parts if p.removed_ms is None]
        parts = plan.parts_of(models[piece.serial])
        wanted = [(part.id, position.id) for part in parts for position in part.positions]
        assert sorted(places) == sorted(wanted)
        for part in piece.past.parts:
            replaced += part.removed_ms is not None
            assert part.used >= 0
            assert part.removed_ms is None or part.removed_ms > part.fitted_ms
    assert replaced > 20


def test_services_are_done_in_time_but_for_the_last_days() -> None:
    for piece in history(fleet(5), 60):
        if piece.past is None:
            continue
        plan = plans()[piece.batch.product]
        for service in plan.services:
            done = [d for d in piece.past.services if d.service == service.id]
            assert [d.hours for d in done] == sorted(d.hours for d in done)
            assert [d.at_ms for d in done] == sorted(d.at_ms for d in done)
            if service.every_h is not None and service.every_h <= 100:
                assert len(done) >= 2, f"{service.id} of {piece.serial}"


def test_truth_tells_each_episode_in_order() -> None:
    found = [e for past in pasts(history(fleet(10), 60, illness_rate=4)).values()
             for e in past.episodes]  # fmt: skip
    assert len(found) > 10
    for episode in found:
        times = [episode.onset_ms, episode.detectable_ms, episode.failed_ms, episode.repaired_ms]
        known = [t for t in times if t is not None]
        assert known == sorted(known), episode
        if episode.failure_mode == GALE:
            continue
        mode = plans()[episode.product].failure_mode[episode.failure_mode]
        assert mode.detectable or not episode.expected["ticket"]
        assert PHYSICS[episode.product].can_have(_model(episode.machine), mode.id)


def test_the_demo_fleet_is_complete() -> None:
    of = demo_fleet(plans(), 60, seed=1, today=TODAY)
    assert len({m.serial for m in of.machines}) == 60
    assert {m.product for m in of.machines} == set(PHYSICS)
    assert {m.station for m in of.machines} <= {s.id for s in of.stations}
    assert {m.customer for m in of.machines} <= {c.id for c in of.customers}
    assert {s.region for s in of.stations} == {r.id for r in of.regions}
    assert {m.climate for m in of.machines} == {"south", "north"}
    for machine in of.machines:
        station = next(s for s in of.stations if s.id == machine.station)
        assert abs(machine.lat - station.lat) < 0.5 and abs(machine.lon - station.lon) < 0.5
        assert machine.model in {m.id for m in plans()[machine.product].models}
        assert machine.commissioned_on < TODAY


def _model(serial: str) -> str:
    return next(m.model for m in fleet(10).machines if m.serial == serial)


def _alarms(batch: SampleBatch) -> list[tuple[int, str]]:
    compiled = compile_plan(plans()[batch.product])
    serial = {number: serial for serial, number in ids(fleet(20)).items()}
    model = {m.serial: m.model for m in fleet(20).machines}
    machines = sorted(set(batch.machine_id.tolist()))
    who = {m: Identity(serial[m], model[serial[m]], "south") for m in machines}
    _, changes = fold(compiled, who, empty_state(compiled, machines), batch)
    return [(c.machine_id, c.rule) for c in changes if c.kind == "raised"]
