"""How much a broker that is killed has acknowledged and not saved: measured under full load.

    python -m tests.chaos.last_turn --kills 60 --publishers 50 [--json]

Publishers send as fast as the broker answers and write down what it acknowledged; it is killed at
a random moment, started again, and a session that outlived it says what is left. Each publisher
forgets what was acknowledged, as devices of others do.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import selectors
import shutil
import signal
import socket
import struct
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ironpulse.stack.broker import Broker
from ironpulse.stack.processes import free_port
from ironpulse.stack.programs import server_programs
from ironpulse.stack.security import ADMIN, INGEST
from tests.conftest import open_folder
from tests.processes import until

TOPIC = b"ironpulse/v1/P-1/telemetry"
_IN_FLIGHT = 20
_PUBACK = 0x40
_PAD = b"x" * 400


def _text(words: bytes) -> bytes:
    return struct.pack("!H", len(words)) + words


def _packet(kind: int, body: bytes) -> bytes:
    size, left = b"", len(body)
    while True:
        left, digit = divmod(left, 128)
        size += bytes([digit | (0x80 if left else 0)])
        if not left:
            return bytes([kind]) + size + body


@dataclass
class Raw:
    """A publisher on a bare socket: paho would be slower than the broker."""

    number: int
    sock: socket.socket
    sent: int = 0
    acknowledged: int = 0
    rest: bytes = b""

    @classmethod
    def connect(cls, number: int, port: int, password: str) -> Raw:
        sock = socket.create_connection(("127.0.0.1", port))
        name = b"raw-%d" % number
        head = _text(b"MQTT") + bytes([4, 0b11000010]) + struct.pack("!H", 60)
        sock.sendall(_packet(0x10, head + _text(name) + _text(ADMIN.encode())
                             + _text(password.encode())))  # fmt: skip
        assert sock.recv(4) == b"\x20\x02\x00\x00"
        sock.setblocking(False)
        return cls(number, sock)

    def send(self) -> None:
        """Fill the window."""
        while self.sent - self.acknowledged < _IN_FLIGHT:
            mid = struct.pack("!H", self.sent % 65_535 + 1)
            name = b"%d %d " % (self.number, self.sent)
            self.sock.send(_packet(0x32, _text(TOPIC) + mid + name + _PAD))
            self.sent += 1

    def read(self) -> None:
        """Count acknowledgements, which come in order."""
        data = self.rest + self.sock.recv(1 << 16)
        if not data:
            raise ConnectionResetError
        whole = len(data) // 4 * 4
        assert all(data[at] == _PUBACK for at in range(0, whole, 4))
        self.acknowledged += whole // 4
        self.rest = data[whole:]


@dataclass
class Outcome:
    """What came of the kills: for each, how many acknowledged messages were gone."""

    lost: list[int] = field(default_factory=list)
    acknowledged: int = 0

    def as_json(self) -> dict[str, Any]:
        return {
            "kills": len(self.lost),
            "kills_with_loss": sum(map(bool, self.lost)),
            "most_lost_by_one_kill": max(self.lost),
            "lost": sum(self.lost),
            "acknowledged": self.acknowledged,
        }


def one_kill(folder: Path, publishers: int, rng: random.Random) -> tuple[int, int]:
    """Returns how many messages were acknowledged, and how many of them are gone."""
    broker = Broker(server_programs(), folder, free_port(), "admin-word", "ingest-word")
    broker.start()
    try:
        _session(broker).disconnect()
        raws = [Raw.connect(n, broker.port, "admin-word") for n in range(publishers)]
        _load(raws, broker, rng.uniform(0.2, 0.6))
        broker.stop()
        broker.start()
        return sum(raw.acknowledged for raw in raws), _missing(broker, raws)
    finally:
        broker.stop()


def _load(raws: list[Raw], broker: Broker, seconds: float) -> None:
    """Keep the broker busy, kill it after `seconds`, and read what it had answered."""
    end = time.monotonic() + seconds
    selector = selectors.DefaultSelector()
    for raw in raws:
        raw.send()
        selector.register(raw.sock, selectors.EVENT_READ, raw)
    killed = False
    while selector.get_map():
        if not killed and time.monotonic() > end:
            killed = True
            assert broker.pid is not None
            os.kill(broker.pid, signal.SIGKILL)
        for key, _ in selector.select(0.05):
            raw: Raw = key.data
            try:
                raw.read()
                if not killed:
                    raw.send()
            except BlockingIOError:
                pass
            except OSError:
                selector.unregister(raw.sock)
                raw.sock.close()


def _session(broker: Broker, heard: Counter[tuple[int, int]] | None = None) -> mqtt.Client:
    """The session of an ingest, subscribed."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, "last-turn", protocol=mqtt.MQTTv5)
    client.username_pw_set(INGEST, "ingest-word")
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = 0xFFFFFFFF
    properties.ReceiveMaximum = 10_000
    granted: list[int] = []
    client.on_subscribe = lambda *_: granted.append(1)

    def hear(_c: mqtt.Client, _u: object, message: mqtt.MQTTMessage) -> None:
        assert heard is not None
        number, place = message.payload.split(b" ", 2)[:2]
        heard[int(number), int(place)] += 1

    client.on_message = hear
    client.connect("127.0.0.1", broker.port, clean_start=False, properties=properties)
    client.subscribe("ironpulse/v1/#", qos=1)
    client.loop_start()
    until(lambda: granted, bool)
    return client


def _missing(broker: Broker, raws: list[Raw]) -> int:
    heard: Counter[tuple[int, int]] = Counter()
    wanted = {(raw.number, place) for raw in raws for place in range(raw.acknowledged)}
    client = _session(broker, heard)
    last, since = -1, time.monotonic()
    while len(wanted - heard.keys()) and time.monotonic() < since + 2.0:
        if sum(heard.values()) != last:
            last, since = sum(heard.values()), time.monotonic()
        time.sleep(0.05)
    client.disconnect()
    client.loop_stop()
    return len(wanted - heard.keys())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.last_turn", description=__doc__)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--publishers", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rng, outcome = random.Random(given.seed), Outcome()
    for _ in range(given.kills):
        folder = open_folder()
        try:
            acknowledged, lost = one_kill(folder / "broker", given.publishers, rng)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        outcome.acknowledged += acknowledged
        outcome.lost.append(lost)
    found = outcome.as_json()
    print(json.dumps(found) if given.json else "\n".join(f"{v:9} {k}" for k, v in found.items()))


if __name__ == "__main__":
    main()
