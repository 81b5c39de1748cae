"""A rule tried on history over HTTP: it runs beside the service, and says what would differ."""

from __future__ import annotations

from typing import Any

import httpx

from api.schemas.base import rfc3339
from fleet.clock import now_ms, to_datetime
from store import trials
from store.connection import Connection
from tests.api import plans
from tests.api.conftest import sign_in
from tests.api.world import machine_id, put_samples
from tests.processes import until

HOUR = 3_600_000


def moment(ms: int) -> str:
    return rfc3339(to_datetime(ms))


def asked(**change: Any) -> dict[str, Any]:
    now = now_ms()
    return {
        "product": "pump",
        "rule": "hot",
        "since": moment(now - 24 * HOUR),
        "until": moment(now),
        "change": change,
    }


def heat(store: Connection, serial: str, highest: float) -> None:
    """Two hours that grow to this temperature and cool again."""
    from store import ledger

    start = now_ms() - 3 * HOUR
    times = [start + step * 10_000 for step in range(720)]
    hot = [highest if 200 <= step < 400 else 60.0 for step in range(720)]
    plan = plans.catalogue().plans["pump"]
    columns = {"hyd_temp_c": hot, "eng_speed_rpm": [1500.0] * len(times)}
    put_samples(store, plan, serial, times, columns)
    tally = ledger.Tally(times[-1])
    tally.saw(times[0], times[-1])
    ledger.add(store, {machine_id(store, serial): tally})


def test_a_changed_rule_is_compared_with_todays(manager: httpx.Client, store: Connection) -> None:
    rule = plans.catalogue().plans["pump"].rule["hot"]
    heat(store, "P-1", 112.0)
    heat(store, "P-2", 96.0)
    started = manager.post("/trials", json=asked(when="hyd_temp_c > 90", clear="hyd_temp_c < 85"))
    assert started.status_code == 201, started.text
    assert started.json()["name"]["zh"] == rule.name.zh
    path = f"/trials/{started.json()['id']}"
    found = until(
        lambda: manager.get(path).json(), lambda body: body["state"] not in ("queued", "running")
    )
    assert (found["state"], found["progress"] <= 1) == ("done", True), found
    result = found["result"]
    assert (result["changed"]["alarms"], result["today"]["alarms"]) == (2, 1)
    assert result["by_machine"][0] == {"machine": "P-2", "changed": 1, "today": 0}
    assert [one["machine"] for one in result["only_changed"]][-1] == "P-2"
    assert {one["machine"] for one in result["today_alarms"]} == {"P-1"}
    (listed,) = manager.get("/trials").json()["items"]
    assert listed["id"] == found["id"] and "result" not in listed
    assert manager.post(f"{path}/cancel").status_code == 409


def test_what_cannot_be_understood_is_refused_with_its_column(manager: httpx.Client) -> None:
    refused = manager.post("/trials", json=asked(when="hyd_temp_c >> 90"))
    assert refused.status_code == 422
    (error,) = refused.json()["errors"]
    assert error["place"] == "body.change.when" and "column" in error["message"]
    unknown = manager.post("/trials", json=asked(when="hyd_tmp_c > 90")).json()["errors"]
    assert "hyd_temp_c" in unknown[0]["message"]
    assert manager.post("/trials", json={**asked(), "rule": "nothing"}).status_code == 404
    backwards = {**asked(), "since": moment(now_ms()), "until": moment(now_ms() - HOUR)}
    assert manager.post("/trials", json=backwards).status_code == 422


def test_only_managers_try_rules(api: httpx.Client) -> None:
    tom = sign_in(api, "tom")
    assert tom.post("/trials", json=asked()).status_code == 403
    assert tom.get("/trials").status_code == 403


def test_few_wait_and_a_waiting_one_is_cancelled(manager: httpx.Client, store: Connection) -> None:
    span = (now_ms() - HOUR, now_ms())
    store.execute("begin")
    trials.take_turn(store)  # the process of the service waits for its turn
    store.execute("commit")
    made = [
        trials.ask(store, "pump", "hot", {}, span, who="mia", now_ms=now_ms()) for _ in range(5)
    ]
    full = manager.post("/trials", json=asked())
    assert full.status_code == 409 and "5" in full.json()["detail"]
    assert manager.post(f"/trials/{made[0]}/cancel").json()["state"] == "cancelled"
    assert not trials.at_work(store, made[0], 0.5)
    assert manager.post("/trials", json=asked()).status_code == 201
