"""What closes an alarm beside the machine's data, and what of it still holds afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fleet import clock
from rules.alarms.disowned import held_as_raised, without
from rules.detectors.watched import NOTHING_WATCHED, Raised, Suspect
from rules.live.worker import Worker
from rules.state import IDLE, RAISED, empty_state
from store import machines
from store.migrate import migrate
from tests import small
from tests.rules.conftest import Bench
from tests.rules.live.test_worker import RunAll, rows
from tests.rules.plans import RULES, compiled, plan, rule
from tests.rules.test_rule_versions import changed
from tickets.retiring import retire
from tickets.states import Actor

CODE = {"spn": 110, "fmi": 0}


def load(bench: Bench, worker: Worker, rules: list[Any], version: str) -> None:
    migrate(bench.database.url, small.catalogue(plan(rules=rules, version=version)))
    worker.tick(clock.now_ms())


def edit_and_revert(bench: Bench, worker: Worker) -> None:
    edited = [{**one, "hold_s": 30} if one["id"] == "code" else one for one in changed(hold_s=30)]
    load(bench, worker, edited, "2")
    load(bench, worker, RULES, "1")


def remove_and_put_back(bench: Bench, worker: Worker) -> None:
    load(bench, worker, [one for one in RULES if one["id"] not in ("hot", "code")], "2")
    load(bench, worker, RULES, "1")


def retire_and_reinstate(bench: Bench, worker: Worker) -> None:
    with bench.connection.transaction():
        boss = Actor("boss", "manager")
        retire(bench.connection, ["P-1"], actor=boss, now_ms=clock.now_ms())
    worker.tick(clock.now_ms())
    machines.reinstate(bench.connection, ["P-1"])
    worker.forget_identities()


@pytest.mark.parametrize("close", [edit_and_revert, remove_and_put_back, retire_and_reinstate])
def test_what_still_holds_is_raised_again_after_its_alarm_was_closed(
    bench: Bench, run_all: RunAll, close: Callable[[Bench, Worker], None]
) -> None:
    start = clock.now_ms() - 600_000
    worker = bench.worker()
    bench.bring(rows(start, [60, 90, 90, 90, 90]))
    bench.bring_faults(1, start, CODE)
    run_all(worker)
    close(bench, worker)
    bench.bring(rows(start + 200_000, [90] * 4))
    bench.bring_faults(1, start + 200_000, CODE)
    run_all(worker)
    found = [one for one in bench.alarms("rule", "state") if one[0] in ("code", "hot")]
    assert sorted(found) == [
        ("code", "active"), ("code", "cleared"), ("hot", "active"), ("hot", "cleared"),
    ]  # fmt: skip
    told = bench.rows("select source from finding where source in ('code', 'hot')")
    assert len(told) == 4, "each of them is told"
    bench.bring(rows(start + 240_000, [60] * 3))
    bench.bring_faults(1, start + 240_000)
    run_all(worker)
    assert {row["state"] for row in bench.rows("select state from alarm where rule = 'hot'")} == {
        "returned", "cleared",
    }  # fmt: skip


def test_only_what_was_closed_begins_anew() -> None:
    normal = {"signals": ["oil_temp_c", "fuel_pct"]}
    known = compiled(rules=[*RULES, rule("unlike", normal=normal, regimes=["working"])])
    raised, stuck = Raised("unlike", "body", 5, 7), Raised("sensor", "body/fuel_pct", 5, 7)
    watched = replace(NOTHING_WATCHED, raised=raised, faulty={"fuel_pct": stuck})
    wild = Suspect(9, 7, 5, 3, 900.0, 901.0, Raised("sensor", "body/oil_temp_c", 5, 7))
    states = replace(
        empty_state(known, [1, 2]),
        watched=((watched,), (watched,)),
        suspects=({"oil_temp_c": wild}, {"oil_temp_c": wild}),
    )
    hot, mean = known.condition_index["hot"], known.condition_index["mean"]
    states.phase[:, [hot, mean]], states.raised_at[:, [hot, mean]] = RAISED, 9
    closed = {(1, "body", "hot"), (2, "body", "unlike"), (1, "body/fuel_pct", "sensor")}
    closed |= {(2, "body/oil_temp_c", "sensor")}
    held = held_as_raised(known, states, {})
    assert closed < held and len(held) == 10
    after = without(known, states, closed)
    assert held_as_raised(known, after, {}) == held - closed
    assert (after.phase[0, hot], after.phase[1, hot]) == (IDLE, RAISED)
    assert np.array_equal(states.phase[:, hot], [RAISED, RAISED])
