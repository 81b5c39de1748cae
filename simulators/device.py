"""A telematics unit as the broker sees it: its own sign-in, a will, QoS 1, and a buffer that keeps
what was not acknowledged.

Many devices share one thread: their sockets hang in one selector, which `Devices` drives.
"""

from __future__ import annotations

import selectors
import socket
import ssl
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import structlog
from paho.mqtt.client import Client, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from fleet.batch import FaultCode
from fleet.broker import BrokerAddress
from ingest.payload import (
    JSON,
    encode_faults,
    encode_sample,
    encode_samples,
    encode_status,
)
from ingest.topics import faults_topic, status_topic, telemetry_topic
from simulators.transport import Profile, disturb

log = structlog.get_logger(__name__)

#: Messages on the way at once; the rest waits in the device's own buffer.
_IN_FLIGHT = 20
#: Samples in one message when a buffer is emptied.
_BUNDLE = 200
#: Samples a device keeps while nobody listens; then the oldest go.
_KEPT = 100_000
_BACK_OFF_S = (1.0, 60.0)
_KEEPALIVE_S = 60
_CONNECT_S = 3.0
#: What was acknowledged so shortly before the line broke is sent once more.
_UNSURE_MS = 2_000

Sample = tuple[int, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Message:
    """What is published, and how many samples of the device's own count it carries."""

    topic: str
    payload: bytes
    samples: int = 0
    retain: bool = False


class Device:
    """One machine's telematics unit; all its methods are called from one thread."""

    def __init__(
        self,
        serial: str,
        password: str,
        broker: BrokerAddress,
        selector: selectors.BaseSelector,
        rng: np.random.Generator,
        profile: Profile,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.serial = serial
        self.sent = self.acknowledged = self.refused = self.dropped = 0
        self.connected = False
        self._broker = broker
        self._selector = selector
        self._rng = rng
        self._profile = profile
        self._samples: deque[Sample] = deque()
        self._urgent: deque[tuple[str, bytes]] = deque()
        self._flying: dict[int, Message] = {}
        self._settled: deque[tuple[int, Message]] = deque()
        self._back_off_s = _BACK_OFF_S[0]
        self._next_try_s = 0.0
        self._misc_s = 0.0
        self._complained = False
        self._now_ms = self._broke_ms = 0
        self._client = self._new_client(password, tls)

    @property
    def waiting(self) -> int:
        """Samples not yet handed to the broker or not yet acknowledged."""
        return len(self._samples) + sum(message.samples for message in self._flying.values())

    @property
    def idle(self) -> bool:
        """Whether everything it had to say was said and acknowledged."""
        return not (self._flying or self._urgent or self._samples)

    def sample(self, at_ms: int, values: Mapping[str, float]) -> None:
        """Keep a sample until the broker has acknowledged it."""
        if len(self._samples) >= _KEPT:
            self._samples.popleft()
            self.dropped += 1
        self._samples.append((at_ms, values))

    def faults(self, at_ms: int, active: Sequence[FaultCode]) -> None:
        """Keep a list of active trouble codes until the broker has acknowledged it."""
        self._urgent.append((faults_topic(self.serial), encode_faults(at_ms, active)))

    def turn(self, now_s: float, now_ms: int, covered: bool) -> None:
        """Connect when it is time, send what waits; without coverage the line is cut."""
        self._now_ms = now_ms
        sock = self._client.socket()
        if not covered:
            if sock is not None:
                self._cut(sock)
            return
        if sock is None and now_s >= self._next_try_s:
            self._connect(now_s)
        if now_s - self._misc_s >= 1.0:
            self._misc_s = now_s
            self._client.loop_misc()
        if self.connected:
            self._flush()

    def readable(self) -> None:
        """The socket has something to read."""
        self._client.loop_read()
        # What TLS has decrypted already makes no socket readable again.
        while isinstance(sock := self._client.socket(), ssl.SSLSocket) and sock.pending():
            self._client.loop_read()

    def writable(self) -> None:
        """The socket takes bytes again."""
        self._client.loop_write()

    def close(self, now_ms: int) -> None:
        """Say goodbye and close the connection."""
        if self.connected:
            offline = encode_status("offline", now_ms)
            self._publish(Message(status_topic(self.serial), offline, retain=True))
            self._client.disconnect()
            while self._client.want_write():
                if self._client.loop_write() != MQTTErrorCode.MQTT_ERR_SUCCESS:
                    break
        sock = self._client.socket()
        if sock is not None:
            self._cut(sock)

    def _new_client(self, password: str, tls: ssl.SSLContext | None) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2, client_id=self.serial, protocol=MQTTProtocolVersion.MQTTv5
        )
        client.username_pw_set(self.serial, password)
        if tls is not None:
            client.tls_set_context(tls)
        client.connect_timeout = _CONNECT_S
        client.max_inflight_messages_set(_IN_FLIGHT)
        client.will_set(status_topic(self.serial), encode_status("offline"), qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_socket_open = self._on_socket_open
        client.on_socket_close = self._on_socket_close
        client.on_socket_register_write = self._on_want_write
        client.on_socket_unregister_write = self._on_wrote
        return client

    def _connect(self, now_s: float) -> None:
        wait = self._back_off_s * float(self._rng.uniform(0.8, 1.2))
        self._next_try_s = now_s + wait
        self._back_off_s = min(2 * self._back_off_s, _BACK_OFF_S[1])
        try:
            self._client.connect(self._broker.host, self._broker.port, _KEEPALIVE_S)
        except OSError as error:
            self._complain(f"no connection to {self._broker.where}: {error}")

    def _cut(self, sock: Any) -> None:
        """The line goes dead without a goodbye, as in a tunnel: the broker sends the will."""
        with suppress(OSError):  # it may be dead already, which is what is wanted
            sock.shutdown(socket.SHUT_RDWR)
        self._client.loop_read()

    def _flush(self) -> None:
        while self._urgent and len(self._flying) < _IN_FLIGHT:
            topic, payload = self._urgent.popleft()
            self._publish(Message(topic, payload))
        while self._samples and len(self._flying) < _IN_FLIGHT:
            count = min(_BUNDLE, len(self._samples))
            bundle = [self._samples.popleft() for _ in range(count)]
            told = disturb(bundle, self._profile, self._rng)
            payload = encode_sample(*told[0]) if len(told) == 1 else encode_samples(told)
            self._publish(Message(telemetry_topic(self.serial), payload, count))

    def _publish(self, message: Message) -> None:
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho's
        properties.ContentType = JSON
        info: MQTTMessageInfo = self._client.publish(
            message.topic, message.payload, qos=1, retain=message.retain, properties=properties
        )
        # Cut off in between: paho has queued it and sends it after the next connection.
        self._flying[info.mid] = message
        self.sent += message.samples

    def _publish_again(self) -> None:
        """Send once more what was acknowledged just before the line broke: a broker that is killed
        may have answered before it saved. Whoever got it already knows it for a repetition."""
        while self._settled:
            at_ms, message = self._settled.popleft()
            if at_ms >= self._broke_ms - _UNSURE_MS:
                self._publish(replace(message, samples=0))

    def _on_connect(self, client: Client, _u: Any, _f: Any, reason: Any, _p: Any) -> None:
        if reason.is_failure:
            self._complain(f"the broker refuses {self.serial}: {reason}")
            return
        self.connected = True
        self._complained = False
        self._back_off_s = _BACK_OFF_S[0]
        self._publish_again()
        online = encode_status("online", self._now_ms)
        self._publish(Message(status_topic(self.serial), online, retain=True))

    def _on_disconnect(self, _c: Client, _u: Any, _f: Any, _r: Any, _p: Any) -> None:
        if self.connected:
            self._broke_ms = self._now_ms
        self.connected = False

    def _on_publish(self, _c: Client, _u: Any, mid: int, reason: Any, _p: Any) -> None:
        message = self._flying.pop(mid, None)
        if message is None:
            return
        if reason.is_failure:
            self.refused += message.samples
            self._complain(f"the broker does not take messages of {self.serial}: {reason}")
            return
        self.acknowledged += message.samples
        if not message.retain:  # a status is said anew at every connection
            self._settled.append((self._now_ms, message))
        while self._settled and self._settled[0][0] < self._now_ms - _UNSURE_MS:
            self._settled.popleft()

    def _on_socket_open(self, _c: Client, _u: Any, sock: Any) -> None:
        self._selector.register(sock, selectors.EVENT_READ, self)

    def _on_socket_close(self, _c: Client, _u: Any, sock: Any) -> None:
        self._selector.unregister(sock)

    def _on_want_write(self, _c: Client, _u: Any, sock: Any) -> None:
        self._selector.modify(sock, selectors.EVENT_READ | selectors.EVENT_WRITE, self)

    def _on_wrote(self, _c: Client, _u: Any, sock: Any) -> None:
        self._selector.modify(sock, selectors.EVENT_READ, self)

    def _complain(self, what: str) -> None:
        if not self._complained:
            log.warning(what, serial=self.serial)
            self._complained = True


def serve(selector: selectors.BaseSelector, timeout_s: float) -> None:
    """Read and write whatever is ready, waiting at most `timeout_s` for the first."""
    for key, events in selector.select(timeout_s):
        device: Device = key.data
        if events & selectors.EVENT_READ:
            device.readable()
        if events & selectors.EVENT_WRITE:
            device.writable()
