"""What the broker dropped: its counter, and by how much it grew, each time it changed.

The broker counts from zero at each start; what it dropped before stays known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from store.connection import Connection
from store.queries import load

_SQL = load("broker_loss")
_LOCK = 0x42524F4B  # any number of our own: one transaction at a time compares and adds


@dataclass(frozen=True, slots=True)
class BrokerLoss:
    """Messages the broker dropped since we watch it, and when that was last seen to grow."""

    dropped: int
    last_at: datetime | None


def note(connection: Connection, counter: int, at: datetime) -> int:
    """Note the broker's counter; returns how many messages were dropped since it was last noted,
    by any process."""
    values = {"counter": counter, "at": at, "key": _LOCK}
    row = connection.execute(_SQL["last"]).fetchone()
    if row is not None and row["counter"] == counter:
        return 0
    connection.execute(_SQL["lock"], values)
    row = connection.execute(_SQL["note"], values).fetchone()
    return 0 if row is None else int(row["dropped"])


def total(connection: Connection, since: datetime | None = None) -> BrokerLoss:
    """All that is known to be dropped, or what was since then."""
    row = connection.execute(_SQL["total"], {"since": since}).fetchone()
    assert row is not None
    return BrokerLoss(**row)
