"""Machines that publish, as cheaply as can be: what is measured must not be the publisher.

All messages have one length, so a round of them, one per machine, is a matrix of bytes. To send is
to copy rows of it and to write times and packet numbers into columns. A few connections stand for
all machines. What the broker acknowledges is counted by the length of its answers (PUBACK of MQTT
3.1.1: four bytes).
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.ingest import pumps
from fleet import clock
from ingest.topics import telemetry_topic

Bytes = NDArray[np.uint8]

_DIGITS = 13  # of milliseconds since 1970
_PLACES = 10 ** np.arange(_DIGITS - 1, -1, -1, dtype=np.int64)
_TIME = "9" * _DIGITS
_ROUNDS = 4  # sets of values that take turns
_PUBLISH_QOS1 = 0x32
_PUBACK_BYTES = 4
_MOST_IDS = 65_535


@dataclass(frozen=True, slots=True)
class Address:
    """Where to publish, and as whom."""

    host: str
    port: int
    user: str
    password: str


@dataclass(frozen=True, slots=True)
class Packets:
    """A packet per machine. `data` (rounds, machines, length); columns of the packet number, of
    the digits of the times of its `samples`."""

    data: Bytes
    number: int
    times: NDArray[np.intp]
    samples: int

    @property
    def payload(self) -> int:
        """Bytes of a payload."""
        return int(self.data.shape[2] - self.number - 2)


def packets(machines: range, samples: int, flat: bool = False) -> Packets:
    """PUBLISH packets of machines with `samples` samples each, the oldest first; `flat` ones have
    one sample as one object, its machine by number, as others want it."""
    random = np.random.default_rng(machines.start)
    made = [[_packet(number, samples, random, flat) for number in machines] for _ in range(_ROUNDS)]
    first = made[0][0]
    assert len({len(each) for one in made for each in one}) == 1, "all packets have one length"
    topic = len(telemetry_topic(pumps.serial(0)))
    number = first.index(b"ironpulse") + topic
    times = [first.index(_TIME.encode())]
    while (place := first.find(_TIME.encode(), times[-1] + 1)) >= 0:
        times.append(place)
    data = np.frombuffer(b"".join(each for one in made for each in one), np.uint8)
    columns = (np.array(times)[:, None] + np.arange(_DIGITS)).ravel()
    return Packets(data.reshape(_ROUNDS, len(machines), len(first)), number, columns, samples)


class Line:
    """A connection that publishes for some machines, in turn."""

    def __init__(
        self, address: Address, name: str, machines: range, samples: int, flat: bool = False
    ) -> None:
        self._packets = packets(machines, samples, flat)
        self._machines = len(machines)
        self._row = self._round = self._number = 0
        # The newest time that each machine has used: no two samples may have one key.
        self._newest = np.zeros(self._machines, np.int64)
        self._socket = _connect(address, name)
        self._answers = 0
        self.sent = 0

    @property
    def payload(self) -> int:
        """Bytes of a payload."""
        return self._packets.payload

    @property
    def unacknowledged(self) -> int:
        """Messages that the broker has not acknowledged."""
        return self.sent - self._answers // _PUBACK_BYTES

    def send(self, count: int) -> int:
        """Publish the messages of the next machines, at most `count`; returns how many."""
        count = min(count, self._machines - self._row)
        rows = slice(self._row, self._row + count)
        made = self._packets
        block = made.data[self._round, rows].copy()
        numbers = (self._number + np.arange(count)) % _MOST_IDS + 1
        block[:, made.number] = numbers >> 8
        block[:, made.number + 1] = numbers & 0xFF
        newest = np.maximum(clock.now_ms(), self._newest[rows] + made.samples)
        self._newest[rows] = newest
        times = newest[:, None] - np.arange(made.samples - 1, -1, -1)
        digits = times[:, :, None] // _PLACES % 10 + ord("0")
        block[:, made.times] = digits.reshape(count, -1)
        self._socket.sendall(block.data)
        self._number = (self._number + count) % _MOST_IDS
        self._row += count
        self.sent += count
        if self._row == self._machines:
            self._row, self._round = 0, (self._round + 1) % len(made.data)
        return count

    def hear(self, wait_s: float = 0.0) -> None:
        """Count what the broker has acknowledged by now."""
        self._socket.settimeout(wait_s)
        try:
            found = self._socket.recv(65_536)
        except (BlockingIOError, TimeoutError):
            return
        finally:
            self._socket.settimeout(None)
        if not found:
            raise ConnectionError("the broker has closed the connection")
        self._answers += len(found)

    def close(self) -> None:
        """End the connection as one should."""
        self._socket.sendall(b"\xe0\x00")
        self._socket.close()


def _packet(number: int, samples: int, random: np.random.Generator, flat: bool) -> bytes:
    name = pumps.serial(number)
    if flat:
        payload = (
            f'{{"machine_id":{pumps.flat_id(number)},"ts":{_TIME},{_values(0, random)}}}'.encode()
        )
    else:
        given = [_sample(place, random) for place in range(samples - 1, -1, -1)]
        payload = (given[0] if samples == 1 else f"[{','.join(given)}]").encode()
    topic = telemetry_topic(name).encode()
    body = _text(topic) + b"\x00\x00" + payload
    return bytes([_PUBLISH_QOS1]) + _length(len(body)) + body


def _sample(waited: int, random: np.random.Generator) -> str:
    return f'{{"ts":{_TIME},"values":{{{_values(waited, random)}}}}}'


def _values(waited: int, random: np.random.Generator) -> str:
    values = random.uniform(100.0, 999.0, len(pumps.SIGNALS) - 1)
    texts = [f'"{key}":{value:.1f}' for key, value in zip(pumps.SIGNALS[:-1], values, strict=True)]
    return f'{",".join(texts)},"{pumps.WAITED}":{waited:d}'


def _connect(address: Address, name: str) -> socket.socket:
    found = socket.create_connection((address.host, address.port), 10)
    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    clean_with_password = 0b1100_0010
    head = _text(b"MQTT") + struct.pack("!BBH", 4, clean_with_password, 0)
    body = head + b"".join(_text(each.encode()) for each in (name, address.user, address.password))
    found.sendall(b"\x10" + _length(len(body)) + body)
    answer = found.recv(4)
    if answer != b"\x20\x02\x00\x00":
        raise ConnectionError(f"the broker refused a publisher: {answer!r}")
    found.settimeout(None)
    return found


def _text(value: bytes) -> bytes:
    return struct.pack("!H", len(value)) + value


def _length(number: int) -> bytes:
    """A remaining length as MQTT has it: seven bits to a byte, the lowest first."""
    found = bytearray()
    while True:
        number, low = divmod(number, 128)
        found.append(low | (0x80 if number else 0))
        if not number:
            return bytes(found)
