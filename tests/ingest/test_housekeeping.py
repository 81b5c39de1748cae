"""One of all processes keeps house, and another one when that has ended."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from fleet import clock
from fleet.clock import MS_PER_DAY
from ingest import housekeeping
from ingest.housekeeping import Housekeeper
from ingest.outage import Outage
from store import rejected
from store.connection import connect
from store.rejected import Rejection
from store.retention import Keep
from tests import small
from tests.ingest.running import eventually, rows

_HOLDERS = """
    select pid from pg_locks join pg_database on pg_database.oid = database
    where locktype = 'advisory' and datname = current_database() and granted
"""


def keeper(url: str) -> Housekeeper:
    return Housekeeper(url, Outage(threading.Event()), Keep(rejected=timedelta(days=10)))


def reject_long_ago(url: str) -> None:
    at = clock.now_ms() - 20 * MS_PER_DAY
    with connect(url) as connection:
        rejected.add(connection, [Rejection(at, 1, "t", None, b"?", 1, "not_json", small.TEXT)])


def test_one_keeps_house_and_another_takes_over(
    small_store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "_EVERY_S", 0.02)
    first, second = keeper(small_store), keeper(small_store)
    reject_long_ago(small_store)
    first.start()
    try:
        eventually(lambda: rows(small_store, "select id from rejected_message"), [])
        reject_long_ago(small_store)
        second.start()
        (holder,) = rows(small_store, _HOLDERS)
        assert len(rows(small_store, "select id from rejected_message")) == 1  # done for today
    finally:
        first.stop()
    try:
        eventually(lambda: rows(small_store, "select id from rejected_message"), [])
        (other,) = rows(small_store, _HOLDERS)
        assert other != holder
    finally:
        second.stop()
    eventually(lambda: rows(small_store, _HOLDERS), [])
