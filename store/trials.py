"""Rules tried on history: who asked for what, how far it is, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from fleet import clock
from fleet.text import Text
from store.connection import Connection
from store.queries import load

#: Results are kept for so long.
KEPT = timedelta(days=14)

_SQL = load("trial")
_TURN = 0x54524941  # any number of our own: one trial at a time per database


@dataclass(frozen=True, slots=True)
class Trial:
    """What is to be tried: `change` holds the fields of the rule that differ; times in ms."""

    id: int
    product: str
    rule: str
    change: Mapping[str, Any]
    since: int
    until: int


def ask(
    connection: Connection,
    product: str,
    rule: str,
    change: Mapping[str, Any],
    span: tuple[int, int],
    *,
    who: str,
    now_ms: int,
) -> int:
    """Ask for a trial over [since, until); its id. Old results are forgotten."""
    now = clock.to_datetime(now_ms)
    connection.execute(_SQL["forget"], {"before": now - KEPT})
    values = {
        "product": product,
        "rule": rule,
        "change": Jsonb(dict(change)),
        "since": clock.to_datetime(span[0]),
        "until": clock.to_datetime(span[1]),
        "who": who,
        "now": now,
    }
    row = connection.execute(_SQL["ask"], values).fetchone()
    assert row is not None
    return int(row["id"])


def waiting(connection: Connection) -> int:
    """How many trials are asked for and not over."""
    row = connection.execute(_SQL["waiting"]).fetchone()
    assert row is not None
    return int(row["trials"])


def take_turn(connection: Connection) -> None:
    """Wait until no other process of this database tries rules; until the connection closes."""
    connection.execute(_SQL["turn"], {"key": _TURN})


def begin(connection: Connection) -> Trial | None:
    """The next trial, from its beginning; None where none waits. Only for who has the turn."""
    row = connection.execute(_SQL["next"]).fetchone()
    if row is None:
        return None
    times = {name: clock.to_ms(row[name]) for name in ("since", "until")}
    return Trial(**{**row, **times})


def at_work(connection: Connection, trial_id: int, progress: float) -> bool:
    """Say how far it is (share of one); False where somebody has cancelled it."""
    values = {"id": trial_id, "progress": progress}
    return connection.execute(_SQL["at_work"], values).fetchone() is not None


def done(connection: Connection, trial_id: int, result: Mapping[str, Any]) -> None:
    """Keep what came of it."""
    values = {"id": trial_id, "state": "done", "result": Jsonb(dict(result)), "error": None}
    connection.execute(_SQL["finish"], values)


def failed(connection: Connection, trial_id: int, error: Text) -> None:
    """Keep why nothing came of it."""
    told = Jsonb(error.model_dump())
    values = {"id": trial_id, "state": "failed", "result": None, "error": told}
    connection.execute(_SQL["finish"], values)


def cancel(connection: Connection, trial_id: int) -> bool:
    """Stop it; False where it is over already."""
    return connection.execute(_SQL["cancel"], {"id": trial_id}).fetchone() is not None


def list_trials(
    connection: Connection,
    *,
    trial_id: int | None = None,
    after: int | None = None,
    limit: int = 100,
) -> list[DictRow]:
    """Trials, the latest first; one of them with its result."""
    values = {"id": trial_id, "after": after, "limit": limit}
    return connection.execute(_SQL["list"], values).fetchall()
