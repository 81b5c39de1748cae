"""Learned detectors through the engine, on simulated boom pumps with made faults."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from fleet.batch import FloatColumn, SampleBatch
from fleet.clock import MS_PER_DAY, to_ms
from fleet.finding import Finding
from fleet.loader import load_catalogue
from fleet.plan import Catalogue, ProductPlan
from rules.alarms.evidence import account_of
from rules.changes import AlarmChange
from rules.codec import dump, load
from rules.compiled import CompiledPlan, compile_plan
from rules.condition import Identity
from rules.detectors.account import reason_of
from rules.detectors.lessons import dump_normal, taught_of
from rules.detectors.live import NOTHING_TAUGHT, Taught
from rules.detectors.past import joined, past_of
from rules.detectors.teaching import learned
from rules.engine import fold
from rules.faults import FaultState
from rules.state import empty_state
from simulators.fleet import DemoFleet, demo_fleet
from simulators.history import generate
from tickets.content import contribution

START = to_ms(datetime(2026, 5, 1, tzinfo=UTC))
DAYS = 24
TAUGHT_AT = START + 12 * MS_PER_DAY
FAULTY_FROM = START + 18 * MS_PER_DAY
MACHINES = 6
WHO = Identity("CPB-1", "BP56", "x")
LEARNED = {"pump_unlike_normal", "boom_unlike_normal", "engine_unlike_normal", "sensor_implausible"}


@cache
def catalogue() -> Catalogue:
    return load_catalogue(Path(__file__).parents[3] / "products")


@cache
def compiled() -> CompiledPlan:
    return compile_plan(catalogue().plans["concrete_boom_pump"])


@cache
def healthy(number: int) -> SampleBatch:
    """The healthy past of one boom pump."""
    plan = compiled().plan
    specs = demo_fleet({plan.product: plan}, MACHINES, seed=5, today=datetime(2026, 6, 1).date())
    spec = replace(specs.machines[number - 1], model="BP56")
    pieces = generate(
        DemoFleet((), (), (), (spec,)), {plan.product: plan}, {spec.serial: number}, START,
        START + DAYS * MS_PER_DAY, step_s=120.0, seed=5, illness_rate=0.0,
    )  # fmt: skip
    batches = [piece.batch for piece in pieces]
    return replace(
        batches[0],
        machine_id=np.concatenate([batch.machine_id for batch in batches]),
        measured_at=np.concatenate([batch.measured_at for batch in batches]),
        received_at=np.concatenate([batch.received_at for batch in batches]),
        values=np.concatenate([batch.values for batch in batches]),
    )


@cache
def taught() -> Taught:
    """What the other machines taught, as it comes back from the store."""
    pasts = [past_of(compiled(), healthy(number)) for number in range(2, MACHINES + 1)]
    lessons = []
    for detector in compiled().detectors:
        seen = joined([past[detector.rule.id] for past in pasts])
        for at in (TAUGHT_AT, TAUGHT_AT + 8 * MS_PER_DAY):
            normal = learned(detector, seen, {}, at)[""]
            lessons.append((detector.rule.id, "", at, dump_normal(normal)))
    return taught_of(lessons)


def column(batch: SampleBatch, key: str) -> FloatColumn:
    return np.asarray(batch.values[:, batch.signals.index(key)])


def spoiled(key: str, values: FloatColumn) -> SampleBatch:
    """The first machine with another column from FAULTY_FROM on."""
    batch = healthy(1)
    spoilt = batch.values.copy()
    late = batch.measured_at >= FAULTY_FROM
    spoilt[late, batch.signals.index(key)] = values[late]
    return replace(batch, values=spoilt)


def run(
    batch: SampleBatch,
    known: Taught,
    cuts: Sequence[int] = (),
    stored: bool = False,
    who: Identity = WHO,
) -> list[AlarmChange]:
    """Changes of learned detectors; between pieces the state may go through the store's bytes."""
    state = empty_state(compiled(), [1])
    changes: list[AlarmChange] = []
    edges = [0, *cuts, len(batch)]
    for first, last in pairwise(edges):
        piece = batch.take(np.arange(first, last))
        state, more = fold(compiled(), {1: who}, state, piece, taught=known)
        changes += more
        if stored:
            state = replace(
                load(compiled(), 1, dump(compiled(), state, 0, FaultState(), learned=True)).state,
                sliding=state.sliding,
                places=state.places,
                recent=state.recent,
            )
    return [change for change in changes if change.rule in LEARNED]


def test_nothing_is_said_before_anything_was_learned_nor_of_a_healthy_machine() -> None:
    assert run(healthy(1), NOTHING_TAUGHT) == []
    assert run(healthy(1), taught()) == []


def drifting() -> SampleBatch:
    swing = column(healthy(1), "svalve_swing_time_ms")
    grown = np.clip((healthy(1).measured_at - FAULTY_FROM) / (3 * MS_PER_DAY), 0, 1)
    return spoiled("svalve_swing_time_ms", swing + 120 * grown)


def test_a_drift_is_raised_with_what_was_seen_and_what_it_may_be() -> None:
    raised = run(drifting(), taught())[0]
    assert (raised.rule, raised.kind) == ("pump_unlike_normal", "raised")
    assert FAULTY_FROM < raised.at < FAULTY_FROM + 2 * MS_PER_DAY
    assert raised.failure_modes[0] == "CP-F04"
    assert raised.component == compiled().plan.failure_mode["CP-F04"].component
    assert raised.learned is not None
    first = raised.learned["signals"][0]
    assert first["signal"] == "svalve_swing_time_ms"
    assert first["share"] > 0.5
    assert first["seen"] > first["expected"] + 5
    # Far below what the rules take for slow.
    assert first["seen"] < 350


@pytest.mark.parametrize("stored", [False, True])
def test_it_does_not_matter_where_a_stream_is_cut(stored: bool) -> None:
    batch = drifting()
    cuts = np.linspace(100, len(batch) - 100, 9).astype(int).tolist()
    assert run(batch, taught(), cuts, stored) == run(batch, taught())


def test_a_value_in_another_unit_is_the_sensors() -> None:
    fahrenheit = column(healthy(1), "hyd_oil_temp_c") * 1.8 + 32
    raised = run(spoiled("hyd_oil_temp_c", fahrenheit), taught())[0]
    assert (raised.rule, raised.component) == ("sensor_implausible", "control/hyd_oil_temp_c")
    assert raised.learned is not None
    assert raised.learned["fault"] == "unit"
    assert raised.learned["unit"] == "°C as °F"
    account = account_of(compiled(), catalogue(), WHO, raised)
    finding = Finding(
        1, "alarm", raised.rule, raised.component, 2, raised.at, account.title, account.reason,
        account.evidence,
    )  # fmt: skip
    added = contribution(compiled().plan, finding, ())
    assert {check.checklist for check in added.checks if check.item.fail_severity < 4} == {"sensor"}
    assert not added.parts


def test_a_value_that_stands_still_is_the_sensors_and_comes_back() -> None:
    batch = spoiled("tcase_oil_temp_c", np.full(len(healthy(1)), 61.0))
    until = FAULTY_FROM + 2 * MS_PER_DAY
    over = batch.measured_at >= until
    batch.values[over] = healthy(1).values[over]
    changes = run(batch, taught())
    assert [(one.rule, one.kind) for one in changes] == [
        ("sensor_implausible", "raised"),
        ("sensor_implausible", "cleared"),
    ]
    assert changes[0].learned is not None
    assert changes[0].learned["fault"] == "stuck"
    assert FAULTY_FROM < changes[0].at < until < changes[1].at


def test_a_signal_that_is_not_sent_any_more_is_the_sensors_and_comes_back() -> None:
    batch = spoiled("tcase_oil_temp_c", np.full(len(healthy(1)), np.nan))
    until = FAULTY_FROM + 2 * MS_PER_DAY
    over = batch.measured_at >= until
    batch.values[over] = healthy(1).values[over]
    changes = run(batch, taught())
    assert [(one.rule, one.component, one.kind) for one in changes] == [
        ("sensor_implausible", "control/tcase_oil_temp_c", "raised"),
        ("sensor_implausible", "control/tcase_oil_temp_c", "cleared"),
    ]
    learned = changes[0].learned
    assert learned is not None and learned["fault"] == "missing"
    assert "is not sent any more" in reason_of(compiled().plan, learned, None).en
    assert FAULTY_FROM < changes[0].at < until < changes[1].at
    cuts = np.linspace(100, len(batch) - 100, 5).astype(int).tolist()
    assert run(batch, taught(), cuts, stored=True) == changes


def test_an_input_that_is_not_sent_any_more_is_told_as_nothing_is_judged_without_it() -> None:
    batch = spoiled("env_ambient_c", np.full(len(healthy(1)), np.nan))
    until = FAULTY_FROM + 2 * MS_PER_DAY
    over = batch.measured_at >= until
    batch.values[over] = healthy(1).values[over]
    changes = run(batch, taught())
    assert [(one.rule, one.component, one.kind) for one in changes] == [
        ("sensor_implausible", "control/env_ambient_c", "raised"),
        ("sensor_implausible", "control/env_ambient_c", "cleared"),
    ]
    raised, cleared = changes
    assert FAULTY_FROM < raised.at < FAULTY_FROM + MS_PER_DAY < until < cleared.at
    reason = account_of(compiled(), catalogue(), WHO, raised).reason
    assert "Until it is back, nothing is judged by: " in reason.en
    for rule in ("pump_unlike_normal", "boom_unlike_normal", "engine_unlike_normal"):
        name = compiled().plan.rule[rule].name
        assert name.en in reason.en and name.zh in reason.zh
    cuts = np.linspace(100, len(batch) - 100, 5).astype(int).tolist()
    assert run(batch, taught(), cuts, stored=True) == changes


@pytest.mark.parametrize("key", ["tcase_oil_temp_c", "env_ambient_c"])
def test_a_sensor_that_a_machine_never_had_is_not_missed(key: str) -> None:
    batch = healthy(1)
    values = batch.values.copy()
    values[:, batch.signals.index(key)] = np.nan
    assert run(replace(batch, values=values), taught()) == []


def taught_without(key: str) -> Taught:
    """Taught, with one more lesson a day into the fault that no longer has a signal."""
    known = dict(taught().normals)
    pasts = [past_of(compiled(), healthy(number)) for number in range(2, MACHINES + 1)]
    for detector in compiled().detectors:
        seen = joined([past[detector.rule.id] for past in pasts])
        if key in detector.features:
            seen.rows[:, detector.features.index(key)] = np.nan
        at = FAULTY_FROM + MS_PER_DAY
        known[detector.rule.id, ""] = [
            *known[detector.rule.id, ""], learned(detector, seen, {}, at)[""],
        ]  # fmt: skip
    return Taught(known)


def test_a_sensor_that_the_next_lesson_does_without_is_stuck_no_more() -> None:
    batch = spoiled("tcase_oil_temp_c", np.full(len(healthy(1)), 61.0))
    changes = run(batch, taught_without("tcase_oil_temp_c"))
    assert [(one.rule, one.kind) for one in changes] == [
        ("sensor_implausible", "raised"),
        ("sensor_implausible", "cleared"),
    ]
    assert changes[1].at >= FAULTY_FROM + MS_PER_DAY


def with_pump_rule(**given: object) -> CompiledPlan:
    """The plan with a detector that looks at something else than its lessons are about."""
    whole = compiled().plan.model_dump()
    (rule,) = (one for one in whole["rules"] if one["id"] == "pump_unlike_normal")
    rule["normal"] |= given
    return compile_plan(ProductPlan.model_validate(whole))


def test_a_lesson_about_other_signals_is_waited_out() -> None:
    normal = compiled().plan.rule["pump_unlike_normal"].normal
    assert normal is not None
    for other in (
        with_pump_rule(signals=normal.signals[1:], unsteady=()),
        with_pump_rule(inputs=normal.inputs[1:]),
    ):
        state = empty_state(other, [1])
        _, changes = fold(other, {1: WHO}, state, drifting(), taught=taught())
        assert "pump_unlike_normal" not in {change.rule for change in changes}


def test_a_detector_that_judges_otherwise_starts_anew() -> None:
    until = int(np.searchsorted(drifting().measured_at, FAULTY_FROM + 2 * MS_PER_DAY))
    early = drifting().take(np.arange(until))
    state, before = fold(compiled(), {1: WHO}, empty_state(compiled(), [1]), early, taught=taught())
    assert [one.kind for one in before if one.rule == "pump_unlike_normal"] == ["raised"]
    data = dump(compiled(), state, 0, FaultState(), learned=True)
    for plan, stands in ((compiled(), True), (with_pump_rule(limit=3.5), False)):
        own = load(plan, 1, data).state.watched[0]
        standing = {one.rule for watched in own for one in watched.standing_alarms}
        assert ("pump_unlike_normal" in standing) is stands


def test_before_a_model_taught_what_all_taught_counts() -> None:
    first, second = taught().normals["pump_unlike_normal", ""]
    known = Taught({("r", ""): [first, second], ("r", "BP56"): [second]})
    assert known.normal("r", "BP56", first.since_ms) is first
    assert known.normal("r", "BP56", second.since_ms) is second
    assert known.normal("r", "BP56", first.since_ms - 1) is None
    assert known.version("r", "BP56", first.since_ms) is first


def test_a_drift_that_no_failure_mode_explains_is_the_sensors() -> None:
    current = column(healthy(1), "pump_disp_current_ma")
    # Domain 2.1: over 8 % of what belongs to the notch is a warning.
    raised = run(spoiled("pump_disp_current_ma", 1.1 * current), taught())[0]
    named = ("sensor_implausible", "control/pump_disp_current_ma")
    # The plan knows a step of this current, so it is a failure of the valve as well.
    assert raised.failure_modes[0] == "CP-F13" or (raised.rule, raised.component) == named
    swing = column(healthy(1), "svalve_swing_time_ms")
    falling = run(spoiled("svalve_swing_time_ms", swing - 40), taught())[0]
    assert (falling.rule, falling.component) == (
        "sensor_implausible",
        "control/svalve_swing_time_ms",
    )
    assert falling.learned is not None
    assert falling.learned["fault"] == "drift"


def test_what_healthy_machines_never_do_is_nothing_where_it_does_not_matter() -> None:
    swing = column(healthy(1), "svalve_swing_time_ms")
    normal = taught().normals["pump_unlike_normal", ""][-1]
    at = normal.features.index("svalve_swing_time_ms")
    # Machines vary by 5 ms from sample to sample, and by a tenth of that from stretch to stretch.
    assert 4.0 < normal.spread[at] * normal.scale[at] < 6.0
    assert run(spoiled("svalve_swing_time_ms", swing + 4.0), taught()) == []
    assert run(spoiled("svalve_swing_time_ms", swing + 25.0), taught()) != []


def test_after_a_repair_the_machine_is_learned_anew() -> None:
    changed = spoiled("svalve_swing_time_ms", column(healthy(1), "svalve_swing_time_ms") + 60)
    before = run(changed, taught())
    assert [one.kind for one in before] == ["raised"]
    repaired = before[0].at + MS_PER_DAY // 2
    after = run(changed, taught(), who=replace(WHO, repairs=(("hydraulics", repaired),)))
    assert [one.kind for one in after] == ["raised", "cleared"]
    elsewhere = replace(WHO, repairs=(("connection", repaired),))
    assert run(changed, taught(), who=elsewhere) == before


def test_an_alarm_is_explained_in_both_languages() -> None:
    raised = run(drifting(), taught())[0]
    account = account_of(compiled(), catalogue(), WHO, raised)
    assert "S-valve swing time" in account.reason.en or "swing" in account.reason.en.lower()
    assert "expected" in account.reason.en
    assert "应为" in account.reason.zh
    assert compiled().plan.failure_mode["CP-F04"].name.en in account.title.en
    assert account.evidence["signals"]["svalve_swing_time_ms"]["unit"] == "ms"
