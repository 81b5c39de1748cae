"""What becomes of alarms that still stand when their ticket ends: over the interface."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from fleet.clock import MS_PER_DAY, MS_PER_HOUR, now_ms, to_datetime
from rules.live.worker import Worker
from store.connection import Connection, Database
from tests.api.test_tickets import step
from tests.api.world import put_alarm, put_now, put_ticket

GOOD = {"ok": True, "number": 50.0, "choice": 0, "text": "fine"}


@pytest.fixture
def rules(database: str) -> Iterator[Worker]:
    """The rules at work behind the service."""
    with Database(database, max_size=2) as pool:
        yield Worker(pool)


def open_tickets(client: httpx.Client) -> list[Any]:
    found: list[Any] = client.get("/tickets", params={"open": True}).json()["items"]
    return found


def the_alarm(client: httpx.Client, alarm: int) -> Any:
    return client.get(f"/alarms/{alarm}").json()


def finish(client: httpx.Client, number: str) -> None:
    """A manager takes a ticket through its life for a technician."""
    assert step(client, number, "assigned", assignee="tom").status_code == 200
    for state in ("accepted", "travelling", "working"):
        assert step(client, number, state).status_code == 200
    for check in client.get(f"/tickets/{number}").json()["checks"]:
        path = f"/tickets/{number}/checks/{check['sequence']}"
        assert client.put(path, json={"answer": GOOD[check["result"]]}).status_code == 200
    done = step(client, number, "done", finding_code="confirmed")
    assert done.status_code == 200, done.text


def decisions(client: httpx.Client) -> list[str]:
    return [one["kind"] for one in client.get("/overview").json()["decisions"]]


def test_what_was_attached_to_a_cancelled_ticket_is_raised_anew(
    manager: httpx.Client, store: Connection, rules: Worker
) -> None:
    number = put_ticket(store, "P-1")
    first = manager.get("/alarms").json()["items"][0]["id"]
    store.execute("update alarm set state = 'cleared', cleared_at = now(), returned_at = now()")
    assert put_ticket(store, "P-1") == number
    again = next(one for one in manager.get("/alarms").json()["items"] if one["id"] != first)
    assert again["suppression"] == "ticket"
    cancelled = step(manager, number, "cancelled", note="customer repairs it himself")
    assert cancelled.status_code == 200, cancelled.text
    assert the_alarm(manager, again["id"])["suppression"] is None
    rules.tick(now_ms())
    (ticket,) = open_tickets(manager)
    assert ticket["number"] != number
    (item,) = manager.get(f"/tickets/{ticket['number']}").json()["items"]
    assert item["alarm_id"] == again["id"]
    assert "was cancelled" in item["reason"]["en"] and "已取消" in item["reason"]["zh"]
    events = manager.get(f"/alarms/{again['id']}/history").json()["events"]
    released = [(one["kind"], one["actor"]) for one in events if one["detail"] == "ticket"]
    assert released == [("suppressed", "ironpulse"), ("released", "mia")]
    # The cancelled ticket still lists it, and nothing is told a second time.
    (attached,) = manager.get(f"/tickets/{number}").json()["attached_alarms"]
    assert attached["alarm_id"] == again["id"]
    rules.tick(now_ms())
    assert len(open_tickets(manager)) == 1
    # What made a ticket was decided by whoever cancelled it.
    assert step(manager, ticket["number"], "cancelled", note="no need").status_code == 200
    rules.tick(now_ms())
    assert open_tickets(manager) == []


def test_maintenance_goes_before_a_cancelled_ticket(
    manager: httpx.Client, store: Connection, rules: Worker
) -> None:
    number = put_ticket(store, "P-1")
    store.execute("update alarm set state = 'cleared', cleared_at = now(), returned_at = now()")
    put_ticket(store, "P-1")
    until = to_datetime(now_ms() + MS_PER_HOUR).isoformat()
    body = {"until": until, "reason": "oil change"}
    mode = manager.post("/machines/P-1/maintenance", json=body).json()
    assert step(manager, number, "cancelled", note="wrong machine").status_code == 200
    rules.tick(now_ms())
    assert open_tickets(manager) == []
    assert manager.post(f"/suppressions/{mode['id']}/end").status_code == 200
    rules.tick(now_ms())
    assert len(open_tickets(manager)) == 1


def test_an_alarm_that_outlives_its_visit_is_raised_anew_a_week_later(
    manager: httpx.Client, store: Connection, rules: Worker
) -> None:
    number = put_ticket(store, "P-1", "boiling", 4)
    alarm = manager.get("/alarms").json()["items"][0]["id"]
    finish(manager, number)
    done = now_ms()
    told = the_alarm(manager, alarm)
    assert (told["state"], told["acknowledged_by"]) == ("acknowledged", "mia")
    assert decisions(manager) == ["stopped_after_visit"]
    put_now(store, "P-1", measured_at=to_datetime(done + 6 * MS_PER_DAY))
    rules.tick(done + 8 * MS_PER_DAY, listening=False)
    assert open_tickets(manager) == [], "the machine has said nothing for a week"
    at = to_datetime(done + 7 * MS_PER_DAY + 60_000)
    store.execute("update machine_now set measured_at = %s", (at,))
    rules.tick(done + 8 * MS_PER_DAY, listening=False)
    (ticket,) = open_tickets(manager)
    (item,) = manager.get(f"/tickets/{ticket['number']}").json()["items"]
    assert item["alarm_id"] == alarm and "after a visit" in item["reason"]["en"]
    assert the_alarm(manager, alarm)["state"] == "active"
    events = manager.get(f"/alarms/{alarm}/history").json()["events"]
    assert [event["kind"] for event in events] == ["raised", "acknowledged", "raised_anew"]
    rules.tick(done + 9 * MS_PER_DAY, listening=False)
    assert len(open_tickets(manager)) == 1


def test_what_opens_no_visits_or_is_silenced_waits_for_no_decision(
    manager: httpx.Client, store: Connection
) -> None:
    put_alarm(store, "P-1", "boiling", 4)
    assert decisions(manager) == ["stopped_without_ticket"]
    store.execute(
        "update product set plan = jsonb_set(plan, '{rules}', (select jsonb_agg("
        "rule || '{\"ticket\": false}') from jsonb_array_elements(plan -> 'rules') as rule))"
    )
    assert decisions(manager) == []
    other = put_alarm(store, "C-1", "boiling", 4)
    store.execute("update product set plan = jsonb_set(plan, '{rules}', '[]') where id = 'crane'")
    assert decisions(manager) == ["stopped_without_ticket"]
    store.execute("update alarm set suppression = 'shelved' where id = %s", (other,))
    assert decisions(manager) == []
