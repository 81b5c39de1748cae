"""The running ingest: from the broker into the store, acknowledged after the commit."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import structlog

from fleet import clock
from ingest.broker_watch import BrokerWatch
from ingest.decode import Decoded
from ingest.early import EarlyMessages
from ingest.former import Former
from ingest.housekeeping import Housekeeper
from ingest.inbox import Inbox
from ingest.metrics import Metrics
from ingest.outage import GivenUp, Link, Outage
from ingest.sessions import Sessions
from ingest.sparkplug.host import Host
from ingest.subscriber import WINDOW, Subscriber
from ingest.writer import Batch, Writer
from store import broker_loss, processes
from store.connection import Connection, StoreFull, StoreUnavailable, address
from store.processes import BEAT_S, Process
from store.retention import Keep

_TAKE_S = 0.1
_SWITCH_S = 0.0005

log = structlog.get_logger(__name__)


def run(
    *,
    database_url: str,
    mqtt_url: str,
    client_id: str,
    stop: threading.Event,
    workers: int = 1,
    worker: int = 1,
    metrics_port: int | None = None,
    sparkplug_host: str | None = None,
    committed: Callable[[Batch], None] | None = None,
    keep: Keep = Keep(),  # noqa: B008  # it is frozen
) -> None:
    """Take messages until `stop` is set, then finish what was begun.

    `client_id` names the broker's session, which keeps what arrives while nobody runs. Of several
    `workers`, each a process with a session of its own, this is number `worker`, from 1; the first
    one also empties sessions of earlier numbers of workers, and is the Sparkplug B host.
    `sparkplug_host` is the host application that edge nodes know, None where there are none;
    `keep` says how long what was taken is kept.
    `committed` is called between commit and acknowledgement, for tests of that gap. Raises
    StoreError where the database is not there or not migrated at the start.
    """
    # A thread that computes lets another one go on at this interval only, and the writer asks after
    # each 128 KB that it hands to the database: with Python's 5 ms it would mostly wait.
    sys.setswitchinterval(_SWITCH_S)
    sessions = Sessions(client_id, workers, worker)
    host = sparkplug_host if sessions.is_first else None
    service = _Service(database_url, mqtt_url, sessions, host, stop, committed, keep)
    service.writer.refresh()
    if metrics_port is not None:
        service.metrics.serve(metrics_port)
    service.run()


class _Service:
    """One batch is written while the next is read and the one after that arrives."""

    def __init__(
        self,
        database_url: str,
        mqtt_url: str,
        sessions: Sessions,
        sparkplug_host: str | None,
        stop: threading.Event,
        committed: Callable[[Batch], None] | None,
        keep: Keep = Keep(),  # noqa: B008  # it is frozen
    ) -> None:
        self.stop = stop
        self.metrics = Metrics()
        self.inbox = Inbox(WINDOW)
        self.subscriber = Subscriber(mqtt_url, sessions.own, self.inbox.put, sessions.topic)
        self.former: Former | None = None
        self.host = Host(mqtt_url, sparkplug_host, self.inbox) if sparkplug_host else None
        self.broker = BrokerWatch(mqtt_url, sessions.own)
        self.outage = Outage(stop, address(database_url))
        self.writer = Writer(database_url, self.outage, self.metrics, self._settle)
        self.early = EarlyMessages(database_url, self.outage, self.metrics)
        self.housekeeper = Housekeeper(database_url, self.outage, keep)
        self.process = Process("ingest", sessions.own)
        self._mqtt_url, self._sessions = mqtt_url, sessions
        self._former = list(sessions.former) if sessions.is_first else []
        self._committed = committed
        self._beats = Link(database_url)
        self._commit_s = 0.0
        self._next_beat = 0.0
        self._subscribed: dict[str, bool] = {}
        self._said_loss = False
        self._watch()

    def run(self) -> None:
        self.subscriber.start()
        self.broker.start()
        if self.host is not None:
            self.host.start()
        self.early.start()
        self.housekeeper.start()
        try:
            with ThreadPoolExecutor(1, "ingest-writer") as pool:
                self._take_batches(pool)
        except GivenUp:
            log.warning("Stopped while the database was away; the broker keeps what was not taken.")
        finally:
            self.inbox.close()
            self.early.stop()
            self.housekeeper.stop()
            if self.host is not None:
                self.host.stop()
            self.broker.stop()
            self.subscriber.stop()
            if self.former is not None:
                self.former.stop()
            self._take_leave()
            self.writer.close()
            self._beats.close()

    def _take_batches(self, pool: ThreadPoolExecutor) -> None:
        writing: Future[None] | None = None
        while not self.stop.is_set():
            self._beat()
            self._empty_former()
            messages = self.inbox.take(_TAKE_S, self._commit_s)
            if messages:
                decoded = self.writer.read(messages)
                if writing is not None:
                    writing.result()
                writing = pool.submit(self._write, messages, decoded)
            elif writing is not None and writing.done():
                writing.result()
                writing = None
        if writing is not None:
            writing.result()

    def _write(self, messages: Batch, decoded: Decoded | Exception) -> None:
        began = clock.monotonic_s()
        self.writer.write(messages, decoded)
        self._commit_s = clock.monotonic_s() - began

    def _settle(self, messages: Batch) -> None:
        if self._committed is not None:
            self._committed(messages)
        self.subscriber.acknowledge(messages)
        for other in (self.host, self.former):
            if other is not None:
                other.acknowledge(messages)
        self.inbox.settle(messages)

    def _empty_former(self) -> None:
        """Take up one session of an earlier number of workers after the other, once our own is
        there to get what comes from now on."""
        if self.former is not None:
            if not self.former.ended.is_set():
                return
            self.former.stop()
            self.former = None
        if self._former and self.subscriber.subscribed:
            name, topics = self._former.pop(), self._sessions.topics
            self.former = Former(self._mqtt_url, name, topics, self.inbox.put)
            self.former.start()

    def _watch(self) -> None:
        self.metrics.watch("waiting", "Messages not yet taken.", lambda: self.inbox.waiting)
        self.metrics.watch("in_flight", "Messages not yet committed.", lambda: self.inbox.held)
        self.metrics.watch("database_away", "1 while the database takes nothing.", self._away)
        self.metrics.watch(
            "subscribed", "1 while the broker sends.", lambda: float(self.subscriber.subscribed)
        )
        self.metrics.watch(
            "broker_dropped",
            "Messages the broker dropped since its start.",
            lambda: float(self.broker.dropped or 0),
        )
        if self.host is not None:
            host = self.host
            self.metrics.watch(
                "sparkplug_subscribed",
                "1 while the broker sends what edge nodes say.",
                lambda: float(host.subscribed),
            )
            self.metrics.watch("sparkplug_nodes", "Edge nodes heard.", lambda: host.nodes)
            self.metrics.watch(
                "sparkplug_rebirths", "Births asked for since the start.", lambda: host.rebirths
            )

    def _away(self) -> float:
        return float(self.outage.lasts)

    def _subscriptions(self) -> dict[str, bool]:
        """Which of our subscriptions the broker serves now."""
        found = {"subscribed": self.subscriber.subscribed}
        if self.host is not None:
            found["sparkplug_subscribed"] = self.host.subscribed
        return found

    def _beat(self) -> None:
        now, subscribed = clock.monotonic_s(), self._subscriptions()
        if now < self._next_beat and subscribed == self._subscribed:
            return
        self._next_beat, self._subscribed = now + BEAT_S, subscribed
        try:
            self.writer.refresh()
            with self._beats.transaction() as connection:
                detail = {**self.metrics.beat(), **subscribed}
                if self.host is not None:
                    detail["sparkplug_nodes"] = self.host.nodes
                processes.beat(connection, self.process, detail)
                self._note_loss(connection)
        except (StoreUnavailable, StoreFull) as error:
            self.outage.began("beat", error)
        else:
            self.outage.ended("beat")

    def _note_loss(self, connection: Connection) -> None:
        """Keep what the broker dropped, and say the first of it."""
        if self.broker.dropped is None:
            return
        moment = clock.to_datetime(clock.now_ms())
        dropped = broker_loss.note(connection, self.broker.dropped, moment)
        if dropped and not self._said_loss:
            self._said_loss = True
            log.error(
                "The broker has dropped messages: a queue was full. Let the ingest run, or raise "
                "max_queued_messages; `ironpulse status` has the count.",
                dropped=dropped,
            )

    def _take_leave(self) -> None:
        try:
            with self._beats.transaction() as connection:
                processes.forget(connection, self.process)
        except (StoreUnavailable, StoreFull) as error:
            self.outage.began("beat", error)
