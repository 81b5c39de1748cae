"""The rules on the real store: from stored samples to alarms, findings and tickets."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

import pytest

from fleet import clock
from rules.live.worker import Worker, run
from store import alarms, partitions, ticket_steps
from store.connection import StoreUnavailable
from store.migrate import migrate
from tests import small
from tests.rules.conftest import Bench, Row
from tests.rules.plans import RULES, plan
from tickets.retiring import retire
from tickets.states import Actor

RunAll = Callable[[Worker], None]

HOUR = 3_600_000


def rows(start: int, temperatures: list[float], machine: int = 1, step_s: int = 10) -> list[Row]:
    """Samples of a working machine with these oil temperatures."""
    return [
        (machine, start + i * step_s * 1000, {"eng_speed_rpm": 1500.0, "oil_temp_c": value})
        for i, value in enumerate(temperatures)
    ]


def hot(bench: Bench, *fields: str) -> list[tuple[object, ...]]:
    return [row[1:] for row in bench.alarms("rule", *fields) if row[0] == "hot"]


def test_a_live_alarm_becomes_a_ticket(bench: Bench, run_all: RunAll) -> None:
    start = clock.now_ms() - 60_000
    bench.bring(rows(start, [60, 90, 90, 90, 90]))
    run_all(bench.worker())
    assert hot(bench, "state", "late", "judged") == [("active", False, True)]
    (alarm,) = bench.rows("select * from alarm where rule = 'hot'")
    assert clock.to_ms(alarm["raised_at"]) == start + 30_000
    assert alarm["evidence"]["signals"]["oil_temp_c"]["value"] == 90
    (finding,) = bench.rows(f"select * from finding where alarm_id = {alarm['id']}")
    assert finding["ticket_id"] is not None
    (now,) = bench.rows("select * from machine_now where machine_id = 1")
    assert now["regime"] == "working"
    assert now["signals"]["oil_temp_c"] == [90, start + 40_000]


def test_an_alarm_that_returned_waits_for_somebody_and_comes_again(
    bench: Bench, run_all: RunAll
) -> None:
    start = clock.now_ms() - 200_000
    worker = bench.worker()
    bench.bring(rows(start, [90, 90, 90, 70, 70, 70]))
    run_all(worker)
    assert hot(bench, "state", "occurrences") == [("returned", 1)]
    bench.bring(rows(start + 60_000, [90, 90, 90, 90]))
    run_all(worker)
    assert hot(bench, "state", "occurrences") == [("active", 2)]
    (alarm,) = bench.rows("select * from alarm where rule = 'hot'")
    assert alarms.acknowledge(bench.connection, alarm["id"], "meister", clock.now_ms())
    assert not alarms.acknowledge(bench.connection, alarm["id"], "meister", clock.now_ms())
    bench.bring(rows(start + 100_000, [70, 70, 70]))
    run_all(worker)
    assert hot(bench, "state", "acknowledged_by") == [("cleared", "meister")]


def test_a_restart_between_any_two_batches_changes_nothing(bench: Bench, run_all: RunAll) -> None:
    start = clock.now_ms() - 300_000
    stream = rows(start, [60, 90, 90, 90, 90, 70, 70, 70, 90, 87, 87, 87, 60, 60])
    for row in stream:
        bench.bring([row])
        run_all(bench.worker())
    expected = bench.alarms("machine_id", "rule", "spans", "state", "occurrences")
    bench.connection.execute("truncate alarm, finding, ticket, rule_state, rule_checkpoint cascade")
    bench.connection.execute("update rule_partition set position = 0")
    run_all(bench.worker())
    assert bench.alarms("machine_id", "rule", "spans", "state", "occurrences") == expected
    assert {row[1] for row in expected} >= {"hot", "mean"}


def test_dying_before_the_commit_leaves_nothing_and_doubles_nothing(
    bench: Bench, run_all: RunAll, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.bring(rows(clock.now_ms() - 60_000, [60, 90, 90, 90, 90]))
    worker = bench.worker()

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(partitions, "advance", dies)
        with pytest.raises(KeyboardInterrupt):
            worker.step()
    assert bench.alarms("id") == []
    assert bench.rows("select * from finding") == []
    run_all(worker)
    run_all(bench.worker())
    assert hot(bench, "state") == [("active",)]
    assert len(bench.rows("select * from ticket")) == 1


def test_what_cannot_be_read_is_judged_later(
    bench: Bench, run_all: RunAll, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.bring(rows(clock.now_ms() - 60_000, [60, 90, 90, 90, 90]))
    worker = bench.worker()

    def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("the database has gone")

    with monkeypatch.context() as patched:
        patched.setattr("rules.live.worker.read_batches", away)
        with pytest.raises(StoreUnavailable):
            worker.step()
    assert bench.alarms("id") == []
    run_all(worker)
    assert hot(bench, "state") == [("active",)]


def test_runs_until_it_is_told_to_stop_and_takes_its_leave(bench: Bench) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=run, args=(bench.database.url, stop))
    thread.start()
    try:
        bench.bring(rows(clock.now_ms() - 60_000, [60, 90, 90, 90, 90]))
        deadline = clock.monotonic_s() + 20
        while not hot(bench, "state") and clock.monotonic_s() < deadline:
            stop.wait(0.02)
        beats = bench.rows("select process from process_beat")
    finally:
        stop.set()
        thread.join(20)
    assert not thread.is_alive()
    assert hot(bench, "state") == [("active",)]
    assert beats == [{"process": "rules"}]
    assert bench.rows("select process from process_beat") == []


def test_a_changed_plan_is_taken_over_and_alarms_of_its_lost_rules_end(
    bench: Bench, run_all: RunAll
) -> None:
    worker = bench.worker()
    bench.bring(rows(clock.now_ms() - 60_000, [60, 90, 90, 90, 90]))
    run_all(worker)
    assert {row[0] for row in bench.alarms("rule")} == {"hot", "mean"}
    without = [given for given in RULES if given["id"] != "mean"]
    migrate(bench.database.url, small.catalogue(plan(rules=without, version="2")))
    worker.tick(clock.now_ms())
    assert bench.alarms("rule", "state") == [("hot", "active"), ("mean", "cleared")]
    bench.bring(rows(clock.now_ms(), [60, 60, 60]))
    run_all(worker)
    assert bench.alarms("rule", "state") == [("hot", "returned"), ("mean", "cleared")]


def test_two_workers_on_one_log_make_one_alarm(bench: Bench, run_all: RunAll) -> None:
    one, other = bench.worker(), bench.worker()
    stream = rows(clock.now_ms() - 120_000, [60, 90, 90, 90, 90, 90, 70, 70, 70])
    for place, row in enumerate(stream):
        bench.bring([row])
        run_all((one, other)[place % 2])
    assert hot(bench, "state", "occurrences") == [("returned", 1)]


def test_alarms_are_listed_for_people(bench: Bench, run_all: RunAll) -> None:
    bench.bring(rows(clock.now_ms() - 60_000, [60, 90, 90, 90, 90]))
    bench.bring(rows(clock.now_ms() - 50_000, [60, 90, 90, 90, 90], machine=2))
    run_all(bench.worker())
    every = alarms.list_alarms(bench.connection)
    assert [row["raised_at"] for row in every] == sorted(
        (row["raised_at"] for row in every), reverse=True
    )
    assert {row["serial"] for row in every} == {"P-1", "P-2"}
    last = (every[0]["raised_at"], every[0]["id"])
    assert alarms.list_alarms(bench.connection, after=last) == every[1:]
    (only,) = alarms.list_alarms(bench.connection, serial="P-2", rule="hot", severity=3)
    assert only["ticket"] is not None
    assert alarms.list_alarms(bench.connection, states=["cleared"]) == []
    assert alarms.get_alarm(bench.connection, only["id"]) == only


def backlog() -> tuple[list[Row], list[Row]]:
    """Six hours offline with two episodes in them, and live rows before and after."""
    now = clock.now_ms()
    before = rows(now - 7 * HOUR, [60] * 10)
    first = rows(now - 6 * HOUR, [60, 90, 90, 90, 90, 60, 60, 60])
    second = rows(now - 4 * HOUR, [60, 90, 95, 91, 60, 60, 60], step_s=15)
    return before + rows(now - 60_000, [60] * 5), first + second


@pytest.mark.parametrize("order", ["oldest", "newest", "shuffled"])
def test_a_backlog_gives_the_same_alarms_in_any_order_and_pages_nobody(
    bench: Bench, run_all: RunAll, order: str
) -> None:
    live, late = backlog()
    pieces = [late[i : i + 3] for i in range(0, len(late), 3)]
    if order == "newest":
        pieces.reverse()
    elif order == "shuffled":
        random.Random(7).shuffle(pieces)
    worker = bench.worker()
    bench.bring(live)
    run_all(worker)
    for piece in pieces:
        bench.bring(piece)
        run_all(worker)
    worker.tick(clock.now_ms())
    found = hot(bench, "spans", "state", "late", "judged")
    begin, second = late[1][1], late[9][1]
    assert found == [
        ([[begin + 20_000, begin + 50_000]], "cleared", True, True),
        ([[second + 30_000, second + 60_000]], "cleared", True, True),
    ]
    outcomes = bench.rows("select distinct outcome, late from finding where source = 'hot'")
    assert outcomes == [{"outcome": "recorded", "late": True}]
    assert bench.rows("select * from ticket") == []


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("over", [False, True])
def test_what_comes_out_of_order_by_moments_is_told_as_in_order(
    bench: Bench, run_all: RunAll, known: bool, over: bool
) -> None:
    """A worker of the ingest was killed: what it held is stored after what the others took.

    `known`: the alarm was there before, so that it comes again; `over`: it ends in what came late.
    """
    start = clock.now_ms() - 400_000
    before = rows(start, [60, 90, 90, 90, 90, 60, 60, 60] if known else [60] * 8)
    held = rows(start + 80_000, [60, 90, 90, 90, 90, *([60] * 3 if over else [90] * 3)])
    after = rows(start + 160_000, [60 if over else 90])
    worker = bench.worker()
    for piece in (before, after, held):
        bench.bring(piece)
        run_all(worker)
    worker.tick(clock.now_ms())
    spans = [[start + 30_000, start + 60_000]] if known else []
    spans.append([start + 110_000, start + 140_000 if over else None])
    state = "returned" if over else "active"
    assert hot(bench, "state", "late", "judged", "spans") == [(state, False, True, spans)]
    told = bench.rows("select happened_at, ticket_id, late from finding where source = 'hot'")
    assert all(row["ticket_id"] is not None and not row["late"] for row in told)
    assert {clock.to_ms(row["happened_at"]) for row in told} == {begin for begin, _ in spans}


def test_a_late_alarm_that_still_stands_is_paged_once_the_data_has_caught_up(
    bench: Bench, run_all: RunAll
) -> None:
    start = clock.now_ms() - 2 * HOUR
    worker = bench.worker()
    bench.bring(rows(start, [90] * 60))
    run_all(worker)
    worker.tick(clock.now_ms())
    assert hot(bench, "state", "late", "judged") == [("active", True, False)]
    bench.bring(rows(start + 600_000, [90] * 660))
    run_all(worker)
    worker.tick(clock.now_ms())
    assert hot(bench, "state", "late", "judged") == [("active", True, True)]
    (ticket,) = bench.rows("select * from ticket")
    assert ticket["status"] == "new"


def test_late_data_withdraws_what_never_was(bench: Bench, run_all: RunAll) -> None:
    start = clock.now_ms() - 100_000
    stream = rows(start, [60, 90, 90, 90, 90])
    worker = bench.worker()
    bench.bring([stream[0], stream[1], stream[2], stream[4]])
    run_all(worker)
    assert hot(bench, "state") == [("active",)]
    bench.bring([(1, stream[3][1] - 5000, {"oil_temp_c": 84.0})])
    run_all(worker)
    assert hot(bench, "state") == []


def test_what_was_recorded_as_over_and_is_not_is_paged_after_all(
    bench: Bench, run_all: RunAll
) -> None:
    start = clock.now_ms() - 2 * HOUR
    worker = bench.worker()
    bench.bring(rows(start, [90] * 5 + [70] * 3))
    run_all(worker)
    assert hot(bench, "state", "judged") == [("cleared", True)]
    bench.bring([(1, start + at, {"oil_temp_c": 90.0}) for at in (55_000, 65_000)])
    bench.bring(rows(start + 80_000, [90] * 712))
    run_all(worker)
    worker.tick(clock.now_ms())
    assert hot(bench, "state", "judged", "spans") == [("active", True, [[start + 20_000, None]])]
    assert [row["outcome"] for row in bench.rows("select * from finding")].count("opened") == 1


def test_a_late_alarm_to_be_ignored_stays_where_somebody_was_told_of_it(
    bench: Bench, run_all: RunAll
) -> None:
    rules = [{**one, "late": "ignore"} if one["id"] == "hot" else one for one in RULES]
    migrate(bench.database.url, small.catalogue(plan(rules=rules, version="2")))
    start = clock.now_ms() - 2 * HOUR
    worker = bench.worker()
    for begin, hot_rows in ((start, 60), (start + 600_000, 650)):  # late, and then caught up
        bench.bring(rows(begin, [90] * hot_rows))
        run_all(worker)
        worker.tick(clock.now_ms())
    (ticket,) = bench.rows("select id from ticket")
    ticket_steps.settle_alarms(bench.connection, ticket["id"], "li", clock.now_ms())
    bench.bring(rows(start + 7_100_000, [60] * 5))
    run_all(worker)
    assert hot(bench, "state", "late", "acknowledged_by") == [("cleared", True, "li")]


def test_what_is_judged_after_a_machine_was_retired_does_not_stand(
    bench: Bench, run_all: RunAll
) -> None:
    worker = bench.worker()
    bench.bring(rows(clock.now_ms() - 60_000, [60, 90, 90, 90, 90]))
    with bench.connection.transaction():
        retire(bench.connection, ["P-1"], actor=Actor("boss", "manager"), now_ms=clock.now_ms())
    run_all(worker)
    worker.tick(clock.now_ms())
    assert hot(bench, "state") == [("cleared",)]
    assert bench.rows("select outcome from finding where source = 'hot'") == [
        {"outcome": "recorded"}
    ]


def test_fault_codes_raise_and_clear_their_own_alarms(bench: Bench, run_all: RunAll) -> None:
    start = clock.now_ms() - 100_000
    worker = bench.worker()
    hot_coolant = {"spn": 110, "fmi": 0, "oc": 2, "lamp": "stop"}
    bench.bring_faults(1, start, hot_coolant, {"code": "E7"})
    run_all(worker)
    found = bench.alarms("rule", "component", "state")
    assert found == [
        ("code", "body/spn110-fmi0", "active"),
        ("other_codes", "body/E7", "active"),
    ]
    bench.bring(rows(start + 40_000, [60]))
    bench.bring_faults(1, start + 60_000)
    run_all(worker)
    found = bench.alarms("rule", "component", "state")
    assert found == [
        ("code", "body/spn110-fmi0", "returned"),
        ("other_codes", "body/E7", "cleared"),
        ("red_lamp", "body/spn110-fmi0", "returned"),
    ]
    (now,) = bench.rows("select faults from machine_now where machine_id = 1")
    assert now["faults"] == []


def test_a_late_fault_report_is_judged_in_its_own_time(bench: Bench, run_all: RunAll) -> None:
    start = clock.now_ms() - 5 * HOUR
    worker = bench.worker()
    bench.bring_faults(1, start + HOUR)
    run_all(worker)
    bench.bring_faults(1, start, {"spn": 110, "fmi": 0})
    run_all(worker)
    assert bench.alarms("rule", "spans", "state", "late") == [
        ("code", [[start, start + HOUR]], "cleared", True)
    ]


def test_silence_is_a_connection_case_and_a_sign_of_life_ends_it(
    bench: Bench, run_all: RunAll
) -> None:
    start = clock.now_ms() - 20_000
    worker = bench.worker()
    bench.bring(rows(start, [60, 60]), received_at=start)
    run_all(worker)
    connections = "select connection from machine_now order by machine_id"
    worker.tick(start + 20_000)
    assert [row["connection"] for row in bench.rows(connections)] == [
        "online", "never_seen", "never_seen",
    ]  # fmt: skip
    worker.tick(start + 60_000)
    assert bench.rows(connections)[0]["connection"] == "late"
    worker.tick(start + 1_000_000)
    worker.tick(start + 1_100_000)
    assert bench.rows(connections)[0]["connection"] == "offline"
    (finding,) = bench.rows("select * from finding")
    assert (finding["kind"], finding["source"]) == ("connection", "silent")
    assert clock.to_ms(finding["happened_at"]) == start + 900_000
    bench.bring(rows(start + 1_200_000, [60]), received_at=start + 1_200_000)
    run_all(worker)
    worker.tick(start + 1_200_500)
    assert bench.alarms("state") == [("returned",)]
    assert bench.rows(connections)[0]["connection"] == "online"


def test_who_has_just_begun_to_listen_takes_signs_of_life_only(
    bench: Bench, run_all: RunAll
) -> None:
    start = clock.now_ms() - 20_000
    worker = bench.worker()
    bench.bring(rows(start, [60, 60]), received_at=start)
    run_all(worker)
    connection = "select connection from machine_now order by machine_id limit 1"
    worker.tick(start + 20_000, listening=False)
    assert bench.rows(connection) == [{"connection": "online"}]
    worker.tick(start + 1_100_000, listening=False)
    assert bench.rows(connection) == [{"connection": "online"}]
    assert bench.alarms("state") == []
    worker.tick(start + 1_100_000)
    assert bench.rows(connection) == [{"connection": "offline"}]
    assert bench.alarms("state") == [("active",)]
