"""Pumps that publish, as cheaply as can be: what is measured must not be the publisher.

All messages have one length, so a round of them, one per machine, is a matrix of bytes. To send is
to copy rows of it and to write times and packet numbers into columns. A few connections stand for
all machines.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.ingest import pumps
from benchmarks.wire import MOST_NUMBERS, Address, Wire, publish_packet
from fleet import clock
from ingest.topics import telemetry_topic

Bytes = NDArray[np.uint8]

_DIGITS = 13  # of milliseconds since 1970
_PLACES = 10 ** np.arange(_DIGITS - 1, -1, -1, dtype=np.int64)
_TIME = "9" * _DIGITS
_ROUNDS = 4  # sets of values that take turns


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


class Line(Wire):
    """A connection that publishes for some machines, in turn."""

    def __init__(
        self, address: Address, name: str, machines: range, samples: int, flat: bool = False
    ) -> None:
        super().__init__(address, name)
        self._packets = packets(machines, samples, flat)
        self._machines = len(machines)
        self._row = self._round = self._number = 0
        # The newest time that each machine has used: no two samples may have one key.
        self._newest = np.zeros(self._machines, np.int64)

    @property
    def payload(self) -> int:
        """Bytes of a payload."""
        return self._packets.payload

    def send(self, count: int) -> int:
        """Publish the messages of the next machines, at most `count`; returns how many."""
        count = min(count, self._machines - self._row)
        rows = slice(self._row, self._row + count)
        made = self._packets
        block = made.data[self._round, rows].copy()
        numbers = (self._number + np.arange(count)) % MOST_NUMBERS + 1
        block[:, made.number] = numbers >> 8
        block[:, made.number + 1] = numbers & 0xFF
        newest = np.maximum(clock.now_ms(), self._newest[rows] + made.samples)
        self._newest[rows] = newest
        times = newest[:, None] - np.arange(made.samples - 1, -1, -1)
        digits = times[:, :, None] // _PLACES % 10 + ord("0")
        block[:, made.times] = digits.reshape(count, -1)
        self.write(block.data, count)
        self._number = (self._number + count) % MOST_NUMBERS
        self._row += count
        if self._row == self._machines:
            self._row, self._round = 0, (self._round + 1) % len(made.data)
        return count


def _packet(number: int, samples: int, random: np.random.Generator, flat: bool) -> bytes:
    name = pumps.serial(number)
    if flat:
        payload = (
            f'{{"machine_id":{pumps.flat_id(number)},"ts":{_TIME},{_values(0, random)}}}'.encode()
        )
    else:
        given = [_sample(place, random) for place in range(samples - 1, -1, -1)]
        payload = (given[0] if samples == 1 else f"[{','.join(given)}]").encode()
    return publish_packet(telemetry_topic(name), 0, payload)


def _sample(waited: int, random: np.random.Generator) -> str:
    return f'{{"ts":{_TIME},"values":{{{_values(waited, random)}}}}}'


def _values(waited: int, random: np.random.Generator) -> str:
    values = random.uniform(100.0, 999.0, len(pumps.SIGNALS) - 1)
    texts = [f'"{key}":{value:.1f}' for key, value in zip(pumps.SIGNALS[:-1], values, strict=True)]
    return f'{",".join(texts)},"{pumps.WAITED}":{waited:d}'
