"""From samples in the log to remaining life, alerts, services and visits; the process itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from fleet.clock import MS_PER_DAY, now_ms, to_datetime, to_ms
from fleet.plan import Catalogue, ProductPlan
from predict import tracking, worker
from predict.assess import assess
from predict.plan.shown import hazard_beyond_use
from predict.services import DAYS_PER_MONTH
from store import part_alerts, part_plans, tickets, wear
from store.connection import Connection, connect
from tests.predict.plans import catalogue
from tests.predict.stored import PLAN, START, days_of_work, working, write
from tickets import Decision, lifecycle
from tickets.states import Actor

CATALOGUE = catalogue()
BOSS = Actor("boss", "manager")
NOW = START + 30 * MS_PER_DAY


@pytest.fixture
def connection(pump_store: str) -> Iterator[Connection]:
    with connect(pump_store) as opened:
        yield opened


def prepare(connection: Connection, used_before: float = 9000.0) -> None:
    """Thirty days of work of machine 1, four hours and 100 m3 a day; all else on it is young."""
    fitted = [
        wear.Fitting(1, part.id, position.id, to_datetime(START - MS_PER_DAY))
        for part in PLAN.parts
        for position in part.positions
    ]
    left = wear.Fitting(1, "piston", "left", to_datetime(START), used_before)
    wear.record_fitted(connection, [*(f for f in fitted if f.position != "left"), left])
    write(connection, days_of_work(1, 30))
    follow(connection)


def follow(connection: Connection) -> None:
    with connection.transaction():
        while tracking.follow_once(connection, CATALOGUE) is not None:
            pass


def judge(
    connection: Connection, at: int = NOW, catalogue: Catalogue = CATALOGUE
) -> list[Decision]:
    with connection.transaction():
        return assess(connection, catalogue, None, at)


def changed(**sections: Any) -> Catalogue:
    """The catalogue with other sections of the plan."""
    plan = ProductPlan.model_validate({**PLAN.model_dump(), **sections})
    return CATALOGUE.model_copy(update={"plans": {PLAN.product: plan}})


def left(connection: Connection, part: str, position: str) -> dict[str, Any]:
    row = connection.execute(
        "select remaining_life.*, condition from remaining_life join fitted_part"
        " on id = fitted_part_id where machine_id = 1 and part = %s and position = %s"
        " and removed_at is null",
        (part, position),
    ).fetchone()
    assert row is not None
    return row


def test_an_alarm_of_its_failure_mode_shortens_what_is_left_of_an_old_part(
    connection: Connection,
) -> None:
    prepare(connection)
    modes = tuple(m.model_copy(update={"lead_h": (10.0, 40.0)}) for m in PLAN.failure_modes)
    warned = changed(failure_modes=modes)
    judge(connection, catalogue=warned)
    before = {place: left(connection, "piston", place) for place in ("left", "right")}
    assert before["left"]["condition"] is None
    connection.execute(
        "insert into alarm (machine_id, component, rule, plan_version, severity, state, raised_at,"
        " detected_at, late, evidence) values (1, 'pump', 'overpressure', 'x', 3, 'active', %s,"
        " %s, false, '{}')",
        (to_datetime(NOW - 2 * MS_PER_DAY), to_datetime(NOW)),
    )
    judge(connection, catalogue=warned)
    after = {place: left(connection, "piston", place) for place in ("left", "right")}
    assert after["left"]["p50"] < 0.8 * before["left"]["p50"]
    assert after["left"]["due_p50"] < before["left"]["due_p50"]
    told = after["left"]["condition"]
    assert (told["rule"], told["mode"]) == ("overpressure", "F1")
    assert told["p50_before"] == pytest.approx(before["left"]["p50"])
    assert after["right"]["p50"] > 0.9 * before["right"]["p50"], "the young one is hardly believed"


def test_a_part_is_due_by_its_age_where_that_comes_first(connection: Connection) -> None:
    prepare(connection)
    part = PLAN.part["piston"].model_copy(update={"most_months": 2.0})
    parts = tuple(part if each.id == "piston" else each for each in PLAN.parts)
    judge(connection, catalogue=changed(parts=parts))
    young = left(connection, "piston", "right")
    limit = START - MS_PER_DAY + round(2 * DAYS_PER_MONTH * MS_PER_DAY)
    assert abs(to_ms(young["due_p90"]) - limit) < 1000
    assert abs(to_ms(young["due_p50"]) - limit) < 1000
    assert young["worn_share"] == pytest.approx(
        (NOW - START + MS_PER_DAY) / (limit - START + MS_PER_DAY)
    )
    assert young["p50"] > 5_000, "what is left of its use is as it was"
    assert young["worn_by"][-1] == 1.0


def test_a_worn_part_is_alerted_and_visited_once(connection: Connection) -> None:
    prepare(connection)
    decisions = judge(connection)
    assert [d.outcome for d in decisions] == ["opened"]
    ticket = tickets.queue(connection, {}, None, 10)[0]
    whole = tickets.whole(connection, ticket["number"])
    assert whole is not None
    assert [(item["kind"], item["source"]) for item in whole.items] == [("wear", "piston")]
    assert [part["position"] for part in whole.parts] == ["left"]
    place = whole.items[0]["evidence"]["places"][0]
    assert place["used"] == pytest.approx(9000 + 30 * 100)
    assert place["per_day"] == pytest.approx(100, rel=0.02)

    alerts = part_alerts.alerts(connection, {"serial": "P-1", "status": "open"}, None, 10)
    assert [(a["part"], a["position"]) for a in alerts] == [("piston", "left")]
    assert alerts[0]["probability"] > 0.12
    assert alerts[0]["needed_by"] - alerts[0]["order_by"] == timedelta(days=3)

    assert judge(connection, NOW + 60_000) == []
    assert len(part_alerts.alerts(connection, {}, None, 10)) == 1


def test_remaining_life_has_an_interval_and_dates(connection: Connection) -> None:
    prepare(connection)
    judge(connection)
    rows = connection.execute(
        "select fitted_part.part, remaining_life.* from remaining_life"
        " join fitted_part on id = fitted_part_id where machine_id = 1"
    ).fetchall()
    assert {row["part"] for row in rows} == {"piston", "valve", "filter", "hose"}
    for row in rows:
        assert 0 <= row["p10"] < row["p50"] < row["p90"]
        assert (row["method"], row["sample_size"]) == ("plan", 0)
    hose = next(row for row in rows if row["part"] == "hose")
    assert hose["worn_share"] == pytest.approx(31 / 30.4375 / 18, rel=1e-4)
    assert hose["due_p50"] is not None


def test_a_replaced_part_s_alert_is_done_and_the_new_one_has_its_whole_life(
    connection: Connection,
) -> None:
    prepare(connection)
    judge(connection)
    number = tickets.queue(connection, {}, None, 10)[0]["number"]
    finish_with(connection, number, "worn", NOW)
    write(connection, working(1, 30 * 24, 30 * 24 + 6, volume=3000 - 7200))
    follow(connection)
    assert judge(connection, NOW + MS_PER_DAY) == []
    row = connection.execute(
        "select used from part_usage join fitted_part on id = fitted_part_id"
        " where machine_id = 1 and part = 'piston' and position = 'left' and removed_at is null"
    ).fetchone()
    assert row is not None
    assert row["used"] < 100
    statuses = [a["status"] for a in part_alerts.alerts(connection, {}, None, 10)]
    assert statuses == ["done"]


def finish_with(
    connection: Connection, number: str, found: lifecycle.Found | None, at: int
) -> None:
    step: dict[str, Any] = {"actor": BOSS, "version": None, "now_ms": at}
    with connection.transaction():
        lifecycle.assign(connection, number, "li", **step)
        for to in ("accepted", "travelling", "working"):
            lifecycle.move(connection, number, to, **step)
        whole = tickets.whole(connection, number)
        assert whole is not None
        for check in whole.checks:
            result = check["definition"]["result"]
            answer = {"ok": True, "number": 0.2, "choice": 0.0}[result]
            lifecycle.answer_checks(connection, number, {check["sequence"]: answer}, **step)
        for part in whole.parts:
            lifecycle.answer_parts(
                connection, number, {part["id"]: found}, actor=BOSS, version=None
            )
        lifecycle.finish(connection, CATALOGUE, number, "no_fault_found", **step)


def test_a_service_by_hours_becomes_a_ticket_and_its_end_sets_the_next(
    connection: Connection,
) -> None:
    prepare(connection, used_before=0.0)
    write(
        connection,
        [(1, 24 * 30, 150.0, 20.0, 3000.0, 2140.0), (1, 24 * 30 + 95, 150.0, 20.0, 3000.0, 2230.0)],
    )
    follow(connection)
    at = NOW + 4 * MS_PER_DAY
    assert [d.outcome for d in judge(connection, at)] == ["opened"]
    whole = tickets.whole(connection, tickets.queue(connection, {}, None, 10)[0]["number"])
    assert whole is not None
    assert {item["source"] for item in whole.items} == {"s250"}
    finish_with(connection, whole.ticket["number"], None, at)
    assert judge(connection, at + MS_PER_DAY) == []
    due = {
        row.service: row.due_hours
        for row in wear.due_services(connection, [1], within_h=1e9, until_ms=at)
    }
    assert due == {"s250": 2480.0, "s500": 2500.0, "yearly": 4000.0}


def test_what_a_person_dismissed_rests_and_what_is_untrue_is_withdrawn(
    connection: Connection,
) -> None:
    prepare(connection)
    judge(connection)
    alert = part_alerts.alerts(connection, {}, None, 10)[0]
    changed = part_alerts.change(
        connection, alert["id"], status="dismissed", actor="wang", note="spare on site", now_ms=NOW
    )
    assert changed
    judge(connection, NOW + MS_PER_DAY)
    found = part_alerts.alert(connection, alert["id"])
    assert found is not None
    assert (found["status"], found["evidence"]["note"]) == ("dismissed", "spare on site")
    assert len(part_alerts.alerts(connection, {}, None, 10)) == 1

    judge(connection, NOW + 31 * MS_PER_DAY)
    assert [a["status"] for a in part_alerts.alerts(connection, {"status": "open"}, None, 9)] == [
        "open"
    ]
    connection.execute("update part_usage set used = 0")
    judge(connection, NOW + 32 * MS_PER_DAY)
    statuses = {a["status"] for a in part_alerts.alerts(connection, {}, None, 9)}
    assert statuses == {"dismissed", "withdrawn"}


def test_a_machine_without_history_takes_its_peers_pace(connection: Connection) -> None:
    prepare(connection)
    write(connection, working(2, 29 * 24, 29 * 24 + 2))
    follow(connection)
    judge(connection)
    rows = connection.execute(
        "select per_day, due_p50 from part_usage join fitted_part on id = part_usage.fitted_part_id"
        " join remaining_life on remaining_life.fitted_part_id = id"
        " where machine_id = 2 and part = 'piston'"
    ).fetchall()
    assert [row["per_day"] for row in rows] == [None, None]
    assert all(row["due_p50"] is not None for row in rows)


def test_the_process_follows_beats_and_takes_leave(pump_store: str) -> None:
    """Samples of the last hour are used, seen and answered; then the process is told to stop."""
    stop = threading.Event()
    failed: list[BaseException] = []

    def serve() -> None:
        try:
            worker.run(pump_store, stop, every_s=0.05)
        except BaseException as error:
            failed.append(error)
            raise

    thread = threading.Thread(target=serve)
    with connect(pump_store) as connection:
        hours = (now_ms() - START) / 3_600_000
        thread.start()
        write(connection, working(1, hours - 1, hours))
        query = (
            "select from remaining_life join fitted_part on id = fitted_part_id"
            " where machine_id = 1 and part = 'filter'"
        )
        while connection.execute(query).fetchone() is None and not failed:
            thread.join(0.05)
        assert connection.execute("select from process_beat").fetchone() is not None
        stop.set()
        thread.join(30)
        assert not failed
        assert connection.execute("select from process_beat").fetchone() is None


def test_what_a_part_shows_shortens_its_remaining_life(connection: Connection) -> None:
    """The pressure at the valve rises from 150 bar for twelve days to nearly 250: its end."""
    wear.record_fitted(connection, [wear.Fitting(1, "valve", "main", to_datetime(START), 900.0)])
    rising = [
        (machine, hours, pressure + max(0.0, hours / 24 - 18) * 8.0, *rest)
        for machine, hours, pressure, *rest in days_of_work(1, 30)
    ]
    write(connection, rising)
    follow(connection)
    query = "select day, samples, mean, use from condition_day where part = 'valve' order by day"
    days = connection.execute(query).fetchall()
    assert len(days) == 30
    assert {day["samples"] for day in days} == {121}
    assert days[0]["mean"] == pytest.approx(150.0)
    assert days[-1]["mean"] == pytest.approx(150 + 8 * 11.1, abs=1)
    assert days[-1]["use"] - days[0]["use"] == pytest.approx(29 * 4 * 1.17, rel=0.05)

    judge(connection)
    row = connection.execute(
        "select p50, condition from remaining_life join fitted_part on id = fitted_part_id"
        " where machine_id = 1 and part = 'valve'"
    ).fetchone()
    assert row is not None
    told = row["condition"]
    assert (told["new"], told["limit"], told["unit"]) == (150.0, 250.0, "bar")
    assert told["days"] == 29
    assert 220 < told["value"] < 250
    assert row["p50"] < 0.3 * told["p50_before"]
    # The parts plan expects it to be asked for, too.
    with connection.transaction():
        (fitted,) = [
            each for each in part_plans.fitted(connection, to_datetime(NOW))
            if (each["serial"], each["part"]) == ("P-1", "valve")
        ]  # fmt: skip
    assert hazard_beyond_use([fitted], np.array([30.0]))[0, 0] > 0.5
    # A late sample has its day counted anew, and no other.
    write(connection, [(1, 5.5, 150.0, 20.0, 100.0, 2014.0)])
    follow(connection)
    again = connection.execute(query).fetchall()
    assert again[0]["samples"] == 122
    assert again[1:] == days[1:]
