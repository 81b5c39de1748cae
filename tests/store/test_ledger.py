"""Counts, rejected messages and process beats."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fleet.batch import StatusReport
from fleet.text import Text
from store import ingest_view, ledger, processes, rejected
from store.connection import Connection, connect
from store.ledger import BadValue, Tally
from store.rejected import MOST_BYTES, Rejection
from tests import small
from tests.store.samples import START


@pytest.fixture
def connection(small_store: str) -> Iterator[Connection]:
    with connect(small_store) as opened:
        yield opened


def test_counts_add_up(connection: Connection) -> None:
    tally = Tally(START + 5, messages=2, stored=3, merged=1, repeated=1, rejected=2, late=1)
    tally.saw(START, START + 1000)
    ledger.add(connection, {2: tally, 1: Tally(START, messages=1, rejected=1)})
    older = Tally(START, messages=1, stored=1)
    older.saw(START - 1000, START - 1000)
    ledger.add(connection, {2: older})
    row = ingest_view.ledger(connection, 2)
    assert row is not None
    counts = {name: row[name] for name in ("messages", "received", "stored", "rejected", "late")}
    assert counts == {"messages": 3, "received": 8, "stored": 4, "rejected": 2, "late": 1}
    assert (row["first_measured_at"].timestamp(), row["last_measured_at"].timestamp()) == (
        START / 1000 - 1,
        START / 1000 + 1,
    )
    other = ingest_view.ledger(connection, 1)
    assert other is not None and other["last_measured_at"] is None


def test_the_status_received_last_stays_whatever_the_clocks_say(connection: Connection) -> None:
    ledger.add(connection, {1: Tally(START)})
    # A will that waited at the broker is dated when it is received, after the `online` behind it.
    will = StatusReport(1, START + 9, START + 9, "offline")
    ledger.set_status(connection, [will, StatusReport(1, START + 5, START + 9, "online")])
    row = ingest_view.ledger(connection, 1)
    assert row is not None and row["status"] == "online"
    ledger.set_status(connection, [StatusReport(1, START + 8, START + 8, "offline")])
    row = ingest_view.ledger(connection, 1)
    assert row is not None and row["status"] == "online"


def test_bad_values_are_counted_by_day_signal_and_reason(connection: Connection) -> None:
    bad = BadValue(1, START // 86_400_000, "fuel_pct", "not_available")
    ledger.add_bad_values(connection, {bad: 2})
    ledger.add_bad_values(connection, {bad: 3, BadValue(1, bad.day, "fuel_pct", "error"): 1})
    found = {row["reason"]: row["count"] for row in ingest_view.bad_values(connection, 1)}
    assert found == {"not_available": 5, "error": 1}


def test_a_rejected_message_keeps_its_first_bytes(connection: Connection) -> None:
    payload = b"\x00\xff" * MOST_BYTES
    said = Text(en="no \x00 JSON", zh="不是\x00JSON")
    topic = "a/\x00/\ud800"
    rejection = Rejection(START, None, topic, None, payload, 1, "not_json", said)
    rejected.add(connection, [rejection])
    listed = ingest_view.rejected(connection, None, None, None, 10)
    message = rejected.get(connection, listed[0]["id"])
    assert message is not None
    assert message.payload == payload[:MOST_BYTES]
    assert message.payload_size == len(payload)
    assert (message.topic, message.detail.en) == ("a/\ufffd/?", "no \ufffd JSON")
    assert rejected.get(connection, message.id + 1) is None


def test_the_same_bytes_are_rejected_once(connection: Connection) -> None:
    first = Rejection(START, 1, "a/b", None, b"{", 1, "not_json", small.TEXT)
    other = Rejection(START, 1, "a/b", None, b"[", 1, "not_json", small.TEXT)
    assert rejected.add(connection, [first, first, other]) == [True, False, True]
    assert rejected.add(connection, [other]) == [False]
    assert len(ingest_view.rejected(connection, None, None, "P-1", 10)) == 2


def test_a_process_beats_and_takes_its_leave(connection: Connection) -> None:
    process = processes.Process("ingest", "i1", "http://here")
    processes.beat(connection, process, {"messages": 1})
    processes.beat(connection, process, {"messages": 2})
    (row,) = ingest_view.beats(connection)
    assert (row["pid"], row["address"], row["detail"]) == (
        process.pid,
        "http://here",
        {"messages": 2},
    )
    processes.forget(connection, process)
    assert ingest_view.beats(connection) == []
