"""The machines in parts, each at one worker at a time.

A machine belongs to the partition `id modulo PARTITIONS`. A worker holds partitions by a lease
which it says again every second; what a dead one held is free once its lease has run out. The
lease only decides who tries: a transaction that judges locks the rows of its partitions to its
end, and sees there whether they are still its own and where their cursors stand.
"""

from __future__ import annotations

from psycopg.rows import DictRow

from store.connection import Connection
from store.queries import load

PARTITIONS = 16
#: A worker that said nothing for so long is taken for dead, in seconds.
LEASE_S = 4.0
#: A worker that stands still within a transaction loses it, and its locks, after so long.
PATIENCE_MS = 60_000

_SQL = load("partition")


def take(connection: Connection, worker: str | None) -> dict[int, int]:
    """The worker's partitions with their cursors, locked until the transaction ends; all of them
    for a worker without a name, which shares with nobody."""
    connection.execute(_SQL["patience"], {"patience_ms": str(PATIENCE_MS)})
    rows = connection.execute(_SQL["take"], {"worker": worker}).fetchall()
    return {row["partition"]: int(row["position"]) for row in rows}


def advance(connection: Connection, partitions: tuple[int, ...], position: int) -> None:
    """Move the cursors of partitions that were taken; in the transaction of what it led to."""
    values = {"partitions": list(partitions), "position": position, "lease_s": LEASE_S}
    connection.execute(_SQL["advance"], values)


def balance(connection: Connection, worker: str) -> None:
    """Say that the worker lives, and take or give up partitions until each worker has its share.

    Call it every second, in a transaction of its own.
    """
    values = {"worker": worker, "lease_s": LEASE_S}
    for block in ("attend", "bury", "release_surplus", "renew", "claim"):
        connection.execute(_SQL[block], values)


def leave(connection: Connection, worker: str) -> None:
    """Give everything back: the worker ends on purpose."""
    for block in ("give_back", "leave"):
        connection.execute(_SQL[block], {"worker": worker})


def holders(connection: Connection) -> list[DictRow]:
    """Per worker (None: nobody) its partitions, least cursor, how many machines of service they
    have, and for how many seconds it has them unless it says so again."""
    return connection.execute(_SQL["holders"]).fetchall()
