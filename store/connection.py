"""Connections to the database, and the one place where its errors become ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from fleet.errors import IronpulseError

Connection = psycopg.Connection[DictRow]

#: Rows that come at a time where all of them would be too many.
_PORTION = 5_000
_streams = count(1)

#: What stands against every write until somebody does something about it: that.
_CANNOT_WRITE: dict[type[psycopg.Error], str] = {
    psycopg.errors.DiskFull: "make room on the database server's disk",
    psycopg.errors.InsufficientPrivilege: "grant its user the right to select, insert, update and "
    "delete in all tables of Ironpulse",
    psycopg.errors.ReadOnlySqlTransaction: "name the primary server in IRONPULSE_DATABASE_URL, or "
    "switch default_transaction_read_only off",
    psycopg.errors.UndefinedTable: "run `ironpulse migrate`",
    psycopg.errors.UndefinedColumn: "run `ironpulse migrate`",
}
# Class 40: rolled back for another's sake, as after a deadlock; the same call may work at once.
_ROLLED_BACK = "40"
# Class 54 is about what was sent (too long, too complex): it would fail again for ever.
_LIMIT_EXCEEDED = "54"


class StoreError(IronpulseError):
    """The database refused something."""


class StoreUnavailable(StoreError):
    """The database cannot be reached, or went away; the same call may work later."""


class StoreFull(StoreError):
    """The database has no room, no right to write, or not the tables; somebody has to mend that
    first, and the message says how."""


@contextmanager
def our_errors() -> Iterator[None]:
    """Turns the driver's errors into StoreError and its kinds; others pass."""
    try:
        yield
    except tuple(_CANNOT_WRITE) as error:
        remedy = next(words for kind, words in _CANNOT_WRITE.items() if isinstance(error, kind))
        said = f"the database cannot write: {_first_line(error)}; {remedy}"
        raise StoreFull(said) from error
    except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout) as error:
        state = getattr(error, "sqlstate", None) or ""
        if state.startswith(_LIMIT_EXCEEDED):
            raise StoreError(f"the database refused: {_first_line(error)}") from error
        if state.startswith(_ROLLED_BACK):
            raise StoreUnavailable(f"the database rolled it back: {_first_line(error)}") from error
        raise StoreUnavailable(f"the database cannot be reached: {_first_line(error)}") from error
    except psycopg.Error as error:
        raise StoreError(f"the database refused: {_first_line(error)}") from error


def connect(url: str) -> Connection:
    """A connection of its own, in autocommit, rows as dicts, times in UTC.

    Raises StoreUnavailable when nothing answers at `url`.
    """
    with our_errors():
        return psycopg.connect(
            url, autocommit=True, row_factory=dict_row, options="-c timezone=UTC"
        )


def address(url: str) -> str:
    """Host, port and name of a database, for sentences: no user, no password."""
    parts = conninfo_to_dict(url)
    return f"{parts.get('host')}:{parts.get('port', 5432)}/{parts.get('dbname', '')}"


class Database:
    """A pool of connections for one process. Open it with `with`.

    Who asks for a connection waits at most `wait_s` seconds for one. `plan_each_query`: every
    execution is planned for its own parameters. Lists whose filters may be left out need that:
    after ten executions PostgreSQL would else plan once for all, as if every filter were given.
    """

    def __init__(
        self,
        url: str,
        max_size: int = 8,
        wait_s: float = 30.0,
        *,
        plan_each_query: bool = False,
    ) -> None:
        self.url = url
        options = "-c timezone=UTC"
        if plan_each_query:
            options += " -c plan_cache_mode=force_custom_plan"
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            url,
            connection_class=psycopg.Connection[DictRow],
            kwargs={
                "row_factory": dict_row,
                "autocommit": True,
                "options": options,
            },
            min_size=1,
            max_size=max_size,
            open=False,
            timeout=wait_s,
            reconnect_timeout=wait_s,
            check=ConnectionPool.check_connection,
        )

    def __enter__(self) -> Database:
        with our_errors():
            self._pool.open(wait=True, timeout=30)
        return self

    def __exit__(self, *exc: object) -> None:
        self._pool.close()

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection in autocommit, for reading."""
        with our_errors(), self._pool.connection() as connection:
            yield connection

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A connection inside one transaction: commits at the end, rolls back on an error."""
        with our_errors(), self._pool.connection() as connection, connection.transaction():
            yield connection


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def streamed(
    connection: Connection, query: str, values: Mapping[str, Any] | None = None
) -> Iterator[dict[str, Any]]:
    """Rows that are too many to be held at once, in portions. Call it in a transaction; other
    statements may come in between."""
    with connection.cursor(f"streamed_{next(_streams)}") as cursor:
        cursor.itersize = _PORTION
        cursor.execute(query, values)
        yield from cursor
