"""Tickets over the interface: the queue, who sees and does what, from new to done."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from api.present.ticket import causes
from fleet.clock import now_ms
from fleet.plan import ProductPlan
from store.connection import Connection
from tests.api import plans
from tests.api.conftest import sign_in
from tests.api.world import put_alarm, put_ticket

HOUR = 3_600_000


def step(client: httpx.Client, number: str, to: str, **more: Any) -> httpx.Response:
    version = client.get(f"/tickets/{number}").json().get("version", 1)
    return client.post(
        f"/tickets/{number}/transitions", json={"to": to, "version": version, **more}
    )


def test_from_new_to_done(api: httpx.Client, store: Connection) -> None:
    number = put_ticket(store, "P-1")
    sign_in(api, "mia")
    assigned = step(api, number, "assigned", assignee="tom", note="please")
    assert assigned.status_code == 200, assigned.text
    assert assigned.json()["assignee"] == "tom"
    sign_in(api, "tom")
    planned = api.put(
        f"/tickets/{number}/plan",
        json={"planned_at": "2026-12-01T08:00:00+08:00", "version": assigned.json()["version"]},
    )
    assert planned.json()["planned_at"] == "2026-12-01T00:00:00.000Z"
    for state in ("accepted", "travelling", "working"):
        answer = step(api, number, state)
        assert answer.status_code == 200, answer.text
    ticket = answer.json()
    assert ticket["arrived_at"] is not None and not ticket["overdue"]
    assert "done" in ticket["next_states"]
    good = {"ok": True, "number": 150.0, "choice": 0, "text": "fine"}
    for check in ticket["checks"]:
        path = f"/tickets/{number}/checks/{check['sequence']}"
        answer = api.put(path, json={"answer": good[check["result"]]})
        assert answer.status_code == 200, answer.text
    assert all(check["passed"] for check in answer.json()["checks"])
    part = ticket["parts"][0]
    answer = api.put(
        f"/tickets/{number}/parts/{part['id']}", json={"replaced": True, "reason": "worn"}
    )
    assert answer.json()["parts"][0]["found"] == "worn"
    answer = api.post(f"/tickets/{number}/notes", json={"note": "密封圈已换"})
    assert answer.status_code == 201
    assert answer.json()["history"][-1]["note"]["zh"] == "密封圈已换"
    item = ticket["items"][0]["id"]
    done = step(
        api, number, "done", finding_code="confirmed", item_codes={str(item): "sensor_fault"}
    )
    assert done.status_code == 200, done.text
    body = done.json()
    assert (body["status"], body["finding_code"]) == ("done", "confirmed")
    assert body["items"][0]["finding_code"] == "sensor_fault"
    assert body["next_states"] == []
    assert step(api, number, "working").status_code == 409


def test_the_ticket_says_why_what_to_check_and_what_to_bring(
    manager: httpx.Client, store: Connection
) -> None:
    number = put_ticket(store, "P-1")
    body = manager.get(f"/tickets/{number}").json()
    item = body["items"][0]
    assert item["reason"]["en"] == "hotter than 100 °C"
    assert item["evidence"] == {"values": {"hyd_temp_c": 104.0}}
    assert item["component_name"]["zh"] == "名称"
    assert [cause["id"] for cause in item["likely_causes"]] == ["F01"]
    assert [(each["id"], each["remedy"]["zh"]) for each in body["likely_causes"]] == [
        ("F01", "名称")
    ]
    assert body["checks"] and body["parts"][0]["number"] == "N-seal"
    assert body["position"] == {"lat": 28.2, "lon": 112.9}
    assert body["history"][0]["from_status"] is None
    alarm = manager.get(f"/alarms?machine={body['serial']}").json()["items"][0]
    assert alarm["ticket"] == number


def test_the_causes_of_a_visit_are_those_of_all_that_is_wrong() -> None:
    pump = plans.catalogue().plans["pump"]
    one = pump.failure_mode["F01"]
    modes = [one.model_copy(update={"id": name, "base_rate": rate})
             for name, rate in (("F01", 0.1), ("F02", 0.2), ("F03", 0.9))]  # fmt: skip
    plan = ProductPlan.model_validate({**pump.model_dump(), "failure_modes": modes})
    reasons = [
        {"kind": "alarm", "failure_modes": ["F01", "F03"]},
        {"kind": "inspection", "failure_modes": ["F03"]},
        {"kind": "alarm", "failure_modes": ["F02", "gone"]},
    ]
    assert [each.id for each in causes(reasons, plan)] == ["F02", "F01", "F03"]
    assert causes(reasons, None) == []


def test_a_stale_version_is_a_conflict(manager: httpx.Client, store: Connection) -> None:
    number = put_ticket(store, "P-1")
    body = {"to": "assigned", "version": 1, "assignee": "tom"}
    path = f"/tickets/{number}/transitions"
    assert manager.post(path, json={**body, "version": 99}).status_code == 409
    first = manager.post(path, json=body | {"version": current(manager, number)})
    assert first.status_code == 200
    again = manager.post(path, json=body | {"version": first.json()["version"] - 1})
    assert again.status_code == 409
    problem = again.json()
    assert number in problem["detail"] and number in problem["detail_zh"]
    assert manager.get(f"/tickets/{number}").json()["version"] == first.json()["version"]


def current(client: httpx.Client, number: str) -> int:
    version: int = client.get(f"/tickets/{number}").json()["version"]
    return version


def test_impossible_steps_and_wrong_answers_are_refused_in_sentences(
    manager: httpx.Client, store: Connection
) -> None:
    number = put_ticket(store, "P-1")
    before = manager.get(f"/tickets/{number}").json()
    assert step(manager, number, "working").status_code == 409
    assert step(manager, number, "assigned", assignee="nobody").status_code == 404
    assert step(manager, number, "assigned").status_code == 422
    assert step(manager, number, "cancelled").status_code == 422
    assert step(manager, number, "cancelled", note="   ").status_code == 422
    assert step(manager, number, "done", finding_code="magic").status_code == 422
    yes_no = next(check for check in before["checks"] if check["result"] == "ok")
    answer = manager.put(f"/tickets/{number}/checks/{yes_no['sequence']}", json={"answer": "maybe"})
    assert answer.status_code == 409 and "true or false" in answer.json()["detail"]
    assert manager.put(f"/tickets/{number}/checks/999", json={"answer": True}).status_code == 404
    kept = {"replaced": False}
    assert manager.put(f"/tickets/{number}/parts/999", json=kept).status_code == 404
    assert manager.get("/tickets/T-0").status_code == 404
    assert manager.get(f"/tickets/{number}").json() == before, "nothing was changed"


def test_a_technician_sees_the_own_station_the_own_and_the_unassigned(
    api: httpx.Client, store: Connection
) -> None:
    store.execute(
        "insert into account select 'uta', display, role, 'polar', password_hash, created_at"
        " from account where name = 'tom'"
    )
    north, south, other = (put_ticket(store, s) for s in ("C-1", "P-1", "P-2"))
    sign_in(api, "mia")
    assert step(api, south, "assigned", assignee="tom").status_code == 200
    assert step(api, other, "assigned", assignee="uta").status_code == 200

    def seen() -> set[str]:
        items = api.get("/tickets").json()["items"]
        numbers = {item["number"] for item in items}
        machines = (api.get(f"/machines/{serial}").json() for serial in ("C-1", "P-1", "P-2"))
        assert {each["number"] for machine in machines for each in machine["tickets"]} == numbers
        for number in (north, south, other):
            code = api.get(f"/tickets/{number}").status_code
            assert code == (200 if number in numbers else 404)
        return numbers

    assert seen() == {north, south, other}
    sign_in(api, "tom")
    assert seen() == {north, south, other}, "the north one is nobody's yet"
    sign_in(api, "uta")
    assert seen() == {north, other}, "one of the own station, one given to her"
    assert step(api, north, "assigned", assignee="uta").status_code == 200
    sign_in(api, "tom")
    assert seen() == {south, other}
    refused = step(api, other, "accepted")
    assert refused.status_code == 403 and "uta" in refused.json()["detail"]
    answer = api.post(f"/tickets/{north}/notes", json={"note": "hello"})
    assert answer.status_code == 404, "what cannot be seen cannot be changed"


def test_the_parts_team_has_no_tickets(api: httpx.Client, store: Connection) -> None:
    number = put_ticket(store, "P-1")
    sign_in(api, "pat")
    for answer in (
        api.get("/tickets"),
        api.get(f"/tickets/{number}"),
        api.get("/technicians"),
        api.post(f"/tickets/{number}/notes", json={"note": "hello"}),
        api.post(
            f"/tickets/{number}/transitions",
            json={"to": "cancelled", "version": 1, "note": "no"},
        ),
    ):
        assert answer.status_code == 403, answer.text
    machine = api.get("/machines/P-1").json()
    assert machine["open_tickets"] == 1 and machine["tickets"] == []


def test_a_technician_of_no_station_sees_no_more_than_any_other(
    api: httpx.Client, store: Connection
) -> None:
    north, south = put_ticket(store, "C-1"), put_ticket(store, "P-1")
    sign_in(api, "mia")
    assert step(api, north, "assigned", assignee="tom").status_code == 200
    key = api.post("/api-keys", json={"name": "van", "role": "technician"}).json()["key"]
    store.execute("update account set station = null where name = 'tom'")
    store.execute("update ticket set assignee = 'uta' where number = %s", (south,))
    numbers = {item["number"] for item in sign_in(api, "tom").get("/tickets").json()["items"]}
    assert numbers == {north}, "the other is somebody else's"
    api.headers.pop("Authorization")
    found = api.get("/tickets", headers={"X-API-Key": key}).json()["items"]
    assert {item["number"] for item in found} == {north, south}


def test_the_queue_is_filtered_and_paged(manager: httpx.Client, store: Connection) -> None:
    old = now_ms() - 100 * HOUR
    numbers = [
        put_ticket(store, "P-1", severity=3),
        put_ticket(store, "P-2", severity=4),
        put_ticket(store, "P-3", severity=3, at=old),
        put_ticket(store, "C-1", severity=2),
    ]

    def ask(**params: Any) -> list[str]:
        answer = manager.get("/tickets", params=params)
        assert answer.status_code == 200, answer.text
        return [item["number"] for item in answer.json()["items"]]

    in_order = [numbers[1], numbers[2], numbers[0], numbers[3]]
    assert ask() == in_order
    assert ask(station="polar") == [numbers[3]]
    assert ask(priority=2) == [numbers[2], numbers[0]]
    assert ask(machine="P-2") == [numbers[1]]
    assert ask(open="false") == [] and ask(status="done") == []
    overdue = {i["number"] for i in manager.get("/tickets").json()["items"] if i["overdue"]}
    assert overdue == {numbers[2]}
    assert step(manager, numbers[0], "assigned", assignee="tom").status_code == 200
    assert ask(assignee="tom") == [numbers[0]]
    people = manager.get("/technicians", params={"station": "station"}).json()["items"]
    assert [(p["name"], p["open_tickets"]) for p in people] == [("tom", 1)]
    seen: list[str] = []
    cursor = None
    while True:
        params = {"limit": 1, **({"cursor": cursor} if cursor else {})}
        body = manager.get("/tickets", params=params).json()
        seen += [item["number"] for item in body["items"]]
        cursor = body["next_cursor"]
        if cursor is None:
            break
    assert seen == in_order


@pytest.mark.parametrize("person", ["mia", "tom"])
def test_alarms_are_acknowledged_once(api: httpx.Client, store: Connection, person: str) -> None:
    standing = put_alarm(store, "P-1", "hot", 3)
    gone = put_alarm(store, "P-2", "hot", 3, state="returned")
    sign_in(api, person)
    body = api.post(f"/alarms/{standing}/acknowledge").json()
    assert (body["state"], body["acknowledged_by"]) == ("acknowledged", person)
    assert api.post(f"/alarms/{gone}/acknowledge").json()["state"] == "cleared"
    again = api.post(f"/alarms/{standing}/acknowledge")
    assert again.status_code == 409 and "已确认" in again.json()["detail_zh"]
    assert api.post("/alarms/999999/acknowledge").status_code == 404
    sign_in(api, "pat")
    assert api.post(f"/alarms/{standing}/acknowledge").status_code == 403
