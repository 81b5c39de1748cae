"""MQTT from a publisher's side, as cheaply as can be: what is measured must not be the publisher.

Packets of MQTT 3.1.1 are written as bytes. What the broker acknowledges is counted by the length of
its answers (PUBACK: four bytes).
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

_PUBLISH_QOS1 = 0x32
_PUBACK_BYTES = 4
#: Numbers of packets go up to here, and begin anew with 1.
MOST_NUMBERS = 65_535


@dataclass(frozen=True, slots=True)
class Address:
    """Where to publish, and as whom."""

    host: str
    port: int
    user: str
    password: str


class Wire:
    """A connection that publishes at QoS 1. `sent` are the messages so far."""

    def __init__(self, address: Address, name: str) -> None:
        self._socket = _connect(address, name)
        self._answers = 0
        self.sent = 0

    @property
    def unacknowledged(self) -> int:
        """Messages that the broker has not acknowledged."""
        return self.sent - self._answers // _PUBACK_BYTES

    def write(self, packets: bytes | memoryview, count: int) -> None:
        """Publish `count` messages."""
        self._socket.sendall(packets)
        self.sent += count

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


def publish_packet(topic: str, number: int, payload: bytes) -> bytes:
    """A PUBLISH packet of QoS 1."""
    body = _text(topic.encode()) + struct.pack("!H", number) + payload
    return bytes([_PUBLISH_QOS1]) + _length(len(body)) + body


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
