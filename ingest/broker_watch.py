"""Watches what the broker had to drop: a message that no queue had room for is lost, and only the
broker knows of it.

Mosquitto counts them since its start under $SYS; a connection of its own reads that, so that the
session of the ingest carries nothing but messages.
"""

from __future__ import annotations

import structlog

from ingest.message import Message
from ingest.subscriber import Subscriber

#: Messages that a client's full queue, or a lack of memory, made the broker drop.
DROPPED = "$SYS/broker/publish/messages/dropped"

log = structlog.get_logger(__name__)


class BrokerWatch(Subscriber):
    """Follows the broker's count of dropped messages."""

    topic = DROPPED
    clean_start = True
    expiry = 0

    def __init__(self, url: str, client_id: str) -> None:
        super().__init__(url, f"{client_id}-watch", self._count)
        self._dropped: int | None = None

    @property
    def dropped(self) -> int | None:
        """What the broker dropped since it was started; None while it did not say."""
        return self._dropped

    def _count(self, messages: list[Message]) -> None:
        for message in messages:
            try:
                self._dropped = int(message.payload)
            except ValueError:
                said = message.payload[:40]
                log.warning("The broker's count is no number.", topic=DROPPED, said=said)
        self.acknowledge(messages)
