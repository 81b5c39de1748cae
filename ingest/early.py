"""What machines sent before they were registered, put back as soon as they are.

Whoever registers machines puts it back at once; but a message may be on its way through a batch
that was read before the registration and is written after it. This looks again every few seconds.
"""

from __future__ import annotations

import threading

import structlog

from ingest.metrics import Metrics
from ingest.outage import Link, Outage
from ingest.replay import replay
from store import rejected
from store.connection import (
    StoreError,
    StoreFull,
    StoreUnavailable,
    our_errors,
)

_EVERY_S = 5.0

log = structlog.get_logger(__name__)


class EarlyMessages:
    """A thread that looks for messages whose senders are registered by now.

    What still cannot be used has another reason from then on and is not tried again; what the
    store refuses is tried once in the life of this object.
    """

    def __init__(self, database_url: str, outage: Outage, metrics: Metrics) -> None:
        self._outage = outage
        self._metrics = metrics
        self._link = Link(database_url)
        self._tried: set[int] = set()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ingest-early")

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End; a message that is being put back is put back first."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(_EVERY_S):
            try:
                self._look()
            except (StoreUnavailable, StoreFull) as error:
                self._outage.began("early", error)
                self._link.close()
            except StoreError as error:
                log.error("Early messages could not be put back; tried again.", reason=str(error))
                self._link.close()
            else:
                self._outage.ended("early")
        self._link.close()

    def _look(self) -> None:
        connection = self._link.open()
        with our_errors():
            found = rejected.of_registered(connection)
        fresh = [each for each in found if each not in self._tried]
        self._tried = set(found)
        counts = {"replayed": 0, "rejected": 0}
        for done in replay(connection, fresh):
            counts[done.outcome] = counts.get(done.outcome, 0) + 1
            if self._stopping.is_set():
                break
        if fresh:
            self._metrics.put_back(counts["replayed"])
            log.info(
                "Messages of machines that were registered meanwhile were put back.",
                put_back=counts["replayed"],
                still_rejected=counts["rejected"],
            )
