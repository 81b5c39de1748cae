"""Decoding batches and committing them: nothing is lost, and no message stops the others."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import structlog

from fleet import clock
from ingest.clocks import Clocks
from ingest.decode import Decoded, decode, reject
from ingest.message import Message
from ingest.metrics import Metrics
from ingest.outage import GivenUp, Link, Outage
from ingest.record import record
from ingest.routes import Registry
from ingest.sentences import say
from store.connection import StoreError

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
        self._clocks = Clocks()

    def refresh(self) -> None:
        """Load the plans where they changed. Raises StoreError."""
        with self._reading.transaction() as connection:
            self.registry.refresh(connection)

    def read(self, messages: Batch) -> Decoded | Exception:
        """Decode a batch, or say why that cannot be done; waits while the database is away.

        Raises GivenUp.
        """
        return self._read(messages, self._reading)

    def write(self, messages: Batch, decoded: Decoded | Exception) -> None:
        """Commit a batch and settle it; waits while the database is away. Raises GivenUp.

        Where it cannot be read, or the database refuses it for what it holds, its halves are
        tried by themselves, down to the message that is to blame, which is rejected.
        """
        error = decoded if isinstance(decoded, Exception) else self._commit(messages, decoded)
        if error is None:
            return
        if len(messages) == 1:
            self._reject(messages[0], error)
            return
        log.warning(
            "A batch was refused; its messages are tried in smaller ones.",
            messages=len(messages),
            reason=str(error),
        )
        middle = len(messages) // 2
        for half in (messages[:middle], messages[middle:]):
            self.write(half, self._read(half, self._writing))

    def close(self) -> None:
        """End the connections."""
        self._reading.close()
        self._writing.close()

    def _read(self, messages: Batch, link: Link) -> Decoded | Exception:
        try:
            return self._outage.hold("read", partial(self._decode, messages, link))
        except GivenUp:
            raise
        except Exception as error:
            return error

    def _commit(self, messages: Batch, decoded: Decoded) -> Exception | None:
        """Commit a batch; returns what the database, or a defect of ours, has against it."""
        try:
            self._outage.hold("write", partial(self._record, messages, decoded))
        except GivenUp:
            raise
        except Exception as error:
            return error
        return None

    def _decode(self, messages: Batch, link: Link) -> Decoded:
        topics = {message.topic for message in messages}
        routes = self.registry.remembered(topics)
        if routes is None:
            with link.transaction() as connection:
                routes = self.registry.routes(connection, topics)
        return decode(messages, routes, self.registry.products)

    def _record(self, messages: Batch, decoded: Decoded) -> None:
        started = clock.monotonic_s()
        news = self._clocks.news(decoded.lags)
        with self._writing.transaction() as connection:
            recorded = record(connection, decoded, self.registry.products, clocks=news)
        self._clocks.told(news)
        received = [message.received_at for message in messages]
        self._metrics.committed(received, recorded, clock.monotonic_s() - started)
        self._settled(messages)

    def _reject(self, message: Message, error: Exception) -> None:
        """Reject a message that cannot be read, or reads well and yet cannot be written."""
        defect = None if isinstance(error, StoreError) else error
        log.error("A message was refused.", topic=message.topic, reason=str(error), exc_info=defect)
        route = self.registry.known(message.topic)
        rejection = reject(message, route, "refused", say("refused", error=error))
        heard = {} if route.machine_id is None else {route.machine_id: (1, message.received_at)}
        refused = Decoded(rejections=[rejection], heard=heard)
        self._outage.hold("write", partial(self._record, [message], refused))
