"""The process that publishes the load, at a rate."""

from __future__ import annotations

import multiprocessing
import time
from collections import deque
from collections.abc import Sequence
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event
from typing import Any, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.alarm_latency.load import Said
from benchmarks.ingest.traffic import Address
from fleet import clock

_CONTEXT = multiprocessing.get_context("spawn")
_TICK_S = 0.002
_CHUNK = 50
_WINDOW = 4_000
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


def connected(address: Address, name: str) -> mqtt.Client:
    """A session of somebody who may publish as any machine."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv311)
    client.username_pw_set(address.user, address.password)
    client.max_inflight_messages_set(_WINDOW)
    client.max_queued_messages_set(0)
    client.connect(address.host, address.port)
    client.loop_start()
    return client


def _publish(
    address: Address,
    said: Sequence[Sequence[Said]],
    rate: float,
    sent: Synchronized[int],
    begin: Event,
    end: Event,
) -> None:
    client = connected(address, "bench-load")
    begin.wait()
    began, count = clock.monotonic_s(), 0
    waiting: deque[mqtt.MQTTMessageInfo] = deque()
    while not end.is_set():
        while waiting and waiting[0].is_published():
            waiting.popleft()
        wanted = min(_CHUNK, int((clock.monotonic_s() - began) * rate) - count)
        if wanted <= 0 or len(waiting) >= _AHEAD:
            time.sleep(_TICK_S)
            continue
        for _ in range(wanted):
            turn, machine = divmod(count, len(said))
            message = said[machine][turn % len(said[machine])]
            info = client.publish(message.topic, message.at(clock.now_ms()), qos=1)
            waiting.append(info)
            count += 1
        sent.value = count
    if waiting:
        waiting[-1].wait_for_publish(_LEAVE_S)
    client.disconnect()
    client.loop_stop()
