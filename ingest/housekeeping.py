"""What has to be done once a day beside the ingest: dropping what is old, tightening what ended."""

from __future__ import annotations

import threading

import structlog

from fleet import clock
from ingest.outage import Outage
from store import hypertables, plans, retention
from store.connection import (
    Connection,
    StoreError,
    StoreFull,
    StoreUnavailable,
    connect,
    our_errors,
)
from store.retention import Keep

_EVERY_S = 5.0
_DAY_S = 86_400.0
_CANCEL_AGAIN_S = 0.5  # it may have come just before a statement began

log = structlog.get_logger(__name__)


class Housekeeper:
    """A thread that keeps house, in one of all processes that ingest: in the one whose connection
    holds the lock. Where that one ends, another one takes over within seconds.
    """

    def __init__(self, database_url: str, outage: Outage, keep: Keep) -> None:
        self._url = database_url
        self._outage = outage
        self._keep = keep
        self._connection: Connection | None = None
        self._is_ours = False
        self._next = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ingest-housekeeping")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; what is under way is given up and done another time."""
        self._stopping.set()
        while self._thread.is_alive():
            if (connection := self._connection) is not None:
                connection.cancel()
            self._thread.join(_CANCEL_AGAIN_S)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with our_errors():
                    self._look()
            except (StoreUnavailable, StoreFull) as error:
                if self._stopping.is_set():
                    break  # given up by `stop`
                self._outage.began("housekeeping", error)
                self._close()
            except StoreError as error:
                log.warning("Housekeeping is left for tomorrow.", reason=str(error))
                self._next = clock.monotonic_s() + _DAY_S
            else:
                self._outage.ended("housekeeping")
            self._stopping.wait(_EVERY_S)
        self._close()

    def _look(self) -> None:
        if self._connection is None:
            self._connection = connect(self._url)
        self._is_ours = self._is_ours or retention.claim(self._connection)
        if not self._is_ours or clock.monotonic_s() < self._next:
            return
        products = sorted(plans.versions(self._connection))
        self._drop(self._connection, products)
        self._tighten(self._connection, products)
        if not self._stopping.is_set():
            self._next = clock.monotonic_s() + _DAY_S

    def _drop(self, connection: Connection, products: list[str]) -> None:
        """Drop what is older than is to be kept, a transaction for each step."""
        more = True
        while more and not self._stopping.is_set():
            moment = clock.to_datetime(clock.now_ms())
            with connection.transaction():
                chunks = hypertables.drop_expired(connection, products, moment)
                dropped = retention.forget(connection, self._keep, moment)
            if chunks:
                log.info("Dropped expired telemetry.", chunks=chunks)
            if dropped:
                log.info("Dropped what was kept long enough.", **dropped)
            more = any(count >= retention.STEP for count in dropped.values())

    def _tighten(self, connection: Connection, products: list[str]) -> None:
        moment = clock.to_datetime(clock.now_ms())
        for product in products:
            while not self._stopping.is_set() and (
                chunk := hypertables.tighten(connection, product, moment)
            ):
                log.info("Packed the key of a chunk that ended.", chunk=chunk)

    def _close(self) -> None:
        self._is_ours = False
        if self._connection is not None:
            self._connection.close()
            self._connection = None
