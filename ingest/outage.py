"""Holding on while the database is away or full: said once, tried again, said when it is over."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import structlog

from fleet import clock
from store.connection import Connection, StoreFull, StoreUnavailable, connect, our_errors

_FIRST_WAIT_S = 0.1
_LONGEST_WAIT_S = 5.0

log = structlog.get_logger(__name__)
T = TypeVar("T")


class GivenUp(Exception):
    """Asked to stop while holding on; nothing was acknowledged, the broker keeps it."""


class Link:
    """One connection to the database that is made anew after it broke."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Connection | None = None

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """The connection inside a transaction; raises StoreError and its kinds."""
        connection = self.open()
        with our_errors(), connection.transaction():
            yield connection

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def open(self) -> Connection:
        """The connection itself, for work in transactions of its own; raises StoreUnavailable."""
        if self._connection is None or self._connection.broken or self._connection.closed:
            self.close()
            self._connection = connect(self._url)
        return self._connection


class Outage:
    """What all users of the database in this process know of its being away; `where` names it."""

    def __init__(self, stop: threading.Event, where: str = "") -> None:
        self._stop = stop
        self._where = where
        self._lock = threading.Lock()
        self._since: float | None = None
        self._hindered: set[str] = set()
        self._asked = False  # whether it was said that somebody has to do something

    @property
    def lasts(self) -> bool:
        """Whether the database takes nothing now."""
        return self._since is not None

    def hold(self, user: str, action: Callable[[], T]) -> T:
        """Do what `user` wants, again and again until the database takes it.

        Raises GivenUp when the process is to stop; errors of other kinds pass.
        """
        wait = _FIRST_WAIT_S
        while True:
            try:
                result = action()
            except (StoreUnavailable, StoreFull) as error:
                self.began(user, error)
                if self._stop.wait(wait):
                    raise GivenUp from error
                wait = min(2 * wait, _LONGEST_WAIT_S)
            else:
                self.ended(user)
                return result

    def began(self, user: str, error: StoreUnavailable | StoreFull) -> None:
        """Say it, unless it was said; what was away and now needs somebody is said anew. Where
        the database does not write, one user may go on that only reads: so each is remembered."""
        needs_somebody = isinstance(error, StoreFull)
        with self._lock:
            self._hindered.add(user)
            if self._since is not None and (self._asked or not needs_somebody):
                return
            self._since = clock.monotonic_s() if self._since is None else self._since
            self._asked = needs_somebody
        if needs_somebody:
            log.error(
                "Nothing is taken until somebody mends this. The broker holds what comes.",
                database=self._where,
                reason=str(error),
            )
        else:
            log.warning(
                "Waiting for the database. The broker holds what comes.",
                database=self._where,
                reason=str(error),
            )

    def ended(self, user: str) -> None:
        """Say that it is over, if it was, and no other user is hindered."""
        with self._lock:
            self._hindered.discard(user)
            if self._hindered:
                return
            since, self._since = self._since, None
        if since is not None:
            seconds = round(clock.monotonic_s() - since, 1)
            log.info("The database takes data again.", after_s=seconds)
