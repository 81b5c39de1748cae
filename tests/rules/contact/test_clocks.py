"""A wrong clock is told, a backlog is not; from the machine's messages to the ticket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from fleet import clock
from ingest import payload
from ingest.clocks import Clocks, lags_of
from ingest.topics import telemetry_topic
from rules.contact.clocks import (
    LEAST_FLEET,
    LEAST_REPORTS,
    STEADY_MS,
    account_of_clock,
    is_wrong,
    trusted,
)
from rules.live.worker import Worker
from simulators.transport import PROFILES, Artefacts
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


@pytest.fixture
def connection(small_store: str) -> Iterator[Connection]:
    with connect(small_store) as opened:
        yield opened


class Machine:
    """Sends once a minute; what a worker of the ingest writes of it, and what becomes of it."""

    def __init__(self, connection: Connection, number: int) -> None:
        self._connection, self._number, self._clocks = connection, number, Clocks()

    def sends(self, minute: int, lag_ms: int) -> bool:
        """Whether its clock is wrong by this message."""
        at = NOW + minute * MINUTE
        news = self._clocks.news({self._number: (at, lag_ms)})
        clocks.note(self._connection, news)
        self._clocks.told(news)
        found = clocks.doubtful(self._connection, [self._number], [])
        return any(is_wrong(one) for one in found)


def test_a_clock_behind_is_told_after_half_an_hour_and_over_with_the_first_right_time(
    fleet: Bench,
) -> None:
    machine, worker = Machine(fleet.connection, 1), fleet.worker()

    def state(minute: int) -> list[str]:
        worker.tick(NOW + minute * MINUTE)
        return [row["state"] for row in fleet.rows("select state from alarm")]

    assert not machine.sends(0, 2000)
    behind = [machine.sends(1 + i, 8 * HOUR + 500 * (i % 7)) for i in range(30)]
    assert not any(behind) and state(30) == []
    assert machine.sends(31, 8 * HOUR) and state(31) == ["active"]
    (alarm,) = fleet.rows("select * from alarm")
    assert clock.to_ms(alarm["raised_at"]) == NOW + 31 * MINUTE
    (item,) = fleet.rows("select reason from ticket_item")
    assert item["reason"]["en"].startswith("The machine's clock is 8 h behind; all it sends is")
    assert "local time" in item["reason"]["en"] and "本地时间" in item["reason"]["zh"]
    machine.sends(32, 3 * HOUR)  # another wrong time is not right yet
    assert state(32) == ["active"]
    machine.sends(33, 900)
    assert state(33) == ["cleared"]


@pytest.mark.parametrize(("ahead_ms", "way"), [(8 * HOUR, "ahead"), (-HOUR, "behind")])
def test_a_simulated_device_whose_clock_jumps_gets_one_ticket_until_it_is_right(
    fleet: Bench, ahead_ms: int, way: str
) -> None:
    device = Artefacts(PROFILES["typical"], PLAN, 4, "P-1")
    ingest, worker = Clocks(), fleet.worker()
    standing = []
    for minute in range(80):
        device.clock_off_ms = ahead_ms if 10 <= minute < 60 else 0
        at = NOW + minute * MINUTE
        measured, _ = device.distort(at, {"eng_speed_rpm": 1500.0})
        one, own, received = np.array([1]), np.array([measured]), np.array([at + 1500])
        news = ingest.news(lags_of(one, own, received))
        clocks.note(fleet.connection, news)
        ingest.told(news)
        worker.tick(at + 2000)
        standing.append(fleet.rows("select 1 as one from alarm where state = 'active'") != [])
    assert standing == [*[False] * 40, *[True] * 20, *[False] * 20]
    (item,) = fleet.rows("select component, reason from ticket_item")
    assert item["component"] == PLAN.rule["clock"].component
    assert way in item["reason"]["en"]


def test_a_backlog_is_no_wrong_clock_and_a_wrong_clock_shows_behind_one(
    connection: Connection,
) -> None:
    backlog = Machine(connection, 1)
    # Twelve hours delivered in two, then what is current.
    assert not any(backlog.sends(i, 12 * HOUR - i * 6 * MINUTE) for i in range(120))
    assert not backlog.sends(121, 0)
    both = Machine(connection, 2)
    assert not any(both.sends(i, 10 * HOUR - i * 10 * MINUTE) for i in range(42))
    assert [both.sends(42 + i, 3 * HOUR) for i in range(31)] == [*[False] * 30, True]
    (found,) = clocks.doubtful(connection, [2], [])
    assert found.lag_ms == 3 * HOUR


def test_what_is_current_among_older_things_counts_and_few_words_say_nothing(
    connection: Connection,
) -> None:
    mixed = Machine(connection, 1)
    assert not any(mixed.sends(i, 5 * HOUR if i % 2 else 1000) for i in range(90))
    rare = Machine(connection, 2)
    found = [rare.sends(i * 240, 4 * HOUR) for i in range(LEAST_REPORTS)]
    assert found == [*[False] * (LEAST_REPORTS - 1), True]


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
