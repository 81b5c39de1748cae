"""Findings become visits in the real database: once, one per machine, with two workers at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from fleet.clock import MS_PER_DAY, MS_PER_HOUR, to_datetime
from store import tickets as reading
from store import usage, wear
from store.connection import Connection, connect
from tests.predict.plans import catalogue
from tests.tickets.findings import NOW, finding
from tickets import dispatch

CATALOGUE = catalogue()


@pytest.fixture
def connection(pump_store: str) -> Iterator[Connection]:
    with connect(pump_store) as opened:
        yield opened


def send(connection: Connection, *findings: Any, now: int = NOW) -> list[Any]:
    with connection.transaction():
        return dispatch(connection, CATALOGUE, findings, now)


def only_ticket(connection: Connection) -> reading.WholeTicket:
    rows = reading.queue(connection, {}, None, 10)
    assert len(rows) == 1
    found = reading.whole(connection, rows[0]["number"])
    assert found is not None
    return found


def test_a_finding_opens_a_ticket_a_technician_can_read(connection: Connection) -> None:
    decision = send(connection, finding())[0]
    assert (decision.outcome, decision.repeated) == ("opened", False)
    whole = only_ticket(connection)
    ticket = whole.ticket
    assert ticket["number"].startswith("T-2026-")
    assert (ticket["status"], ticket["priority"], ticket["serial"]) == ("new", 2, "P-1")
    assert ticket["target_at"] == to_datetime(NOW + 8 * MS_PER_HOUR)
    assert ticket["minutes"] == 60 + 4 * 5
    assert [item["evidence"] for item in whole.items] == [{"value": 310}]
    assert [check["sequence"] for check in whole.checks] == [1, 2, 3, 4]
    assert [part["position"] for part in whole.parts] == ["left", "right"]
    assert whole.events[0]["actor"] == "ironpulse"


def test_the_same_finding_twice_changes_nothing(connection: Connection) -> None:
    first = send(connection, finding())[0]
    again = send(connection, finding(), now=NOW + 5000)[0]
    assert again.repeated
    assert (again.finding_id, again.ticket_id) == (first.finding_id, first.ticket_id)
    assert len(only_ticket(connection).items) == 1


def test_findings_of_one_machine_share_a_visit_and_the_graver_raises_it(
    connection: Connection,
) -> None:
    send(connection, finding())
    decision = send(
        connection,
        finding("boom_creep", component="boom", severity=4, failure_modes=("F3",)),
        now=NOW + MS_PER_HOUR,
    )[0]
    assert decision.outcome == "raised"
    whole = only_ticket(connection)
    assert (whole.ticket["priority"], whole.ticket["skill"]) == (1, "T3")
    assert whole.ticket["target_at"] == to_datetime(NOW + 5 * MS_PER_HOUR)
    assert whole.ticket["title"]["en"] == "boom_creep (+1 more)"
    assert len(whole.checks) == 5


def test_answers_come_in_the_order_of_the_findings(connection: Connection) -> None:
    other = finding(machine_id=2)
    decisions = send(connection, other, finding("silent_watch", severity=2), finding())
    assert [decision.outcome for decision in decisions] == ["opened", "recorded", "opened"]
    row = connection.execute(
        "select reason from finding where id = %s", (decisions[1].finding_id,)
    ).fetchone()
    assert row is not None and row["reason"]["zh"]


def test_what_is_due_soon_is_done_on_the_same_visit(connection: Connection) -> None:
    fitted = connection.execute(
        "select id from fitted_part where machine_id = 1 and part = 'piston' and position = 'left'"
    ).fetchone()
    assert fitted is not None
    due = to_datetime(NOW + 3 * MS_PER_DAY)
    usage.put_part_usage(connection, [fitted["id"]], [0.0], [9000.0], [to_datetime(NOW)])
    life = {"ids": [fitted["id"]], "used": [9000.0], "per_day": [300.0], "units": ["m3"]}
    life |= {"p10": [900.0], "p50": [5000.0], "p90": [9000.0], "due_p10": [due]}
    life |= {"due_p50": [None], "due_p90": [None], "worn_share": [0.6], "worn_by": ["{}"]}
    life["plain_by"] = ["{}"]
    wear.put_remaining_life(
        connection, life | {"methods": ["plan"], "sample_sizes": [0], "condition": [None]}, NOW
    )
    services = [
        wear.DueService(1, key, 460.0, 500.0, None, to_datetime(NOW), True)
        for key in ("s250", "s500")
    ]
    wear.put_services_due(connection, [1], services, NOW)

    send(connection, finding())
    whole = only_ticket(connection)
    found = {(item["kind"], item["source"]) for item in whole.items}
    assert found == {("alarm", "overpressure"), ("wear", "piston"), ("service", "s500")}
    left = [part for part in whole.parts if part["fitted_part_id"] == fitted["id"]]
    assert len(left) == 1
    assert {
        row["reason"]["en"]
        for row in connection.execute("select reason from finding where outcome = 'merged'")
    } == {"Due soon: done on the same visit."}


def test_two_workers_at_once_open_one_visit(pump_store: str) -> None:
    """The first holds its new visit uncommitted while the second wants to open one too."""
    with connect(pump_store) as first, connect(pump_store) as second:
        decisions = []

        def other() -> None:
            decisions.extend(send(second, finding("boom_creep", component="boom", severity=4)))

        worker = threading.Thread(target=other)
        with first.transaction():
            opened = dispatch(first, CATALOGUE, [finding()], NOW)[0]
            worker.start()
            _wait_until_blocked(first, second)
        worker.join(30)
        assert [d.outcome for d in decisions] == ["raised"]
        assert decisions[0].ticket_id == opened.ticket_id
        assert len(only_ticket(first).items) == 2


def test_two_workers_with_the_same_finding_decide_it_once(pump_store: str) -> None:
    with connect(pump_store) as first, connect(pump_store) as second:
        decisions = []

        def other() -> None:
            decisions.extend(send(second, finding()))

        worker = threading.Thread(target=other)
        with first.transaction():
            opened = dispatch(first, CATALOGUE, [finding()], NOW)[0]
            worker.start()
            _wait_until_blocked(first, second)
        worker.join(30)
        assert [(d.finding_id, d.repeated) for d in decisions] == [(opened.finding_id, True)]
        assert len(only_ticket(first).items) == 1


def _wait_until_blocked(watcher: Connection, blocked: Connection) -> None:
    """Until the other connection waits for a lock; the test's time limit ends a wait in vain."""
    pid = blocked.info.backend_pid
    while True:
        row = watcher.execute(
            "select wait_event_type from pg_stat_activity where pid = %s", (pid,)
        ).fetchone()
        if row is not None and row["wait_event_type"] == "Lock":
            return
        # Statistics are frozen inside a transaction until they are thrown away.
        watcher.execute("select pg_stat_clear_snapshot()")
