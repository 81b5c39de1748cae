"""Which detectors judge a machine, and which still learn, over HTTP."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx

from fleet.clock import MS_PER_DAY, now_ms
from rules.compiled import compile_plan
from rules.detectors.threshold import Phase, Standing
from rules.detectors.watched import NOTHING_WATCHED
from rules.faults import FaultState
from rules.live.keeping import saved_state
from rules.live.known_before import taught_in
from rules.state import empty_state
from store import rule_state
from store.connection import Connection
from tests.api import plans
from tests.api.world import machine_id, put_unlike


def _told(manager: httpx.Client, serial: str) -> Any:
    answer = manager.get(f"/machines/{serial}/detectors")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_detectors_of_a_machine_say_how_far_they_are(
    manager: httpx.Client, store: Connection
) -> None:
    (one,) = _told(manager, "P-1")["detectors"]
    assert (one["rule"], one["state"], one["machines"]) == ("unlike", "untaught", 0)
    put_unlike(store, now_ms() - MS_PER_DAY)
    (one,) = _told(manager, "P-1")["detectors"]
    assert (one["state"], one["left_h"]) == ("learning", 6.0)
    assert one["machines"] > 0 and _told(manager, "P-1")["as_of"] is None

    compiled = compile_plan(plans.catalogue().plans["pump"])
    normal = taught_in(store, "pump").normal("unlike", "", now_ms())
    assert normal is not None
    known = replace(normal.begin(), age=40.0)
    judging = replace(NOTHING_WATCHED, state=known, standing=Standing(Phase.QUIET))
    state = replace(empty_state(compiled, [machine_id(store, "P-1")]), watched=((judging,),))
    state.as_of[0] = now_ms()
    saved = saved_state(compiled, state, 0, FaultState(), learned=True)
    with store.transaction():
        rule_state.put_checkpoints(store, [saved])
    told = _told(manager, "P-1")
    assert (told["detectors"][0]["state"], told["detectors"][0]["own_h"]) == ("judging", 10.0)
    assert told["as_of"] is not None
    assert _told(manager, "P-2")["detectors"][0]["state"] == "learning"
    assert manager.get("/machines/nobody/detectors").status_code == 404
