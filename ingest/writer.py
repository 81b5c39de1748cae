"""Decoding batches and committing them: nothing is lost, and no message stops the others."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from fleet import clock
from ingest.decode import Decoded, decode, reject
from ingest.message import Message
from ingest.metrics import Metrics
from ingest.outage import Link, Outage
from ingest.record import record
from ingest.routes import Registry
from store.connection import StoreFull, StoreUnavailable

log = structlog.get_logger(__name__)

Batch = list[Message]


class Writer:
    """Reads batches against the registry and writes each in one transaction.

    `settled` is called with messages once their commit is done: only then they may be
    acknowledged. `read` and `write` may run in two threads, on different batches.
    """

    def __init__(
        self,
        database_url: str,
        outage: Outage,
        metrics: Metrics,
        settled: Callable[[Batch], None],
    ) -> None:
        self.registry = Registry()
        self._reading, self._writing = Link(database_url), Link(database_url)
        self._outage = outage
        self._metrics = metrics
        self._settled = settled

    def refresh(self) -> None:
        """Load the plans where they changed. Raises StoreError."""
        with self._reading.transaction() as connection:
            self.registry.refresh(connection)

    def read(self, messages: Batch) -> Decoded:
        """Decode a batch; waits while the database is away. Raises GivenUp."""
        return self._outage.hold(lambda: self._read(messages, self._reading))

    def write(self, messages: Batch, decoded: Decoded) -> None:
        """Commit a batch and settle it; waits while the database is away. Raises GivenUp.

        Where the database refuses it for what it holds, its halves are tried by themselves, down
        to the message that is to blame, which is rejected.
        """
        try:
            self._outage.hold(lambda: self._commit(messages, decoded))
        except (StoreUnavailable, StoreFull):
            raise
        except Exception as error:
            if len(messages) == 1:
                self._refuse(messages[0], error)
                return
            log.warning(
                "A batch was refused; its messages are tried in smaller ones.",
                messages=len(messages),
                reason=str(error),
            )
            middle = len(messages) // 2
            for half in (messages[:middle], messages[middle:]):
                decoded = self._outage.hold(lambda half=half: self._read(half, self._writing))  # type: ignore[misc]
                self.write(half, decoded)

    def close(self) -> None:
        """End the connections."""
        self._reading.close()
        self._writing.close()

    def _read(self, messages: Batch, link: Link) -> Decoded:
        topics = {message.topic for message in messages}
        with link.transaction() as connection:
            routes = self.registry.routes(connection, topics)
        return decode(messages, routes, self.registry.products)

    def _commit(self, messages: Batch, decoded: Decoded) -> None:
        started = clock.monotonic_s()
        with self._writing.transaction() as connection:
            recorded = record(connection, decoded, self.registry.products)
        self._metrics.committed(len(messages), recorded, clock.monotonic_s() - started)
        self._settled(messages)

    def _refuse(self, message: Message, error: Exception) -> None:
        """Reject a message that decodes and yet cannot be written."""
        log.error("A message was refused.", topic=message.topic, reason=str(error), exc_info=error)
        route = self.registry.known(message.topic)
        rejection = reject(message, route, "refused", f"the store refused it: {error}")
        heard = {} if route.machine_id is None else {route.machine_id: (1, message.received_at)}
        refused = Decoded(rejections=[rejection], heard=heard)
        self._outage.hold(lambda: self._commit([message], refused))
