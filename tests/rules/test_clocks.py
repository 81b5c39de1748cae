"""A wrong clock is told, a backlog is not; from the machine's messages to the ticket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from fleet import clock
from ingest import payload
from ingest.clocks import Clocks
from ingest.topics import telemetry_topic
from rules.clocks import LEAST_FLEET, LEAST_REPORTS, STEADY_MS, account_of_clock, trusted
from rules.worker import Worker
from store import clocks
from store.clocks import MachineClock
from store.connection import Connection, connect
from store.migrate import migrate
from tests import small
from tests.conftest import BrokerAccess
from tests.ingest.running import anyone, eventually, rows, running
from tests.rules.conftest import Bench
from tests.rules.plans import plan, rule

RunAll = Callable[[Worker], None]

MINUTE = 60_000
HOUR = 60 * MINUTE
NOW = 1_790_000_000_000
CLOCK = rule("clock", clock=True, severity=2)
PLAN = plan(rules=[CLOCK], version="clock")


@pytest.fixture
def fleet(bench: Bench) -> Bench:
    migrate(bench.database.url, small.catalogue(PLAN))
    return bench


class Machine:
    """Sends once a minute; what a worker of the ingest writes of it, and what the rules say."""

    def __init__(self, bench: Bench) -> None:
        self._bench, self._clocks, self._worker = bench, Clocks(), bench.worker()

    def sends(self, minute: int, lag_ms: int) -> str | None:
        """The state of its clock's alarm after this message."""
        at = NOW + minute * MINUTE
        news = self._clocks.news({1: (at, lag_ms)})
        clocks.note(self._bench.connection, news)
        self._clocks.told(news)
        self._worker.tick(at)
        states = [row["state"] for row in self._bench.rows("select state from alarm order by id")]
        return states[-1] if states else None


def test_a_clock_behind_is_told_after_half_an_hour_and_over_with_the_first_right_time(
    fleet: Bench,
) -> None:
    machine = Machine(fleet)
    assert machine.sends(0, 2000) is None
    states = [machine.sends(1 + i, 8 * HOUR + 500 * (i % 7)) for i in range(31)]
    assert states == [*[None] * 30, "active"]
    (alarm,) = fleet.rows("select * from alarm")
    assert clock.to_ms(alarm["raised_at"]) == NOW + 31 * MINUTE
    (item,) = fleet.rows("select reason from ticket_item")
    assert item["reason"]["en"].startswith("The machine's clock is 8 h behind; all it sends is")
    assert "local time" in item["reason"]["en"] and "本地时间" in item["reason"]["zh"]
    assert machine.sends(32, 3 * HOUR) == "active"  # another wrong time is not right yet
    assert machine.sends(33, 900) == "cleared"


def test_a_backlog_is_no_wrong_clock(fleet: Bench) -> None:
    machine = Machine(fleet)
    for minute in range(120):  # twelve hours in two, then what is current
        assert machine.sends(minute, 12 * HOUR - minute * 6 * MINUTE) is None
    assert machine.sends(121, 0) is None
    assert fleet.rows("select * from alarm") == []


def test_a_wrong_clock_with_a_backlog_is_told_once_that_is_over(fleet: Bench) -> None:
    machine = Machine(fleet)
    backlog = [machine.sends(i, 10 * HOUR - i * 10 * MINUTE) for i in range(43)]
    assert not any(backlog)
    assert [machine.sends(43 + i, 3 * HOUR) for i in range(31)][-1] == "active"
    (row,) = fleet.rows("select lag_ms from machine_clock")
    assert row["lag_ms"] == 3 * HOUR


def test_what_is_told_among_older_things_counts(fleet: Bench) -> None:
    machine = Machine(fleet)
    for minute in range(0, 90, 2):
        assert machine.sends(minute, 5 * HOUR) is None
        assert machine.sends(minute + 1, 1000) is None


def test_few_words_say_nothing(fleet: Bench) -> None:
    machine = Machine(fleet)
    found = [machine.sends(i * 240, 4 * HOUR) for i in range(LEAST_REPORTS)]
    assert found == [*[None] * (LEAST_REPORTS - 1), "active"]


def test_where_a_whole_fleet_is_off_the_clock_is_ours() -> None:
    assert trusted(1, 1) and trusted(LEAST_FLEET - 1, LEAST_FLEET - 1)
    assert not trusted(LEAST_FLEET, 2 * LEAST_FLEET - 1)
    assert trusted(LEAST_FLEET, 2 * LEAST_FLEET)


def clock_of(lag_ms: int) -> MachineClock:
    return MachineClock(1, "pump", None, NOW - STEADY_MS, NOW, 30, lag_ms, NOW - STEADY_MS)


@pytest.mark.parametrize(
    ("lag_ms", "en", "zh"),
    [
        (-8 * HOUR, "8 h ahead; its data is rejected", "快8小时"),
        (-7 * MINUTE, "7 min ahead", "快7分钟"),
        (NOW - 5 * MINUTE, "never set", "从未校准"),
        (47 * HOUR, "47 h behind; all it sends is judged", "慢47小时"),
        (400 * 24 * HOUR, "400 d behind; its data is rejected", "慢400天"),
    ],
)
def test_by_how_much_is_said_in_both_languages(lag_ms: int, en: str, zh: str) -> None:
    account = account_of_clock(PLAN.rule["clock"], clock_of(lag_ms))
    assert en in account.reason.en and zh in account.reason.zh
    assert ("local time" in account.reason.en) == (lag_ms == -8 * HOUR)


@pytest.fixture
def connection(fleet: Bench) -> Iterator[Connection]:
    with connect(fleet.database.url) as opened:
        yield opened


def test_several_workers_of_the_ingest_tell_one_story(connection: Connection) -> None:
    one, two = Clocks(), Clocks()
    for minute in range(40):
        at = NOW + minute * MINUTE
        clocks.note(connection, one.news({1: (at, 5 * HOUR)}))
        clocks.note(connection, two.news({1: (at - MINUTE // 2, 5 * HOUR + 90_000)}))
    (found,) = clocks.doubtful(connection, range(16), [])
    assert replace(found, reports=0, off_since=0) == MachineClock(
        1, "pump", None, 0, NOW + 39 * MINUTE, 0, 5 * HOUR, NOW
    )
    clocks.note(connection, one.news({1: (NOW + 40 * MINUTE, 0)}))
    assert clocks.doubtful(connection, range(16), []) == []
    late = two.news({1: (NOW + 30 * MINUTE, 5 * HOUR)})  # received before, committed after
    clocks.note(connection, late)
    assert clocks.doubtful(connection, range(16), []) == []
    assert clocks.fleet(connection, NOW) == (0, 1)


def test_messages_with_a_time_to_come_become_a_ticket_of_the_clock(
    fleet: Bench, broker: BrokerAccess, run_all: RunAll
) -> None:
    url = fleet.database.url
    with running(url, broker), anyone(broker) as device:
        now = clock.now_ms()
        device.publish(telemetry_topic("P-1"), payload.encode_sample(now + 8 * HOUR, {}))
        device.publish(telemetry_topic("P-2"), payload.encode_sample(now - 2000, {"fuel_pct": 5}))
        query = "select count(*) as told from machine_clock"
        eventually(lambda: rows(url, query), [{"told": 2}])
    # Half an hour of it, which nobody waits for in a test.
    fleet.connection.execute(
        "update machine_clock set off_since = off_since - interval '1 h',"
        " lag_at = lag_at - interval '1 h', reports = 60 where off_since is not null"
    )
    worker = fleet.worker()
    run_all(worker)
    worker.tick(clock.now_ms())
    assert fleet.alarms("machine_id", "rule", "component", "state") == [
        (1, "clock", "body", "active")
    ]
    assert len(fleet.rows("select * from ticket")) == 1
    (health,) = fleet.rows("select health from machine_health where machine_id = 1")
    assert health["health"] != "warning"
