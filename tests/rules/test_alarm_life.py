"""The life of an alarm on the real store: silenced, coming again, flapping, attached."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fleet import clock
from fleet.rule import AlarmHandling
from ironpulse.stack import LocalStack
from rules.live.worker import Worker
from store import alarms, machines, suppressions
from store.connection import Database, connect
from store.migrate import migrate
from tests import small
from tests.conftest import close_template, copied_database, make_template
from tests.rules.conftest import Bench
from tests.rules.live.test_worker import rows
from tests.rules.plans import plan, rule

RunAll = Callable[[Worker], None]
MINUTE = 60_000
HOT = [90.0] * 4
COOL = [60.0] * 4
HANDLING = AlarmHandling.model_validate(
    {"again_after_h": 0.1, "flapping": {"changes": 6, "within_s": 300}}
)
RULES = [
    rule("hot"),
    rule("warm", severity=2, params={"limit": 80}),
    rule("boiling", severity=4, params={"limit": 120}),
]


@pytest.fixture(scope="session")
def life_template(stack: LocalStack, empty_template: str) -> str:
    name = "life_template"
    url = make_template(stack, name, empty_template)
    migrate(url, small.catalogue(plan(rules=RULES, alarms=HANDLING)))
    with connect(url) as connection:
        machines.register(connection, small.registration())
    close_template(stack, name)
    return name


@pytest.fixture
def bench(stack: LocalStack, life_template: str) -> Iterator[Bench]:
    """A database where an alarm does not come anew for six minutes and six changes flap."""
    for url in copied_database(stack, life_template):
        with Database(url, max_size=3) as database, connect(url) as connection:
            yield Bench(database, connection)


def begin(bench: Bench, kind: Any, since: int, until: int | None, **about: str) -> int:
    return suppressions.begin(
        bench.connection, kind, 1, about.get("component"), about.get("rule"),
        until_ms=until, reason="oil change", who="mia", now_ms=since,
    )  # fmt: skip


def outcomes(bench: Bench, source: str) -> list[str]:
    found = bench.rows(f"select outcome from finding where source = '{source}' order by id")
    return [row["outcome"] for row in found]


def facts(bench: Bench, source: str, *fields: str) -> list[tuple[Any, ...]]:
    return [row[1:] for row in bench.alarms("rule", *fields) if row[0] == source]


def events(bench: Bench, source: str) -> list[tuple[str, str | None]]:
    (alarm,) = bench.rows(f"select id from alarm where rule = '{source}'")
    return [(row["kind"], row["detail"]) for row in alarms.history(bench.connection, alarm["id"])]


def test_maintenance_records_and_pages_nobody_and_what_still_holds_is_raised(
    bench: Bench, run_all: RunAll
) -> None:
    now = clock.now_ms()
    start = now - 10 * MINUTE
    mode = begin(bench, "maintenance", start - MINUTE, now + 60 * MINUTE, component="body")
    worker = bench.worker()
    bench.bring(rows(start, HOT + COOL))
    run_all(worker)
    assert facts(bench, "hot", "state", "suppression") == [("cleared", "maintenance")]
    (finding,) = bench.rows("select outcome, reason from finding where source = 'hot'")
    assert finding["outcome"] == "recorded" and "oil change" in finding["reason"]["zh"]
    bench.bring(rows(now - MINUTE, HOT + HOT, machine=1))
    run_all(worker)
    worker.tick(now)
    assert facts(bench, "hot", "state", "suppression")[-1] == ("active", "maintenance")
    (health,) = bench.rows("select health from machine_health where machine_id = 1")
    assert health["health"] == "ok"
    assert bench.rows("select * from ticket") == []
    assert suppressions.end(bench.connection, mode, "mia", now)
    assert not suppressions.end(bench.connection, mode, "mia", now)
    worker.tick(now + 1)
    assert facts(bench, "hot", "state", "suppression")[-1] == ("active", None)
    assert outcomes(bench, "hot") == ["recorded", "opened"]
    worker.tick(now + 2)
    assert outcomes(bench, "hot") == ["recorded", "opened"]


def test_a_shelved_alarm_comes_back_by_itself(bench: Bench, run_all: RunAll) -> None:
    now = clock.now_ms()
    worker = bench.worker()
    bench.bring(rows(now - 60_000, HOT))
    run_all(worker)
    begin(bench, "shelved", now - 1000, now + 5000, component="body", rule="hot")
    suppressions.apply(bench.connection, now, machine_id=1)
    assert facts(bench, "hot", "suppression") == [("shelved",)]
    assert facts(bench, "warm", "suppression") == [(None,)]
    worker.tick(now + 6000)
    assert facts(bench, "hot", "state", "suppression") == [("active", None)]
    assert events(bench, "hot") == [
        ("raised", None), ("suppressed", "shelved"), ("released", "shelved"),
    ]  # fmt: skip
    assert outcomes(bench, "hot") == ["opened"]


def test_late_data_are_judged_by_what_was_silenced_in_their_time(
    bench: Bench, run_all: RunAll
) -> None:
    now = clock.now_ms()
    start = now - 300 * MINUTE
    begin(bench, "maintenance", start - MINUTE, start + 30 * MINUTE)
    worker = bench.worker()
    bench.bring(rows(now - MINUTE, [60.0] * 5))
    run_all(worker)
    bench.bring(rows(start, HOT + COOL))
    bench.bring(rows(start + 60 * MINUTE, HOT + COOL))
    run_all(worker)
    assert facts(bench, "hot", "late", "suppression") == [(True, "maintenance"), (True, None)]
    reasons = bench.rows("select reason from finding where source = 'hot' order by happened_at")
    assert len(reasons) == 2 and bench.rows("select * from ticket") == []


def test_what_outlived_its_maintenance_before_it_was_judged_is_paged(
    bench: Bench, run_all: RunAll
) -> None:
    start = clock.now_ms() - 3 * MINUTE
    begin(bench, "maintenance", start - MINUTE, start + 35_000)
    bench.bring(rows(start, [90.0] * 10 + COOL))
    run_all(bench.worker())
    assert outcomes(bench, "hot") == ["opened"]
    assert facts(bench, "hot", "state", "suppression") == [("returned", None)]


def test_an_alarm_back_within_the_lock_is_the_earlier_one_until_it_stays(
    bench: Bench, run_all: RunAll
) -> None:
    now = clock.now_ms()
    start = now - 9 * MINUTE
    worker = bench.worker()
    bench.bring(rows(start, HOT + COOL))
    run_all(worker)
    assert facts(bench, "warm", "state", "occurrences") == [("cleared", 1)]
    bench.bring(rows(start + 80_000, HOT))
    run_all(worker)
    assert facts(bench, "warm", "state", "occurrences", "suppression") == [
        ("active", 2, "recurrence")
    ]
    assert outcomes(bench, "warm") == ["merged"]
    end = start + 80_000 + len(HOT) * 10_000
    bench.bring(rows(end, [90.0] * ((now - end) // 10_000)))
    run_all(worker)
    worker.tick(now)
    assert facts(bench, "warm", "state", "occurrences", "suppression") == [("active", 2, "ticket")]
    assert outcomes(bench, "warm") == ["merged", "attached"]
    kinds = [kind for kind, _ in events(bench, "warm")]
    assert kinds[:4] == ["raised", "returned", "cleared", "came_again"]


def test_what_waits_to_be_seen_waits_on_after_it_came_again_and_went(
    bench: Bench, run_all: RunAll
) -> None:
    start = clock.now_ms() - 9 * MINUTE
    worker = bench.worker()
    for turn in range(2):
        bench.bring(rows(start + turn * 80_000, HOT + COOL))
        run_all(worker)
        assert facts(bench, "hot", "state", "occurrences") == [("returned", turn + 1)]
    assert facts(bench, "warm", "state") == [("cleared",)]


def test_flapping_is_one_alarm_until_it_is_quiet(bench: Bench, run_all: RunAll) -> None:
    now = clock.now_ms()
    start = now - 13 * MINUTE
    worker = bench.worker()
    for turn in range(4):
        bench.bring(rows(start + turn * 80_000, HOT + COOL))
        run_all(worker)
    (only,) = facts(bench, "warm", "state", "occurrences", "flapping")
    assert only == ("returned", 4, True)
    last = start + 4 * 80_000
    bench.bring(rows(last, [60.0] * 24))
    run_all(worker)
    worker.tick(now)
    assert facts(bench, "warm", "state", "flapping") == [("returned", True)]
    bench.bring(rows(last + 300_000, [60.0] * 10))
    run_all(worker)
    worker.tick(now)
    (row,) = bench.rows("select * from alarm where rule = 'warm'")
    assert (row["state"], row["flapping"]) == ("cleared", False)
    assert row["cleared_at"] == clock.to_datetime(clock.to_ms(row["returned_at"]) + 300_000)
    assert [kind for kind, _ in events(bench, "warm")].count("flapping") == 1


def test_while_somebody_is_on_the_way_its_alarms_are_attached(
    bench: Bench, run_all: RunAll
) -> None:
    now = clock.now_ms()
    worker = bench.worker()
    bench.bring(rows(now - 80_000, HOT))
    run_all(worker)
    (ticket,) = bench.rows("select id, number from ticket")
    bench.connection.execute("update ticket set status = 'travelling', assignee = 'tom'")
    bench.bring(rows(now - 40_000, [130.0] * 4))
    run_all(worker)
    assert outcomes(bench, "boiling") == ["attached"]
    assert facts(bench, "boiling", "state", "suppression") == [("active", "ticket")]
    assert len(bench.rows("select * from ticket")) == 1
    (row,) = alarms.list_alarms(bench.connection, rule="boiling", suppressed=True)
    assert row["ticket"] == ticket["number"]


def test_what_a_ticket_attached_is_attached_again_when_maintenance_ends(
    bench: Bench, run_all: RunAll
) -> None:
    now = clock.now_ms()
    worker = bench.worker()
    bench.bring(rows(now - 80_000, HOT))
    run_all(worker)
    bench.connection.execute("update ticket set status = 'travelling', assignee = 'tom'")
    bench.bring(rows(now - 40_000, [130.0] * 4))
    run_all(worker)
    mode = begin(bench, "maintenance", now - 1000, now + 60 * MINUTE)
    worker.tick(now)
    assert facts(bench, "boiling", "suppression") == [("maintenance",)]
    assert suppressions.end(bench.connection, mode, "mia", now)
    worker.tick(now + 1)
    assert facts(bench, "boiling", "suppression") == [("ticket",)]
    assert facts(bench, "hot", "suppression") == [(None,)]
    begin(bench, "maintenance", now + 2, now + 60 * MINUTE)
    worker.tick(now + 3)
    bench.connection.execute(
        "update ticket set status = 'done', done_at = now(), finding_code = 'confirmed'"
    )
    worker.tick(now + 61 * MINUTE)
    assert facts(bench, "boiling", "suppression") == [(None,)]
