"""A machine leaves the fleet: what was planned for it is called off, and nothing new begins."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fleet.clock import to_datetime
from store import machines, part_alerts, wear
from store import tickets as reading
from store.connection import Connection, connect
from tests.predict.plans import catalogue
from tests.tickets.findings import NOW, finding
from tickets import dispatch, lifecycle
from tickets.retiring import retire
from tickets.states import Actor

BOSS = Actor("boss", "manager")


@pytest.fixture
def connection(pump_store: str) -> Iterator[Connection]:
    with connect(pump_store) as opened:
        yield opened


def visit(connection: Connection, machine_id: int) -> str:
    """The number of a visit planned for a machine, for an alarm that stands."""
    row = connection.execute(
        "insert into alarm (machine_id, component, rule, plan_version, severity, state, raised_at,"
        " detected_at, late, evidence, spans) values (%s, 'pump', 'overpressure', '1', 3, 'active',"
        " %s, %s, false, '{}', jsonb_build_array(jsonb_build_array(1, null))) returning id",
        (machine_id, to_datetime(NOW), to_datetime(NOW)),
    ).fetchone()
    assert row is not None
    found = finding(machine_id=machine_id, alarm_id=row["id"])
    with connection.transaction():
        (decision,) = dispatch(connection, catalogue(), [found], NOW)
    (ticket,) = reading.queue(connection, {"serial": f"P-{machine_id}"}, None, 10)
    assert ticket["id"] == decision.ticket_id
    return str(ticket["number"])


def test_what_was_planned_is_called_off_and_history_stays(connection: Connection) -> None:
    planned, under_way, other = (visit(connection, machine) for machine in (1, 2, 3))
    lifecycle.assign(connection, under_way, "li", actor=BOSS, version=None, now_ms=NOW)
    for step in ("accepted", "travelling"):
        lifecycle.move(connection, under_way, step, actor=BOSS, version=None, now_ms=NOW)
    part = wear.live_parts(connection, [1])[0]
    alert = {"fitted_part_id": part["id"], "quantity": 1, "order_by": to_datetime(NOW),
             "needed_by": to_datetime(NOW), "probability": 0.4, "evidence": {}}  # fmt: skip
    part_alerts.raise_(connection, [alert], NOW)

    done = retire(connection, ["P-1", "P-2"], actor=BOSS, now_ms=NOW)

    assert (done.retired, done.cancelled, done.left) == (["P-1", "P-2"], [planned], [under_way])
    states = {row["number"]: row["status"] for row in reading.queue(connection, {}, None, 10)}
    assert states == {planned: "cancelled", under_way: "travelling", other: "new"}
    alarms = connection.execute("select state, spans from alarm order by machine_id").fetchall()
    assert [row["state"] for row in alarms] == ["cleared", "cleared", "active"]
    assert alarms[0]["spans"] == [[1, NOW]]
    assert part_alerts.alerts(connection, {}, None, 10)[0]["status"] == "withdrawn"
    assert [row["serial"] for row in wear.machines_to_assess(connection, None)] == ["P-3"]
    assert machines.get_machine(connection, "P-1") is not None
    again = retire(connection, ["P-1"], actor=BOSS, now_ms=NOW + 1)
    assert again.retired == []
    assert machines.retired(connection) == {1: NOW, 2: NOW}


def test_what_is_found_on_a_retired_machine_is_recorded(connection: Connection) -> None:
    """The rules had read its last samples before it was retired."""
    retire(connection, ["P-1"], actor=BOSS, now_ms=NOW)
    with connection.transaction():
        (decision,) = dispatch(connection, catalogue(), [finding()], NOW)
    assert (decision.outcome, decision.reason.zh) == ("recorded", "设备已退役。")
    machines.reinstate(connection, ["P-1", "P-2"])
    with connection.transaction():
        (decision,) = dispatch(connection, catalogue(), [finding("other")], NOW)
    assert decision.outcome == "opened"
