"""What is old enough goes, in steps and counted; what somebody still needs stays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from fleet.batch import FaultReport, StatusReport
from fleet.clock import MS_PER_DAY, to_datetime
from store import ingest_log, ledger, rejected, reports, retention, usage
from store.connection import Connection, connect
from store.ledger import BadValue, Tally
from store.rejected import Rejection
from store.retention import Keep, forget, forgotten
from tests import small
from tests.store.samples import START

NOW = to_datetime(START)
KEEP = Keep(
    log=timedelta(days=10),
    rejected=timedelta(days=10),
    rejected_bytes=10_000,
    reports=timedelta(days=10),
    conditions=timedelta(days=10),
)


@pytest.fixture
def connection(small_store: str) -> Iterator[Connection]:
    with connect(small_store) as opened:
        yield opened


def positions(connection: Connection) -> list[int]:
    rows = connection.execute("select position from ingest_batch order by position").fetchall()
    return [row["position"] for row in rows]


def log(connection: Connection, days_ago: int) -> int:
    """An entry that was committed so long ago; returns its position."""
    number = ingest_log.next_id(connection)
    entry = ingest_log.NewEntry(number, "telemetry", "pump", 1, START, START, START)
    with connection.transaction():
        ingest_log.append(connection, [entry])
    connection.execute(
        "update ingest_batch set committed_at = %s where id = %s",
        (to_datetime(START - days_ago * MS_PER_DAY), number),
    )
    return positions(connection)[-1]


def reject(connection: Connection, days_ago: int, payload: bytes) -> None:
    at = START - days_ago * MS_PER_DAY
    rejected.add(connection, [Rejection(at, 1, "t", None, payload, 1, "not_json", small.TEXT)])


def kept(connection: Connection) -> list[bytes]:
    rows = connection.execute("select payload from rejected_message order by id").fetchall()
    return [bytes(row["payload"]) for row in rows]


def judged(connection: Connection, position: int) -> None:
    connection.execute("update rule_partition set position = %s", (position,))


def test_the_log_keeps_what_a_consumer_has_not_read(connection: Connection) -> None:
    first, second, third, young = (log(connection, days) for days in (30, 20, 15, 1))
    assert forget(connection, KEEP, NOW) == {}, "nobody has read anything"
    judged(connection, young)
    assert forget(connection, KEEP, NOW) == {}, "predict never ran"
    ingest_log.advance(connection, "predict", second)
    assert forget(connection, KEEP, NOW) == {"ingest_batch": 2}
    assert positions(connection) == [third, young] and first < second
    ingest_log.advance(connection, "predict", young)
    connection.execute("update rule_partition set position = %s where partition = 3", (second,))
    assert forget(connection, KEEP, NOW) == {}, "one partition of the rules has not read it"
    judged(connection, young)
    assert forget(connection, KEEP, NOW) == {"ingest_batch": 1}
    assert positions(connection) == [young]


def test_rejected_messages_go_by_age_and_by_bytes_and_the_ledger_still_adds_up(
    connection: Connection,
) -> None:
    ledger.add(connection, {1: Tally(START, messages=4, rejected=4)})
    for days, payload in ((20, b"old"), (3, b"a" * 6000), (2, b"b" * 6000), (1, b"c" * 3000)):
        reject(connection, days, payload)
    assert forget(connection, KEEP, NOW) == {"rejected_message": 2}
    assert [payload[:1] for payload in kept(connection)] == [b"b", b"c"]
    (row,) = connection.execute("select received, rejected from machine_ledger").fetchall()
    assert row == {"received": 4, "rejected": 4}


def test_what_was_put_back_goes_before_what_waits(connection: Connection) -> None:
    for payload in (b"a" * 6000, b"b" * 6000):
        reject(connection, 1, payload)
    newest = rejected.waiting(connection)[-1]
    rejected.set_replayed(connection, newest, NOW)
    assert forget(connection, KEEP, NOW) == {"rejected_message": 1}
    assert [payload[:1] for payload in kept(connection)] == [b"a"]


def test_reports_and_counts_of_bad_values_go_by_age(connection: Connection) -> None:
    old, young = START - 11 * MS_PER_DAY, START - 9 * MS_PER_DAY
    reports.write_faults(connection, [FaultReport(1, at, at, ()) for at in (old, young)], 1)
    reports.write_statuses(
        connection, [StatusReport(1, at, at, "online") for at in (old, young)], 2
    )
    days = [(to_datetime(at).date() - date(1970, 1, 1)).days for at in (old, young)]
    ledger.add_bad_values(connection, {BadValue(1, day, "x", "error"): 1 for day in days})
    done = {"fault_report": 1, "status_report": 1, "bad_value": 1}
    assert forget(connection, KEEP, NOW) == done
    assert forget(connection, KEEP, NOW) == {}
    assert forgotten(connection) == done


def test_what_parts_showed_goes_by_age(connection: Connection) -> None:
    today = START // MS_PER_DAY
    days = [usage.ShownDay(1, "valve", today - ago, 5, 1.0, 1.0) for ago in (12, 11, 9)]
    usage.put_shown(connection, days)
    assert forget(connection, KEEP, NOW) == {"condition_day": 2}
    assert [row["day"] for row in usage.shown(connection, [1], 0)] == [
        to_datetime(START - 9 * MS_PER_DAY).date()
    ]


def test_it_goes_in_steps(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "STEP", 2)
    for number in range(5):
        reject(connection, 20, b"%d" % number)
    steps = [forget(connection, KEEP, NOW).get("rejected_message", 0) for _ in range(4)]
    assert steps == [2, 2, 1, 0]
    assert forgotten(connection) == {"rejected_message": 5}
