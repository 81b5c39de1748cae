"""A ticket from new to done in the real database, and what its end sets in motion."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from fleet.clock import MS_PER_HOUR, to_datetime
from store import part_alerts
from store import tickets as reading
from store.connection import Connection, connect
from tests.predict.plans import catalogue
from tests.tickets.findings import NOW, finding
from tickets import dispatch, lifecycle
from tickets.states import Actor
from tickets.words import FINDING_CODES, STATUSES, TicketError

CATALOGUE = catalogue()
BOSS = Actor("boss", "manager")
TECH = Actor("li", "technician")
OTHER = Actor("wang", "technician")
PARTS = Actor("parts", "parts")
END = NOW + 6 * MS_PER_HOUR


@pytest.fixture
def connection(pump_store: str) -> Iterator[Connection]:
    with connect(pump_store) as opened:
        yield opened


def open_ticket(connection: Connection, *findings: Any) -> str:
    with connection.transaction():
        decision = dispatch(connection, CATALOGUE, findings or [finding()], NOW)[0]
    row = connection.execute(
        "select number from ticket where id = %s", (decision.ticket_id,)
    ).fetchone()
    assert row is not None
    return str(row["number"])


def to_work(connection: Connection, number: str) -> None:
    step: dict[str, Any] = {"version": None, "now_ms": NOW + MS_PER_HOUR}
    with connection.transaction():
        lifecycle.assign(connection, number, "li", actor=BOSS, **step)
        lifecycle.move(connection, number, "accepted", actor=TECH, **step)
        lifecycle.move(connection, number, "travelling", actor=TECH, **step)
        lifecycle.move(connection, number, "working", actor=TECH, **step)


def whole(connection: Connection, number: str) -> reading.WholeTicket:
    found = reading.whole(connection, number)
    assert found is not None
    return found


def answer_all(connection: Connection, number: str, **other: Any) -> None:
    for check in whole(connection, number).checks:
        value = other.get(check["item"], 0.5 if check["definition"]["result"] == "number" else True)
        lifecycle.answer_checks(
            connection, number, {check["sequence"]: value}, actor=TECH, version=None, now_ms=END
        )


def finish(connection: Connection, number: str, code: str = "confirmed", **more: Any) -> int:
    with connection.transaction():
        return lifecycle.finish(
            connection, CATALOGUE, number, code, actor=TECH, version=None, now_ms=END, **more
        )


def test_the_whole_life_stands_in_the_history(connection: Connection) -> None:
    number = open_ticket(connection)
    to_work(connection, number)
    answer_all(connection, number)
    version = finish(connection, number, note="hose chafed")
    ticket = whole(connection, number)
    assert [event["to_status"] for event in ticket.events] == [
        "new",
        "assigned",
        "accepted",
        "travelling",
        "working",
        "done",
    ]
    assert ticket.events[-1]["note"]["en"].endswith("hose chafed")
    assert ticket.ticket["version"] == version
    assert ticket.ticket["arrived_at"] == to_datetime(NOW + MS_PER_HOUR)
    assert ticket.items[0]["finding_code"] == "confirmed"
    assert reading.promises_kept(connection, NOW, END) == (1, 0)


def test_a_replaced_part_starts_a_new_life(connection: Connection) -> None:
    number = open_ticket(connection)
    left, right = whole(connection, number).parts
    part_alerts.raise_(
        connection,
        [
            {
                "fitted_part_id": left["fitted_part_id"],
                "quantity": 1,
                "order_by": to_datetime(NOW),
                "needed_by": to_datetime(END),
                "probability": 0.4,
                "evidence": {},
            }
        ],
        NOW,
    )
    to_work(connection, number)
    answer_all(connection, number)
    lifecycle.answer_parts(connection, number, {left["id"]: "worn"}, actor=TECH, version=None)
    finish(connection, number)

    rows = connection.execute(
        "select id, position, fitted_at, removed_at, removed_reason from fitted_part"
        " where machine_id = 1 and part = 'piston' order by fitted_at, position"
    ).fetchall()
    old, kept, new = rows
    assert (old["removed_at"], old["removed_reason"]) == (to_datetime(END), "worn")
    assert kept["removed_at"] is None
    assert (new["position"], new["fitted_at"]) == ("left", to_datetime(END))
    alert = part_alerts.alerts(connection, {}, None, 10)[0]
    assert (alert["status"], alert["ticket"]) == ("done", number)
    assert [part["replaced"] for part in whole(connection, number).parts] == [True, False]
    assert right["fitted_part_id"] == kept["id"]


def test_alarms_are_settled(connection: Connection) -> None:
    alarms = [
        connection.execute(
            "insert into alarm (machine_id, component, rule, plan_version, severity, state,"
            " raised_at, detected_at, late, evidence)"
            " values (1, 'pump', %s, '1', 3, %s, %s, %s, false, '{}') returning id",
            (rule, state, to_datetime(NOW), to_datetime(NOW)),
        ).fetchone()
        for rule, state in (("overpressure", "active"), ("other", "returned"))
    ]
    ids = [row["id"] for row in alarms if row is not None]
    number = open_ticket(connection, finding(alarm_id=ids[0]), finding("other", alarm_id=ids[1]))
    to_work(connection, number)
    answer_all(connection, number)
    finish(connection, number)
    states = connection.execute("select state, acknowledged_by from alarm order by id").fetchall()
    assert [(row["state"], row["acknowledged_by"]) for row in states] == [
        ("acknowledged", "li"),
        ("cleared", "li"),
    ]


def test_a_service_done_counts_for_all_it_includes(connection: Connection) -> None:
    connection.execute(
        "insert into machine_now (machine_id, signals) values (1, '{\"op_hours_h\": [512.5, 1]}')"
    )
    service = finding("s500", kind="service", severity=1, failure_modes=())
    number = open_ticket(connection, service)
    to_work(connection, number)
    answer_all(connection, number, paint=0)
    finish(connection, number, "no_fault_found")
    rows = connection.execute("select service, hours from service_done order by service").fetchall()
    assert [(row["service"], row["hours"]) for row in rows] == [
        ("daily", 512.5),
        ("s250", 512.5),
        ("s500", 512.5),
    ]
    assert whole(connection, number).items[0]["finding_code"] == "service_done"


def test_a_service_with_a_failed_line_is_not_done(connection: Connection) -> None:
    service = finding("s250", kind="service", severity=1, failure_modes=())
    number = open_ticket(connection, service)
    to_work(connection, number)
    answer_all(connection, number, paint=0, s250_1=False)
    finish(connection, number, "no_fault_found")
    assert whole(connection, number).items[0]["finding_code"] == "service_not_done"
    assert connection.execute("select from service_done").fetchone() is None


def refused(connection: Connection, code: str, call: Any, *args: Any, **named: Any) -> TicketError:
    with pytest.raises(TicketError) as caught, connection.transaction():
        call(connection, *args, **named)
    assert caught.value.code == code
    assert caught.value.text.zh
    return caught.value


def test_a_visit_is_not_finished_without_its_safety_checks(connection: Connection) -> None:
    number = open_ticket(connection)
    to_work(connection, number)
    error = refused(
        connection,
        "checks_missing",
        lifecycle.finish,
        CATALOGUE,
        number,
        "confirmed",
        actor=TECH,
        version=None,
        now_ms=END,
    )
    assert "boom_pins" in str(error)


def test_a_failed_safety_check_does_not_pass_in_silence(connection: Connection) -> None:
    number = open_ticket(connection)
    to_work(connection, number)
    answer_all(connection, number, estop=False)
    done: dict[str, Any] = {"actor": TECH, "version": None, "now_ms": END}
    refused(connection, "safety_failed", lifecycle.finish, CATALOGUE, number, "confirmed", **done)
    refused(
        connection, "safety_failed", lifecycle.finish, CATALOGUE, number, "out_of_service", **done
    )
    finish(connection, number, "out_of_service", note="tagged out, key with the site manager")
    follow_up = reading.queue(connection, {"open": True}, None, 10)
    assert [(row["priority"], row["title"]["en"]) for row in follow_up] == [
        (1, "Failed safety check: estop")
    ]


def test_worn_parts_need_a_decision(connection: Connection) -> None:
    left = connection.execute(
        "select id from fitted_part where machine_id = 1 and part = 'piston' order by id"
    ).fetchone()
    assert left is not None
    worn = finding(
        "piston",
        kind="wear",
        severity=2,
        failure_modes=("F1",),
        evidence={"fitted_part_ids": [left["id"]]},
    )
    number = open_ticket(connection, worn)
    to_work(connection, number)
    answer_all(connection, number)
    done: dict[str, Any] = {"actor": TECH, "version": None, "now_ms": END}
    refused(connection, "parts_missing", lifecycle.finish, CATALOGUE, number, "confirmed", **done)
    part = whole(connection, number).parts[0]
    lifecycle.answer_parts(connection, number, {part["id"]: None}, actor=TECH, version=None)
    finish(connection, number)
    assert whole(connection, number).items[0]["finding_code"] == "wear_not_reached"


def test_steps_that_are_not_allowed(connection: Connection) -> None:
    number = open_ticket(connection)
    step: dict[str, Any] = {"version": None, "now_ms": NOW}
    refused(connection, "ticket_unknown", lifecycle.move, "T-1", "accepted", actor=BOSS, **step)
    refused(connection, "step_impossible", lifecycle.move, number, "working", actor=BOSS, **step)
    refused(connection, "step_forbidden", lifecycle.assign, number, "li", actor=OTHER, **step)
    refused(connection, "step_forbidden", lifecycle.assign, number, "li", actor=PARTS, **step)
    lifecycle.assign(connection, number, "wang", actor=OTHER, **step)
    refused(connection, "step_forbidden", lifecycle.move, number, "accepted", actor=TECH, **step)
    refused(connection, "step_forbidden", lifecycle.cancel, number, "no", actor=OTHER, **step)
    refused(connection, "note_missing", lifecycle.cancel, number, " ", actor=BOSS, **step)
    lifecycle.cancel(connection, number, "sold", actor=BOSS, **step)
    refused(connection, "ticket_closed", lifecycle.plan_visit, number, NOW, actor=BOSS, **step)


def test_a_stale_version_is_refused(connection: Connection) -> None:
    number = open_ticket(connection)
    version = whole(connection, number).ticket["version"]
    newer = lifecycle.assign(connection, number, "li", actor=BOSS, version=version, now_ms=NOW)
    assert newer == version + 1
    refused(
        connection,
        "version_conflict",
        lifecycle.move,
        number,
        "accepted",
        actor=TECH,
        version=version,
        now_ms=NOW,
    )


def test_reassigning_giving_back_planning_and_notes(connection: Connection) -> None:
    number = open_ticket(connection)
    step: dict[str, Any] = {"version": None, "now_ms": NOW}
    lifecycle.assign(connection, number, "li", actor=BOSS, **step)
    lifecycle.move(connection, number, "accepted", actor=TECH, **step)
    lifecycle.assign(connection, number, "wang", actor=BOSS, **step)
    lifecycle.plan_visit(connection, number, END, actor=OTHER, **step)
    lifecycle.add_note(connection, number, "gate code 12", actor=PARTS, now_ms=NOW)
    assert whole(connection, number).ticket["planned_at"] == to_datetime(END)
    lifecycle.move(connection, number, "new", actor=OTHER, **step)
    ticket = whole(connection, number)
    assert (ticket.ticket["status"], ticket.ticket["assignee"]) == ("new", None)
    assert "gate code 12" in [event["note"]["zh"] for event in ticket.events]


def test_the_queue_pages_through_everything_once(connection: Connection) -> None:
    for machine in (1, 2, 3):
        open_ticket(connection, finding(machine_id=machine, severity=1 + machine))
    seen: list[str] = []
    after = None
    while rows := reading.queue(connection, {"open": True}, after, 1):
        seen.append(rows[0]["serial"])
        after = (rows[0]["priority"], rows[0]["target_at"], rows[0]["id"])
    assert seen == ["P-3", "P-2", "P-1"]
    assert reading.queue(connection, {"serial": "P-2", "priority": 4}, None, 9) == []


def test_every_word_has_both_languages() -> None:
    assert len(FINDING_CODES) >= 6
    assert set(STATUSES) == {
        "new",
        "assigned",
        "accepted",
        "travelling",
        "working",
        "done",
        "cancelled",
    }
