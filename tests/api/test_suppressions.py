"""Shelving, out of service, maintenance mode: who may, what it says, and the history."""

from __future__ import annotations

from typing import Any

import httpx

from api.schemas.base import rfc3339
from fleet.clock import now_ms, to_datetime
from store.connection import Connection
from tests.api.conftest import sign_in
from tests.api.world import put_alarm, put_now, put_ticket

HOUR = 3_600_000


def in_an_hour() -> str:
    return rfc3339(to_datetime(now_ms() + HOUR))


def health(client: httpx.Client, serial: str = "P-1") -> Any:
    return client.get(f"/machines/{serial}").json()["health"]


def test_a_shelved_alarm_leaves_the_list_and_comes_back(
    manager: httpx.Client, store: Connection
) -> None:
    put_now(store, "P-1")
    alarm = put_alarm(store, "P-1", "hot", 3)
    assert health(manager) == "alarm"
    body = {"until": in_an_hour(), "reason": "sensor is being replaced"}
    shelved = manager.post(f"/alarms/{alarm}/shelve", json=body)
    assert shelved.status_code == 200, shelved.text
    assert (shelved.json()["state"], shelved.json()["suppression"]) == ("active", "shelved")
    assert health(manager) == "ok"
    assert manager.get("/alarms", params={"suppressed": False}).json()["items"] == []
    (listed,) = manager.get("/alarms", params={"suppressed": True}).json()["items"]
    assert listed["id"] == alarm
    (held,) = manager.get("/suppressions", params={"running": True}).json()["items"]
    assert (held["kind"], held["set_by"], held["reason"]) == ("shelved", "mia", body["reason"])
    assert held["name"]["zh"] and held["until"] == body["until"]
    back = manager.post(f"/alarms/{alarm}/unshelve").json()
    assert back["suppression"] is None and health(manager) == "alarm"
    again = manager.post(f"/alarms/{alarm}/unshelve")
    assert again.status_code == 409 and "搁置" in again.json()["detail_zh"]
    events = manager.get(f"/alarms/{alarm}/history").json()["events"]
    assert [(one["kind"], one["actor"], one["detail"]) for one in events] == [
        ("raised", "ironpulse", None),
        ("suppressed", "mia", "shelved"),
        ("released", "mia", "shelved"),
    ]


def test_maintenance_of_a_component_begins_and_ends(
    manager: httpx.Client, store: Connection
) -> None:
    alarm = put_alarm(store, "P-1", "hot", 3)
    other = put_alarm(store, "P-2", "hot", 3)
    body = {"until": in_an_hour(), "reason": "oil change", "component": "body"}
    begun = manager.post("/machines/P-1/maintenance", json=body)
    assert begun.status_code == 200, begun.text
    assert begun.json()["running"] and begun.json()["component_name"]["zh"]
    found = {one["id"]: one["suppression"] for one in manager.get("/alarms").json()["items"]}
    assert found == {alarm: "maintenance", other: None}
    ended = manager.post(f"/suppressions/{begun.json()['id']}/end").json()
    assert not ended["running"] and ended["ended_by"] == "mia"
    assert manager.post(f"/suppressions/{begun.json()['id']}/end").status_code == 409
    unknown = manager.post("/machines/P-1/maintenance", json={**body, "component": "wing"})
    assert unknown.status_code == 404 and "body" in unknown.json()["detail"]


def test_a_moment_that_is_over_is_refused(manager: httpx.Client, store: Connection) -> None:
    alarm = put_alarm(store, "P-1", "hot", 3)
    past = {"until": rfc3339(to_datetime(now_ms() - HOUR)), "reason": "why"}
    assert manager.post(f"/alarms/{alarm}/shelve", json=past).status_code == 409
    assert manager.post("/machines/P-1/maintenance", json=past).status_code == 409


def test_out_of_service_lasts_until_somebody_returns_it(
    manager: httpx.Client, store: Connection
) -> None:
    alarm = put_alarm(store, "P-1", "hot", 3)
    out = manager.post(f"/alarms/{alarm}/out-of-service", json={"reason": "wrong limit"})
    assert out.json()["suppression"] == "out_of_service"
    (held,) = manager.get("/suppressions", params={"machine": "P-1"}).json()["items"]
    assert held["until"] is None
    assert manager.post(f"/alarms/{alarm}/return-to-service").json()["suppression"] is None


def test_technicians_handle_alarms_of_their_station_only(
    api: httpx.Client, store: Connection
) -> None:
    own, foreign = put_alarm(store, "P-1", "hot", 3), put_alarm(store, "P-2", "hot", 3)
    store.execute(
        "insert into station (id, region, name, lat, lon)"
        " select 'elsewhere', region, name, lat, lon from station limit 1"
    )
    store.execute("update machine set station = 'elsewhere' where serial = 'P-2'")
    tom = sign_in(api, "tom")
    body = {"until": in_an_hour(), "reason": "on it"}
    assert tom.post(f"/alarms/{own}/shelve", json=body).status_code == 200
    assert tom.post(f"/alarms/{own}/acknowledge").status_code == 200
    for path, sent in (
        (f"/alarms/{foreign}/shelve", body),
        (f"/alarms/{foreign}/acknowledge", {}),
        ("/machines/P-2/maintenance", body),
    ):
        refused = tom.post(path, json=sent)
        assert refused.status_code == 403 and "elsewhere" in refused.json()["detail"]
    pat = sign_in(api, "pat")
    assert pat.post(f"/alarms/{own}/shelve", json=body).status_code == 403


def test_a_ticket_lists_what_it_kept_from_being_raised(
    manager: httpx.Client, store: Connection
) -> None:
    number = put_ticket(store, "P-1")
    store.execute("update alarm set state = 'cleared', cleared_at = now(), returned_at = now()")
    assert put_ticket(store, "P-1") == number
    (attached,) = manager.get(f"/tickets/{number}").json()["attached_alarms"]
    assert attached["rule"] == "hot" and number in attached["reason"]["zh"]
    (alarm,) = manager.get("/alarms", params={"suppressed": True}).json()["items"]
    assert (alarm["suppression"], alarm["ticket"]) == ("ticket", number)
