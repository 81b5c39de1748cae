"""The process that publishes the load, at a rate."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Sequence
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event
from typing import Any, Self

from benchmarks.alarm_latency.load import Said
from benchmarks.wire import MOST_NUMBERS, Address, Wire
from fleet import clock

_CONTEXT = multiprocessing.get_context("spawn")
_TICK_S = 0.002
_CHUNK = 100
#: Messages that the broker has not taken yet; with more than these the load slows down.
_AHEAD = 10_000
_PATIENCE_S = 60.0
#: What the broker has not taken so long after the end is given up: then the load was too much.
_LEAVE_S = 5.0


class Publisher:
    """Publishes messages of machines in turn, `rate` a second, from `begin` until the end."""

    def __init__(self, address: Address, said: Sequence[Sequence[Said]], rate: float) -> None:
        self.sent: Synchronized[int] = _CONTEXT.Value("q", 0, lock=False)
        self._begin, self._end = _CONTEXT.Event(), _CONTEXT.Event()
        self._process: Any = _CONTEXT.Process(
            target=_publish,
            args=(address, said, rate, self.sent, self._begin, self._end),
            daemon=True,
        )

    def __enter__(self) -> Self:
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.finish()

    @property
    def pid(self) -> int:
        """The process that publishes."""
        return int(self._process.pid)

    def begin(self) -> None:
        self._begin.set()

    def finish(self) -> int:
        """Stop; returns how many messages were sent."""
        self._end.set()
        self._begin.set()
        self._process.join(_PATIENCE_S)
        if self._process.is_alive():
            self._process.kill()
            raise RuntimeError("the publisher did not end")
        if self._process.exitcode != 0:
            raise RuntimeError("the publisher has failed; its words are above")
        return self.sent.value


def _publish(
    address: Address,
    said: Sequence[Sequence[Said]],
    rate: float,
    sent: Synchronized[int],
    begin: Event,
    end: Event,
) -> None:
    wire = Wire(address, "bench-load")
    begin.wait()
    began, machines = clock.monotonic_s(), len(said)
    while not end.is_set():
        wire.hear()
        wanted = min(_CHUNK, int((clock.monotonic_s() - began) * rate) - wire.sent)
        if wanted <= 0 or wire.unacknowledged >= _AHEAD:
            time.sleep(_TICK_S)
            continue
        now = clock.now_ms()
        packets = []
        for count in range(wire.sent, wire.sent + wanted):
            turn, machine = divmod(count, machines)
            message = said[machine][turn % len(said[machine])]
            packets.append(message.packet(count % MOST_NUMBERS + 1, now))
        wire.write(b"".join(packets), wanted)
        sent.value = wire.sent
    deadline = clock.monotonic_s() + _LEAVE_S
    while wire.unacknowledged and clock.monotonic_s() < deadline:
        wire.hear(_TICK_S)
    wire.close()
