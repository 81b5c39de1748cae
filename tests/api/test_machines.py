"""Machines: health said in one place, positions, last values, the list and its pages."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from fleet.clock import MS_PER_HOUR, now_ms, to_datetime
from store.alarms import State
from store.connection import Connection
from tests.api import plans
from tests.api.world import START, machine_id, put_alarm, put_now, put_samples, put_ticket
from tests.small import NAME
from tickets.retiring import retire
from tickets.states import Actor

LATER = to_datetime(now_ms() + MS_PER_HOUR).isoformat()


def health_of(client: httpx.Client, serial: str) -> tuple[str, int | None]:
    body = client.get(f"/machines/{serial}").json()
    return body["health"], body["health_index"]


def test_a_machine_that_never_reported_is_not_healthy(manager: httpx.Client) -> None:
    body = manager.get("/machines/P-1").json()
    assert (body["health"], body["health_index"]) == ("unknown", None)
    assert body["connection"] == "never_seen"
    assert body["position"] == {"lat": 28.2, "lon": 112.9, "source": "site", "at": None}
    assert all(signal["value"] is None for signal in body["signals"])
    assert all(signal["grade"] == "unknown" for signal in body["signals"])


@pytest.mark.parametrize(
    ("alarms", "expected"),
    [
        ([], ("ok", 100)),
        ([("warm", 2, "active")], ("warning", 90)),
        ([("warm", 2, "active"), ("hot", 3, "acknowledged")], ("alarm", 60)),
        ([("boiling", 4, "active"), ("hot", 3, "active"), ("warm", 2, "active")], ("stop", 0)),
        ([("hot", 3, "returned"), ("warm", 2, "cleared")], ("ok", 100)),
        ([("silent", 3, "active")], ("ok", 100)),
    ],
)
def test_the_worst_standing_alarm_decides_health(
    manager: httpx.Client,
    store: Connection,
    alarms: list[tuple[str, int, State]],
    expected: tuple[str, int | None],
) -> None:
    put_now(store, "P-1")
    for rule, severity, state in alarms:
        put_alarm(store, "P-1", rule, severity, state=state)
    assert health_of(manager, "P-1") == expected


def test_silence_is_neither_health_nor_a_fault_of_the_machine(
    manager: httpx.Client, store: Connection
) -> None:
    put_now(store, "P-1", connection="offline")
    put_alarm(store, "P-1", "silent", 3)
    assert health_of(manager, "P-1") == ("unknown", None)
    put_alarm(store, "P-1", "boiling", 4)
    assert health_of(manager, "P-1") == ("stop", 40)


def test_last_values_have_time_age_unit_and_grade(manager: httpx.Client, store: Connection) -> None:
    now = now_ms()
    signals: dict[str, Any] = {
        "hyd_temp_c": [104.0, now - 5000],
        "oil_temp_c": [40.0, now - 3_600_000],
        "pto_state": [1, now],
        "eng_hours_h": [1234.5, now],
        "gps_lat": [30.5, now - 20_000],
        "gps_lon": [114.3, now - 20_000],
    }
    code = {"key": "spn110-fmi0", "spn": 110, "fmi": 0, "oc": 3, "sa": 0, "lamp": "stop"}
    faults = [{**code, "since_ms": 0}, {"key": "E1042", "code": "E1042", "since_ms": 1000}]
    since = to_datetime(now - 60_000)
    put_now(
        store,
        "P-1",
        signals=signals,
        faults=faults,
        measured_at=to_datetime(now - 5000),
        regime="working",
        regime_since=since,
    )
    body = manager.get("/machines/P-1").json()
    found = {signal["key"]: signal for signal in body["signals"]}
    hot = found["hyd_temp_c"]
    assert (hot["value"], hot["unit"], hot["grade"], hot["headline"]) == (
        104.0,
        "°C",
        "alarm",
        True,
    )
    assert 5 <= hot["age_s"] < 60
    assert hot["at"] == to_datetime(now - 5000).isoformat(timespec="milliseconds").replace(
        "+00:00", "Z"
    )
    assert found["oil_temp_c"]["grade"] == "unknown", "an hour old says nothing about now"
    assert found["pto_state"]["text"] == NAME
    assert body["hours"]["value"] == 1234.5 and body["hours"]["unit"] == "h"
    assert body["position"]["source"] == "gps" and body["position"]["lat"] == 30.5
    assert body["regime"]["id"] == "working"
    assert body["faults"][0]["fmi_text"] == NAME and body["faults"][0]["occurrences"] == 3
    assert body["faults"][1]["key"] == "E1042"
    assert (body["faults"][0]["lamp"], body["faults"][0]["source_address"]) == ("stop", 0)
    assert body["faults"][1]["since"] == "1970-01-01T00:00:01.000Z"


def test_the_list_is_filtered(manager: httpx.Client, store: Connection) -> None:
    put_now(store, "P-2")

    def serials(**params: str) -> list[str]:
        answer = manager.get("/machines", params=params)
        assert answer.status_code == 200, answer.text
        return [item["serial"] for item in answer.json()["items"]]

    assert serials() == ["C-1", "P-1", "P-2", "P-3"]
    assert serials(product="crane") == ["C-1"]
    assert serials(region="south") == ["P-1", "P-2", "P-3"]
    assert serials(station="polar") == ["C-1"]
    assert serials(health="ok") == ["P-2"]
    assert serials(text="p-3") == ["P-3"]
    assert serials(text="名称") == ["C-1", "P-1", "P-2", "P-3"]
    assert serials(text="100%_") == []
    assert serials(product="none") == []


def test_pages_hold_every_machine_once(manager: httpx.Client) -> None:
    seen: list[str] = []
    params: dict[str, Any] = {"limit": 1}
    while True:
        body = manager.get("/machines", params=params).json()
        seen += [item["serial"] for item in body["items"]]
        if body["next_cursor"] is None:
            break
        params["cursor"] = body["next_cursor"]
    assert seen == ["C-1", "P-1", "P-2", "P-3"]


def test_fitted_parts_come_with_remaining_life(manager: httpx.Client, store: Connection) -> None:
    part = store.execute(
        "select id from fitted_part where machine_id = %s and position = 'left'",
        (machine_id(store, "P-1"),),
    ).fetchone()
    assert part is not None
    store.execute(
        "insert into part_usage (fitted_part_id, at_fitting, used, per_day, as_of)"
        " values (%s, 0, 900, 6, now())",
        (part["id"],),
    )
    store.execute(
        "insert into remaining_life values"
        " (%s, now(), 'h', 20, 100, 300, now(), now(), null, 0.9, 'weibull', 12)",
        (part["id"],),
    )
    parts = manager.get("/machines/P-1").json()["parts"]
    assert parts[0]["position"] == "left" and len(parts) == 3
    assert parts[0]["remaining"]["p50"] == 100 and parts[0]["remaining"]["due_p90"] is None
    assert parts[0]["unit"] == "h" and parts[0]["used"] == 900
    assert parts[1]["remaining"] is None and parts[1]["life_mid"] == 1000
    fleet = manager.get("/parts/fitted", params={"limit": 2}).json()
    assert fleet["items"][0]["id"] == part["id"]
    seen = [item["id"] for item in fleet["items"]]
    while fleet["next_cursor"]:
        fleet = manager.get(
            "/parts/fitted", params={"limit": 2, "cursor": fleet["next_cursor"]}
        ).json()
        seen += [item["id"] for item in fleet["items"]]
    assert len(seen) == len(set(seen)) == 12


def test_the_part_that_is_due_first_is_on_top_however_worn_another_is(
    manager: httpx.Client, store: Connection
) -> None:
    fitted = store.execute("select id from fitted_part order by id limit 3").fetchall()
    due = ["2026-12-01", None, "2026-11-25"]
    for part, at, worn in zip(fitted, due, (0.9, 1.2, 0.4), strict=True):
        store.execute(
            "insert into remaining_life (fitted_part_id, as_of, unit, p10, p50, p90, due_p10,"
            " worn_share, method, sample_size) values (%s, now(), 'h', 2, 5, 9, %s, %s, 'plan', 0)",
            (part["id"], at, worn),
        )
    first = manager.get("/parts/fitted", params={"limit": 3}).json()
    rest = {"limit": 20, "cursor": first["next_cursor"]}
    items = [*first["items"], *manager.get("/parts/fitted", params=rest).json()["items"]]
    assert [item["id"] for item in items[:2]] == [fitted[2]["id"], fitted[0]["id"]]
    assert len({item["id"] for item in items}) == len(items) == 12


def test_a_retired_machine_is_in_no_list_but_its_own_and_its_history_is_read(
    manager: httpx.Client, store: Connection
) -> None:
    put_now(store, "P-1", signals={"hyd_temp_c": [80.0, START]})
    put_samples(store, plans.catalogue().plans["pump"], "P-1", [START], {"hyd_temp_c": [80.0]})
    alarm = put_alarm(store, "P-1", "hot", 3)
    number = put_ticket(store, "P-1")
    kept = manager.post("/machines/P-1/maintenance", json={"reason": "wait", "until": LATER})
    machine = manager.get("/machines/P-1").json()
    assert machine["retired_at"] is None
    done = retire(store, ["P-1"], actor=Actor("mia", "manager"), now_ms=now_ms())
    assert done.retired == ["P-1"]

    def listed(**params: str) -> list[str]:
        return [m["serial"] for m in manager.get("/machines", params=params).json()["items"]]

    assert (listed(), listed(retired="true")) == (["C-1", "P-2", "P-3"], ["P-1"])
    assert listed(retired="true", text="no such") == []
    machine = manager.get("/machines/P-1").json()
    assert machine["retired_at"] is not None and machine["health"] == "unknown"
    assert machine["services"] == machine["parts"] == machine["tickets"] == []
    assert machine["inspection"] is None
    for part in ("telemetry", "regimes", "ledger", "alarms"):
        assert manager.get(f"/machines/P-1/{part}").status_code == 200, part
    span = {"from": "2026-02-28T00:00:00Z", "to": "2026-03-02T00:00:00Z", "signals": "hyd_temp_c"}
    seen = manager.get("/machines/P-1/telemetry", params=span).json()["signals"]["hyd_temp_c"]
    assert 80.0 in seen["avg"]
    assert manager.get(f"/alarms/{alarm}").json()["state"] == "cleared"
    assert manager.get(f"/tickets/{number}").json()["status"] == "cancelled"
    again = manager.post("/machines/P-1/maintenance", json={"reason": "wait", "until": LATER})
    assert again.status_code == 409 and "P-1 is retired" in again.json()["detail"]
    ended = manager.post(f"/suppressions/{kept.json()['id']}/end")
    assert ended.status_code == 200, "what was begun before can be ended"
