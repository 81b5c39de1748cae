"""Rejected messages put back through the ingest path, once what was wrong is mended.

A message is judged as of the moment it came: a clock that was wrong then stays wrong. It can be
put back once; what it then holds is stored, merged or a repetition as if it came now, and the
ledger counts it there and no longer among the rejected.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from fleet import clock
from fleet.text import Text
from ingest.decode import Decoded, decode
from ingest.message import Message
from ingest.record import record
from ingest.routes import Registry
from ingest.sentences import say
from store import ledger, rejected
from store.connection import Connection, StoreError, StoreFull, StoreUnavailable, our_errors
from store.ledger import Tally
from store.rejected import RejectedMessage, Rejection

Outcome = Literal["replayed", "rejected", "replayed_before", "incomplete", "unknown"]


@dataclass(frozen=True, slots=True)
class Replay:
    """What became of putting message `id` back.

    `rejected`: it still cannot be used, `reason` and `detail` say why now. `incomplete`: only its
    first part was kept. `unknown`: there is no such message. The counts are in samples; `again`
    those that were rejected anew, as messages of their own.
    """

    id: int
    outcome: Outcome
    reason: str | None = None
    detail: Text | None = None
    stored: int = 0
    merged: int = 0
    repeated: int = 0
    again: int = 0


def replay(connection: Connection, ids: Iterable[int]) -> Iterator[Replay]:
    """Put messages back, each in a transaction of its own. Raises StoreUnavailable or
    StoreFull; a message that the store refuses stays as it is."""
    registry = Registry()
    with our_errors():
        registry.refresh(connection)
    for rejected_id in ids:
        try:
            with our_errors(), connection.transaction():
                outcome = _replay(connection, registry, rejected_id)
        except (StoreUnavailable, StoreFull):
            raise
        except StoreError as error:
            outcome = Replay(rejected_id, "rejected", "refused", say("refused", error=error))
        yield outcome


def _replay(connection: Connection, registry: Registry, rejected_id: int) -> Replay:
    found = rejected.lock(connection, rejected_id)
    if found is None:
        return Replay(rejected_id, "unknown", detail=say("unknown_message", id=rejected_id))
    if found.replayed_at is not None:
        at = found.replayed_at.isoformat(timespec="seconds")
        return Replay(found.id, "replayed_before", detail=say("put_back_before", time=at))
    if len(found.payload) < found.payload_size:
        kept = say("kept_in_part", kept=len(found.payload), size=found.payload_size)
        return Replay(found.id, "incomplete", found.reason, kept)
    received_at = clock.to_ms(found.received_at)
    message = Message(found.topic, found.payload, found.content_type, received_at)
    decoded = decode([message], registry.routes(connection, [found.topic]), registry.products)
    still = _still_rejected(message, decoded)
    if still is not None:
        _judge_again(connection, found, still)
        return Replay(found.id, "rejected", still.reason, still.detail)
    return _put_back(connection, registry, found, decoded)


def _still_rejected(message: Message, decoded: Decoded) -> Rejection | None:
    """Why the message as a whole cannot be used now either."""
    whole = [each for each in decoded.rejections if each.payload == message.payload]
    return whole[0] if whole else None


def _judge_again(connection: Connection, found: RejectedMessage, now: Rejection) -> None:
    rejected.judge_again(connection, found.id, now)
    if found.machine_id is None and now.machine_id is not None:
        tally = Tally(now.received_at, messages=1, rejected=found.samples)
        ledger.add(connection, {now.machine_id: tally})


def _put_back(
    connection: Connection, registry: Registry, found: RejectedMessage, decoded: Decoded
) -> Replay:
    rejected.set_replayed(connection, found.id, clock.to_datetime(clock.now_ms()))
    beforehand = {}
    if found.machine_id is not None:
        # It was counted when it came, as a message and among the rejected.
        decoded.heard.clear()
        received_at = clock.to_ms(found.received_at)
        beforehand[found.machine_id] = Tally(received_at, rejected=-found.samples)
    counted = sum(tally.rejected for tally in beforehand.values())
    done = record(connection, decoded, registry.products, beforehand)
    return Replay(
        found.id,
        "replayed",
        stored=done.total("stored"),
        merged=done.total("merged"),
        repeated=done.total("repeated"),
        again=done.total("rejected") - counted,
    )
