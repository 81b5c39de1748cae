"""The process that publishes: at a rate, or as fast as what it sent is committed."""

from __future__ import annotations

import multiprocessing
import time
from dataclasses import dataclass, field
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event
from typing import Any

from benchmarks.ingest.traffic import Line
from benchmarks.wire import Address
from fleet import clock

_LINES = 4
_CHUNK = 100
_TICK_S = 0.001
#: Unacknowledged messages of one connection; the broker takes 20,000.
_WINDOW = 4_000
_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Offer:
    """What is offered: `samples` per message of `machines` machines; `rate` messages/s, 0 for as
    many as are taken; at most `ahead` messages sent and not yet committed, 0 for any number; no
    more than `most` messages in all, 0 for no end; `flat` as others want them."""

    machines: int
    samples: int
    rate: float = 0.0
    ahead: int = 0
    most: int = 0
    flat: bool = False


@dataclass(slots=True)
class Shared:
    """What both processes see: `committed` and `sent` messages, bytes of a `payload`,
    when to start and to end."""

    committed: Synchronized[int]
    sent: Synchronized[int]
    payload: Synchronized[int]
    ready: Event
    end: Event
    start: Event

    @classmethod
    def make(cls) -> Shared:
        """A new one."""
        context = _CONTEXT
        return cls(
            context.Value("q", 0, lock=False),
            context.Value("q", 0, lock=False),
            context.Value("q", 0, lock=False),
            context.Event(),
            context.Event(),
            context.Event(),
        )


_CONTEXT = multiprocessing.get_context("spawn")


@dataclass(slots=True)
class Publisher:
    """The publishing process; use it with `with`."""

    address: Address
    offer: Offer
    shared: Shared = field(default_factory=Shared.make)
    _process: Any = None

    def __enter__(self) -> Publisher:
        self._process = _CONTEXT.Process(
            target=publish, args=(self.address, self.offer, self.shared), daemon=True
        )
        self._process.start()
        while not self.shared.ready.wait(0.1):
            self._require_life()
        return self

    def __exit__(self, *_: object) -> None:
        self.shared.end.set()
        self.shared.start.set()
        self._process.join(_PATIENCE_S)
        if self._process.is_alive():
            self._process.kill()

    @property
    def pid(self) -> int:
        """Its process id."""
        return int(self._process.pid)

    def begin(self) -> None:
        """Publish from now on."""
        self.shared.start.set()

    def finish(self) -> int:
        """Stop publishing; returns how many messages the broker has acknowledged: all."""
        self.shared.end.set()
        self._process.join(_PATIENCE_S)
        self._require_success()
        return self.shared.sent.value

    def _require_life(self) -> None:
        if not self._process.is_alive():
            raise RuntimeError("the publisher has died; its words are above")

    def _require_success(self) -> None:
        if self._process.exitcode != 0:
            raise RuntimeError("the publisher has failed; its words are above")


def publish(address: Address, offer: Offer, shared: Shared) -> None:
    """Publish until told to end, then wait until the broker has acknowledged everything."""
    share = offer.machines // _LINES
    lines = [
        Line(address, f"bench-{n}", range(n * share, (n + 1) * share), offer.samples, offer.flat)
        for n in range(_LINES)
    ]
    shared.payload.value = lines[0].payload
    shared.ready.set()
    shared.start.wait()
    began = clock.monotonic_s()
    turn = 0
    while not shared.end.is_set():
        sent = sum(line.sent for line in lines)
        wanted = _CHUNK
        if offer.rate:
            wanted = min(wanted, int((clock.monotonic_s() - began) * offer.rate) - sent)
        if offer.most:
            wanted = min(wanted, offer.most - sent)
        if offer.ahead:
            wanted = min(wanted, offer.ahead - (sent - shared.committed.value))
        line = lines[turn % _LINES]
        line.hear()
        if wanted <= 0 or line.unacknowledged >= _WINDOW:
            time.sleep(_TICK_S)
        else:
            line.send(wanted)
            shared.sent.value = sum(line.sent for line in lines)
        turn += 1
    _end(lines)


def _end(lines: list[Line]) -> None:
    deadline = clock.monotonic_s() + _PATIENCE_S
    while any(line.unacknowledged for line in lines):
        if clock.monotonic_s() > deadline:
            raise TimeoutError("the broker does not acknowledge what it was sent")
        for line in lines:
            if line.unacknowledged:
                line.hear(0.01)
    for line in lines:
        line.close()
