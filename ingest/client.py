"""paho's client, reading many packets at once and acknowledging many messages at once.

paho reads a packet by three to four calls of the system, a look at all sockets and a dozen Python
functions: about 35 microseconds. Here what has arrived is read in large pieces, the usual PUBLISH
packets are taken out of them directly, and everything else is left to paho: other packets,
connecting, keeping alive, writing. It hangs on paho's inner names `_sock_recv`, `_packet_handle`,
`_loop_rc_handle`, `_in_packet` and `_packet_queue`; the tests hold it to paho's own reading.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.exception import MalformedPacket

from fleet import clock
from ingest.message import Message
from ingest.packets import Malformed, bounds, pubacks, take_publishes

_PIECE = 256 * 1024
#: Pieces read before the network's thread looks after writing and keeping alive again.
_MOST_PIECES = 16
_PUBACK = 0x40


class Client(mqtt.Client):
    """An MQTT 5 client that acknowledges by hand and gives messages to `take`, many at once.

    `session` is put into each message.
    """

    def __init__(self, client_id: str, take: Callable[[list[Message]], None]) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2, client_id, protocol=mqtt.MQTTv5, manual_ack=True
        )
        self.session = 0
        self._name = client_id
        self.on_message = self._on_unusual
        self._give = take
        self._source: Any = None
        self._parts: list[bytes] = []  # of a packet that is not complete
        self._held = self._needed = 0

    def ack_many(self, numbers: Sequence[int]) -> None:
        """Acknowledge messages of QoS 1 by their numbers, in one piece."""
        if numbers:
            self._packet_queue(_PUBACK, pubacks(numbers), 0, 1)

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Read and handle what has arrived, at most a few pieces of it."""
        for _ in range(_MOST_PIECES):
            if self._sock is None:
                return MQTTErrorCode.MQTT_ERR_NO_CONN
            if self._sock is not self._source:  # a new connection begins with a new packet
                self._source, self._parts, self._held, self._needed = self._sock, [], 0, 0
            try:
                data = self._sock_recv(_PIECE)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            if not data:
                return self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_CONN_LOST)
            result = self._take_piece(data)
            if result != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return self._loop_rc_handle(result)
            if len(data) < _PIECE:
                break
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _take_piece(self, data: bytes) -> MQTTErrorCode:
        with self._msgtime_mutex:
            self._last_bytes_received = mqtt.time_func()
        self._parts.append(data)
        self._held += len(data)
        if self._held < self._needed:
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        data = data if len(self._parts) == 1 else b"".join(self._parts)
        try:
            start, result = self._take_packets(data)
        except (Malformed, MalformedPacket):
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        rest = data[start:]
        found = bounds(rest, 0) if rest else None
        self._parts, self._held = [rest] if rest else [], len(rest)
        self._needed = 0 if found is None else found[1]
        return result

    def _take_packets(self, data: bytes) -> tuple[int, MQTTErrorCode]:
        """Handle the complete packets; returns where the rest begins."""
        start = 0
        source = self._sock
        while True:
            messages: list[Message] = []
            start = take_publishes(data, start, clock.now_ms(), self.session, messages, self._name)
            if messages:
                self._give(messages)
            found = bounds(data, start) if start < len(data) else None
            if found is None or found[1] > len(data):
                return start, MQTTErrorCode.MQTT_ERR_SUCCESS
            result = self._leave_to_paho(data[start], data[found[0] : found[1]])
            start = found[1]
            if result != MQTTErrorCode.MQTT_ERR_SUCCESS or self._sock is not source:
                return start, result

    def _leave_to_paho(self, command: int, body: bytes) -> MQTTErrorCode:
        self._in_packet = {
            "command": command,
            "have_remaining": 1,
            "remaining_count": [],
            "remaining_mult": 1,
            "remaining_length": len(body),
            "packet": bytearray(body),
            "to_process": 0,
            "pos": 0,
        }
        return self._packet_handle()

    def _on_unusual(self, _client: mqtt.Client, _data: Any, found: mqtt.MQTTMessage) -> None:
        """A message that paho has read."""
        try:
            topic = found.topic
        except UnicodeDecodeError:
            topic = found._topic.decode("utf-8", "replace")
        content_type = getattr(found.properties, "ContentType", None)
        payload, at = bytes(found.payload), clock.now_ms()
        flags = found.dup << 3 | found.qos << 1 | found.retain
        self._give(
            [Message(topic, payload, content_type, at, found.mid, self.session, self._name, flags)]
        )
