"""Messages that could not be stored: their bytes, and why. Lists of them: `store.ingest_view`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from fleet import clock
from fleet.text import Text
from store.connection import Connection
from store.queries import load

#: So much of a message is kept, in bytes.
MOST_BYTES = 64 * 1024

_SQL = load("rejected")


@dataclass(frozen=True, slots=True)
class Rejection:
    """A message, or those of its samples, that could not be stored.

    `reason` is one word for counting, `detail` a sentence that says what is wrong and where;
    `samples` how many samples the ledger counts for it; `machine_id` None where the sender is
    unknown. `received_at` in milliseconds since 1970 UTC.
    """

    received_at: int
    machine_id: int | None
    topic: str
    content_type: str | None
    payload: bytes
    samples: int
    reason: str
    detail: Text


@dataclass(frozen=True, slots=True)
class RejectedMessage:
    """A rejection as it is stored; `payload` holds the first MOST_BYTES of `payload_size`."""

    id: int
    received_at: datetime
    machine_id: int | None
    topic: str
    content_type: str | None
    payload: bytes
    payload_size: int
    samples: int
    reason: str
    detail: Text
    replayed_at: datetime | None


def add(connection: Connection, rejections: Sequence[Rejection]) -> list[bool]:
    """Keep rejected messages; returns for each whether it is new.

    The same bytes at the same topic once more are a repetition and change nothing.
    """
    if not rejections:
        return []
    values = {
        "received_at": [clock.to_datetime(each.received_at) for each in rejections],
        "machines": [each.machine_id for each in rejections],
        "topics": [_text(each.topic) for each in rejections],
        "content_types": [
            None if each.content_type is None else _text(each.content_type) for each in rejections
        ],
        "payloads": [each.payload[:MOST_BYTES] for each in rejections],
        "sizes": [len(each.payload) for each in rejections],
        "samples": [each.samples for each in rejections],
        "reasons": [each.reason for each in rejections],
        "details": [_both(each.detail) for each in rejections],
    }
    added = {row["digest"] for row in connection.execute(_SQL["add"], values).fetchall()}
    fates = []
    for digest in map(_digest, rejections):
        fates.append(digest in added)
        added.discard(digest)
    return fates


def get(connection: Connection, rejected_id: int) -> RejectedMessage | None:
    """One rejected message, None where there is none of that id."""
    row = connection.execute(_SQL["get"], {"id": rejected_id}).fetchone()
    return None if row is None else _message(row)


def lock(connection: Connection, rejected_id: int) -> RejectedMessage | None:
    """The same, kept from all others until the end of the transaction."""
    row = connection.execute(_SQL["lock"], {"id": rejected_id}).fetchone()
    return None if row is None else _message(row)


def waiting(
    connection: Connection, reason: str | None = None, serial: str | None = None
) -> list[int]:
    """Ids of those that were not put back, the oldest first; of one reason or machine, whose
    messages are told by their topic while it is unknown."""
    values = {"reason": reason, "serial": serial}
    return [row["id"] for row in connection.execute(_SQL["waiting"], values).fetchall()]


def of_registered(connection: Connection) -> list[int]:
    """Ids of messages, the oldest first, that were rejected as their sender was unknown, and that
    can be put back as it is registered now."""
    return [row["id"] for row in connection.execute(_SQL["of_registered"]).fetchall()]


def set_replayed(connection: Connection, rejected_id: int, at: datetime) -> None:
    """Say that a message was put back."""
    connection.execute(_SQL["replayed"], {"id": rejected_id, "at": at})


def judge_again(connection: Connection, rejected_id: int, now: Rejection) -> None:
    """Say why, and of which machine, a message is rejected now."""
    values = {
        "id": rejected_id,
        "machine": now.machine_id,
        "reason": now.reason,
        "detail": _both(now.detail),
    }
    connection.execute(_SQL["judged_again"], values)


def _digest(rejection: Rejection) -> str:
    """What the column `digest` holds of it."""
    parts = (_text(rejection.topic).encode(), rejection.payload[:MOST_BYTES])
    sums = [hashlib.md5(part, usedforsecurity=False).hexdigest() for part in parts]
    return f"{''.join(sums)}{len(rejection.payload)}"


def _message(row: dict[str, Any]) -> RejectedMessage:
    return RejectedMessage(**{**row, "detail": Text(**row["detail"])})


def _both(detail: Text) -> Jsonb:
    return Jsonb({"en": _text(detail.en), "zh": _text(detail.zh)})


def _text(words: str) -> str:
    """Words as the database can hold them: it has no NUL and no half characters."""
    return words.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
