"""The ingest log: one entry per product and kind in each commit, followed in commit order.

A position is given out under a lock that is held to the end of the transaction. So a consumer
that has seen position n will never find a smaller one appear later, and a cursor is enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from psycopg.rows import DictRow

from fleet import clock
from store.connection import Connection, our_errors
from store.queries import load

Kind = Literal["telemetry", "faults", "status"]
#: Channel on which every commit of the log is announced.
CHANNEL = "ingest_batch"

_SQL = load("ingest_log")
_LOCK = 0x494E4C4F  # any number of our own: one transaction at a time gives out positions


@dataclass(frozen=True, slots=True)
class NewEntry:
    """What a transaction wrote under batch `id`: how many rows, their oldest and newest time of
    measurement and the latest receipt, in milliseconds since 1970 UTC."""

    id: int
    kind: Kind
    product: str
    samples: int
    oldest: int
    newest: int
    received_at: int


@dataclass(frozen=True, slots=True)
class LogEntry(NewEntry):
    """An entry of the log; `position` orders them as they were committed."""

    position: int
    committed_at: int


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a consumer is behind: batches and rows not yet read, and the age in seconds of the
    oldest of them."""

    consumer: str
    position: int
    updated_at: datetime
    batches: int
    samples: int
    seconds: float


def next_id(connection: Connection) -> int:
    """The id for a new batch; unused ids leave a harmless gap."""
    row = connection.execute(_SQL["next_id"]).fetchone()
    assert row is not None
    return int(row["id"])


def append(connection: Connection, entries: Sequence[NewEntry]) -> None:
    """Add entries; the last thing a transaction does, as others wait for its lock from here on."""
    if not entries:
        return
    connection.execute(_SQL["lock"], {"key": _LOCK})
    values = {
        "ids": [entry.id for entry in entries],
        "kinds": [entry.kind for entry in entries],
        "products": [entry.product for entry in entries],
        "samples": [entry.samples for entry in entries],
        "oldest": [clock.to_datetime(entry.oldest) for entry in entries],
        "newest": [clock.to_datetime(entry.newest) for entry in entries],
        "received_at": [clock.to_datetime(entry.received_at) for entry in entries],
    }
    connection.execute(_SQL["append"], values)
    connection.execute(_SQL["announce"])


def follow(connection: Connection, consumer: str, most: int = 100) -> list[LogEntry]:
    """The next entries after the consumer's cursor, at most `most`, in commit order."""
    rows = connection.execute(_SQL["follow"], {"consumer": consumer, "most": most}).fetchall()
    return [_entry(row) for row in rows]


def between(
    connection: Connection, position: int, last: int | None, most: int = 100
) -> list[LogEntry]:
    """The entries after a position, up to `last` where it is given, at most `most`."""
    values = {"position": position, "last": last, "most": most}
    return [_entry(row) for row in connection.execute(_SQL["between"], values).fetchall()]


def advance(connection: Connection, consumer: str, position: int) -> None:
    """Move the consumer's cursor; in the transaction that writes what the entries led to."""
    values = {
        "consumer": consumer,
        "position": position,
        "at": clock.to_datetime(clock.now_ms()),
    }
    connection.execute(_SQL["advance"], values)


def lags(connection: Connection) -> list[Lag]:
    """How far every consumer is behind, by the database's clock, which dated the commits."""
    return [Lag(**row) for row in connection.execute(_SQL["lags"]).fetchall()]


def _entry(row: DictRow) -> LogEntry:
    times = ("oldest", "newest", "received_at", "committed_at")
    return LogEntry(**{**row, **{name: clock.to_ms(row[name]) for name in times}})


class Wakeup:
    """Wakes a consumer when something was committed.

    Make it before the first `follow`, so that nothing falls between the two. It keeps
    `connection` (in autocommit) to itself.
    """

    def __init__(self, connection: Connection, channel: str = CHANNEL) -> None:
        self._connection = connection
        with our_errors():
            connection.execute(f'listen "{channel}"')

    def wait(self, timeout_s: float) -> bool:
        """Wait for an announcement; False when none came in `timeout_s` seconds.

        Those that came since the last call count. Raises StoreUnavailable.
        """
        with our_errors():
            heard = list(self._connection.notifies(timeout=timeout_s, stop_after=1))
            # What else has come by now is the same news.
            list(self._connection.notifies(timeout=0))
        return bool(heard)
