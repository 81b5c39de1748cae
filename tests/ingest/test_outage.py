"""Holding on: said once, tried again, given up only when asked to stop."""

from __future__ import annotations

import threading

import pytest
from structlog.testing import capture_logs

from fleet.errors import IronpulseError
from ingest import outage
from ingest.inbox import Inbox
from ingest.outage import GivenUp, Link, Outage
from ingest.subscriber import Subscriber
from store.connection import StoreError, StoreFull, StoreUnavailable


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (StoreUnavailable("gone"), "Waiting for the database."),
        (StoreFull("no room"), "Nothing is taken until somebody mends this."),
    ],
)
def test_it_is_said_once_and_when_it_is_over(
    error: StoreError, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outage, "_FIRST_WAIT_S", 0.001)
    failures = [error] * 4

    def action() -> str:
        if failures:
            raise failures.pop()
        return "done"

    with capture_logs() as said:
        assert Outage(threading.Event()).hold("write", action) == "done"
    assert [entry["event"].startswith(words) for entry in said] == [True, False]
    assert said[1]["event"] == "The database takes data again."


def test_asked_to_stop_it_gives_up() -> None:
    stop = threading.Event()

    def action() -> None:
        stop.set()
        raise StoreUnavailable("gone")

    with pytest.raises(GivenUp):
        Outage(stop).hold("write", action)


def test_other_errors_pass() -> None:
    def action() -> None:
        raise StoreError("a defect")

    with pytest.raises(StoreError, match="a defect"):
        Outage(threading.Event()).hold("write", action)


def test_a_link_mends_itself(small_store: str) -> None:
    link = Link(small_store)
    with link.transaction() as connection:
        pid = connection.info.backend_pid
    with pytest.raises(StoreUnavailable), link.transaction() as connection:
        connection.execute("select pg_terminate_backend(pg_backend_pid())")
    with link.transaction() as connection:
        assert connection.info.backend_pid != pid
    link.close()


@pytest.mark.parametrize("url", ["http://here", "localhost:1883", "mqtt://"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(IronpulseError, match="write mqtt://user:password@host:port"):
        Subscriber(url, "c", Inbox(1).put)


def test_who_can_read_does_not_end_the_outage_of_who_cannot_write() -> None:
    outage = Outage(threading.Event(), "here:5432/there")
    with capture_logs() as said:
        outage.began("write", StoreFull("no room"))
        outage.began("beat", StoreUnavailable("gone"))
        outage.ended("beat")
        assert outage.hold("read", lambda: 7) == 7
        assert len(said) == 1 and said[0]["database"] == "here:5432/there" and outage.lasts
        outage.ended("write")
    assert [entry["log_level"] for entry in said] == ["error", "info"] and not outage.lasts
