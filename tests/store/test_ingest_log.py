"""The log: consumers see every commit, in one order, whoever writes at the same time."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from store import ingest_log
from store.connection import Connection, StoreUnavailable, connect
from store.ingest_log import NewEntry
from tests.store.samples import START


@pytest.fixture
def connection(small_store: str) -> Iterator[Connection]:
    with connect(small_store) as opened:
        yield opened


def append(connection: Connection, samples: int = 1) -> int:
    """Append one entry in a transaction of its own; returns its batch id."""
    with connection.transaction():
        batch_id = ingest_log.next_id(connection)
        entry = NewEntry(batch_id, "telemetry", "pump", samples, START, START + 5, START + 9)
        ingest_log.append(connection, [entry])
    return batch_id


def test_a_consumer_reads_on_from_its_cursor(connection: Connection) -> None:
    ids = [append(connection) for _ in range(3)]
    first = ingest_log.follow(connection, "rules", most=2)
    assert [entry.id for entry in first] == ids[:2]
    assert (first[0].kind, first[0].oldest, first[0].newest) == ("telemetry", START, START + 5)
    ingest_log.advance(connection, "rules", first[-1].position)
    assert [entry.id for entry in ingest_log.follow(connection, "rules")] == ids[2:]
    assert len(ingest_log.follow(connection, "predict")) == 3


def test_a_cursor_moves_with_the_transaction_it_belongs_to(connection: Connection) -> None:
    append(connection)
    with pytest.raises(ZeroDivisionError), connection.transaction():
        ingest_log.advance(connection, "rules", 1)
        raise ZeroDivisionError
    assert len(ingest_log.follow(connection, "rules")) == 1


def test_positions_follow_commits_and_not_batch_ids(small_store: str) -> None:
    with connect(small_store) as slow, connect(small_store) as fast:
        slow.execute("begin")
        early = ingest_log.next_id(slow)
        late = append(fast)
        ingest_log.append(slow, [NewEntry(early, "telemetry", "pump", 1, START, START, START)])
        assert [entry.id for entry in ingest_log.follow(fast, "rules")] == [late]
        slow.execute("commit")
        assert [entry.id for entry in ingest_log.follow(fast, "rules")] == [late, early]


def test_a_reader_beside_two_writers_misses_nothing(small_store: str) -> None:
    each = 60

    def write() -> None:
        with connect(small_store) as connection:
            for _ in range(each):
                append(connection)

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    seen: list[int] = []
    with connect(small_store) as connection, connect(small_store) as listener:
        wakeup = ingest_log.Wakeup(listener)
        while len(seen) < 2 * each:
            entries = ingest_log.follow(connection, "rules", most=7)
            if not entries and not wakeup.wait(20):
                break
            for entry in entries:
                seen.append(entry.position)
                ingest_log.advance(connection, "rules", entry.position)
    for writer in writers:
        writer.join()
    assert len(seen) == 2 * each
    assert seen == sorted(seen)


def test_news_before_the_wait_count(small_store: str) -> None:
    with connect(small_store) as listener, connect(small_store) as connection:
        wakeup = ingest_log.Wakeup(listener)
        assert not wakeup.wait(0)
        append(connection)
        append(connection)
        listener.execute("select 1")
        assert wakeup.wait(10)
        assert not wakeup.wait(0.05), "two commits before the wait are one wake-up"


def test_the_lag_says_how_far_a_consumer_is_behind(connection: Connection) -> None:
    append(connection)
    ingest_log.advance(connection, "rules", ingest_log.follow(connection, "rules")[-1].position)
    ingest_log.advance(connection, "predict", 0)
    append(connection, samples=7)
    lags = {lag.consumer: lag for lag in ingest_log.lags(connection)}
    assert (lags["rules"].batches, lags["rules"].samples) == (1, 7)
    assert (lags["predict"].batches, lags["predict"].samples) == (2, 8)
    assert 0 <= lags["rules"].seconds <= lags["predict"].seconds < 60


def test_a_lost_connection_is_said_to_be_lost(small_store: str) -> None:
    with connect(small_store) as listener, connect(small_store) as killer:
        wakeup = ingest_log.Wakeup(listener)
        pid = listener.info.backend_pid
        killer.execute("select pg_terminate_backend(%s)", (pid,))
        with pytest.raises(StoreUnavailable):
            wakeup.wait(10)
