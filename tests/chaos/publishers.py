"""Machines that keep each message until it is acknowledged, and remember all they ever sent."""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from fleet import clock
from ingest import payload
from ingest.topics import telemetry_topic

#: What was acknowledged so shortly before a connection broke is sent once more: a broker that is
#: killed may have answered in the turn of its loop that it did not save any more.
UNSURE_S = 2.0
_IN_FLIGHT = 20
_TURN_S = 0.01
_PATIENCE_S = 120.0

Sent = tuple[str, bytes]


@dataclass
class Truth:
    """What machines sent, as the store is to have it: moments with their values by serial, pairs
    of different messages for one moment by serial, and messages that nobody can use."""

    moments: dict[str, dict[int, dict[str, float]]] = field(default_factory=dict)
    merges: dict[str, int] = field(default_factory=dict)
    unusable: set[Sent] = field(default_factory=set)
    messages: int = 0

    @property
    def samples(self) -> int:
        return sum(map(len, self.moments.values()))


class Script:
    """An endless mixture of messages of one machine: single samples, buffers, two messages for one
    moment that bring different signals, and ones that are broken or lead nowhere."""

    def __init__(self, serial: str, rng: random.Random, truth: Truth) -> None:
        self.serial = serial
        self._rng = rng
        self._truth = truth
        self._ts = clock.now_ms() - 3_600_000
        self._own = truth.moments.setdefault(serial, {})
        truth.merges.setdefault(serial, 0)

    def __iter__(self) -> Iterator[Sent]:
        kinds = (self._single, self._buffer, self._pair, self._broken)
        while True:
            for topic, data in self._rng.choices(kinds, (70, 10, 12, 8))[0]():
                self._truth.messages += 1
                yield topic, data

    def _single(self) -> Iterator[Sent]:
        yield telemetry_topic(self.serial), payload.encode_sample(*self._sample("fuel_pct"))

    def _buffer(self) -> Iterator[Sent]:
        count = self._rng.randint(2, 20)
        samples = [self._sample("fuel_pct", "oil_temp_c") for _ in range(count)]
        yield telemetry_topic(self.serial), payload.encode_samples(samples)

    def _pair(self) -> Iterator[Sent]:
        ts, values = self._sample("fuel_pct")
        yield telemetry_topic(self.serial), payload.encode_sample(ts, values)
        # Only now it is to be sent: the script may have been left in between for good.
        other = {"oil_temp_c": round(self._rng.uniform(0, 90), 1)}
        self._own[ts] |= other
        self._truth.merges[self.serial] += 1
        yield telemetry_topic(self.serial), payload.encode_sample(ts, other)

    def _broken(self) -> Iterator[Sent]:
        number = self._truth.messages
        sent = self._rng.choice(
            [
                (telemetry_topic(self.serial), b'{"ts": %d, "values": {' % number),
                (f"ironpulse/v1/{self.serial}/nowhere", b"%d" % number),
                (telemetry_topic("GHOST"), payload.encode_sample(number, {"fuel_pct": 1})),
            ]
        )
        self._truth.unusable.add(sent)
        yield sent

    def _sample(self, *signals: str) -> tuple[int, dict[str, float]]:
        self._ts += self._rng.randint(1, 50)
        values = {signal: round(self._rng.uniform(0, 90), 1) for signal in signals}
        self._own[self._ts] = values
        return self._ts, values


class Publisher:
    """Sends a script over one connection. It keeps what is not acknowledged, and unless it is
    `trusting`, for UNSURE_S also what is."""

    def __init__(
        self, name: str, port: int, user: str, password: str, script: Script, *, trusting: bool
    ) -> None:
        self.script = iter(script)
        self._trusting = trusting
        self._flying: dict[int, Sent] = {}
        self._acknowledged: deque[int] = deque()  # filled by paho's thread
        self._settled: deque[tuple[float, Sent]] = deque()
        self._again: deque[Sent] = deque()
        self._broken_at: deque[float] = deque()
        self.sent_again = 0
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, name, protocol=mqtt.MQTTv5)
        self._client.username_pw_set(user, password)
        self._client.reconnect_delay_set(1, 1)
        self._client.max_inflight_messages_set(_IN_FLIGHT)
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = self._on_publish
        self._client.connect_async("127.0.0.1", port, clean_start=False)
        self._client.loop_start()

    def turn(self, fresh: int) -> None:
        """Note acknowledgements; send again what is unsure, and so many new messages."""
        # Breaks are read first: what was acknowledged before one is known when it is dealt with.
        breaks = [self._broken_at.popleft() for _ in range(len(self._broken_at))]
        now = time.monotonic()
        while self._acknowledged:
            self._settled.append((now, self._flying.pop(self._acknowledged.popleft())))
        if breaks:
            unsure = [sent for at, sent in self._settled if at >= breaks[0] - UNSURE_S]
            self._settled.clear()
            if not self._trusting:
                self._again.extend(unsure)
                self.sent_again += len(unsure)
        while self._settled and self._settled[0][0] < now - UNSURE_S - 1:
            self._settled.popleft()
        while self._again and len(self._flying) < _IN_FLIGHT:
            self._publish(self._again.popleft())
        while fresh and len(self._flying) < _IN_FLIGHT:
            self._publish(next(self.script))
            fresh -= 1

    @property
    def idle(self) -> bool:
        """Whether all it sent was acknowledged, and is old enough to be sure of."""
        return not (self._flying or self._again or self._broken_at)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _publish(self, sent: Sent) -> None:
        # Where the line is cut, paho keeps it and sends it after the next connection.
        self._flying[self._client.publish(*sent, qos=1).mid] = sent

    def _on_publish(self, _c: mqtt.Client, _u: object, mid: int, reason: Any, _p: object) -> None:
        assert not reason.is_failure, reason
        self._acknowledged.append(mid)

    def _on_disconnect(self, *_: object) -> None:
        self._broken_at.append(time.monotonic())


class Crowd:
    """Publishers driven by one thread; `rate` new messages per second of each."""

    def __init__(self, publishers: list[Publisher], rate: float) -> None:
        self.publishers = publishers
        self._rate = rate
        self._quiet = threading.Event()
        self._end = threading.Event()
        self._errors: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, name="crowd")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end.set()
        self._thread.join(30)
        for publisher in self.publishers:
            publisher.close()

    def finish(self) -> None:
        """Send nothing new; return when everything sent is acknowledged for good."""
        self._quiet.set()
        deadline = time.monotonic() + _PATIENCE_S
        while not all(publisher.idle for publisher in self.publishers):
            self._raise()
            assert time.monotonic() < deadline, "the broker does not acknowledge everything"
            time.sleep(_TURN_S)
        self._raise()

    def _run(self) -> None:
        try:
            owed = 0.0
            while not self._end.wait(_TURN_S):
                owed = 0.0 if self._quiet.is_set() else min(owed + self._rate * _TURN_S, 10.0)
                for publisher in self.publishers:
                    publisher.turn(int(owed))
                owed -= int(owed)
        except BaseException as error:
            self._errors.append(error)

    def _raise(self) -> None:
        if self._errors:
            raise self._errors[0]
