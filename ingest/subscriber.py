"""The connection to the broker: a session that outlives it, and acknowledging by hand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from fleet.broker import BrokerAddress
from ingest.client import Client
from ingest.message import Message
from ingest.topics import EVERYTHING

#: Messages that the broker may send ahead of their acknowledgement (MQTT 5 Receive Maximum). Two
#: full batches: one is written while the next arrives.
WINDOW = 10_000
_FOR_EVER = 0xFFFFFFFF  # session expiry interval: never
_KEEPALIVE_S = 30
_LONGEST_WAIT_S = 10

#: Every connection to a broker has a number of its own.
_sessions = count(1)

log = structlog.get_logger(__name__)


class Subscriber:
    """Hands what arrives at `url` (mqtt://user:password@host:port, or mqtts) to `take`.

    Reconnects by itself; the broker keeps the session `client_id` and what arrives meanwhile.
    """

    topic = EVERYTHING
    clean_start = False
    no_local = False
    expiry = _FOR_EVER

    def __init__(
        self,
        url: str,
        client_id: str,
        take: Callable[[list[Message]], None],
        topic: str | None = None,
    ) -> None:
        self.topic = topic or self.topic
        self._address = BrokerAddress.of(url)
        self._changing_session = threading.Lock()
        self._said = self._accepted = False
        self._subscribed = False
        self.client = Client(client_id, take)
        if self._address.user:
            self.client.username_pw_set(self._address.user, self._address.password)
        if (context := self._address.tls()) is not None:
            self.client.tls_set_context(context)
        self.client.reconnect_delay_set(1, _LONGEST_WAIT_S)
        self.client.on_connect = self._on_connect
        self.client.on_connect_fail = self._on_connect_fail
        self.client.on_disconnect = self._on_disconnect
        self.client.on_subscribe = self._on_subscribe

    @property
    def subscribed(self) -> bool:
        """Whether the broker sends us everything now."""
        return self._subscribed and self.client.is_connected()

    def start(self) -> None:
        """Connect in the background, as often as it takes."""
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = self.expiry
        properties.ReceiveMaximum = WINDOW
        self.client.connect_async(
            self._address.host,
            self._address.port,
            _KEEPALIVE_S,
            clean_start=self.clean_start,
            properties=properties,
        )
        self.client.loop_start()

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Acknowledge messages whose commit is done.

        Those of an earlier connection are left out: the broker sends them again, and they change
        nothing then.
        """
        with self._changing_session:  # else they might go out in the next one, under its numbers
            session = self.client.session
            self.client.ack_many([m.id for m in messages if m.id and m.session == session])

    def stop(self) -> None:
        """Send what is to be acknowledged and disconnect; the session stays."""
        self.client.disconnect()
        self.client.loop_stop()

    def _on_connect(
        self, _client: mqtt.Client, _data: Any, flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        if reason.is_failure:
            self._say(f"the broker refused the connection: {reason}")
            return
        self._begin_session()
        self._said, self._accepted = False, True
        self._connected(flags.session_present)

    def _connected(self, resumed: bool) -> None:
        """The broker has let us in, with the session of before where it is `resumed`."""
        log.info("Connected to the broker.", broker=self._address.where, resumed=resumed)
        # Retained messages come with a new subscription only, not with every connection.
        retained = SubscribeOptions.RETAIN_SEND_IF_NEW_SUB
        options = SubscribeOptions(qos=1, noLocal=self.no_local, retainHandling=retained)
        self.client.subscribe(self.topic, options=options)

    def _on_subscribe(
        self, _client: mqtt.Client, _data: Any, _id: int, reasons: list[ReasonCode], _props: Any
    ) -> None:
        for reason in reasons:
            self._subscribed = not reason.is_failure
            if reason.is_failure:
                log.error(
                    "The broker refused the subscription: give this user the right to read.",
                    topic=self.topic,
                    reason=str(reason),
                )

    def _on_connect_fail(self, _client: mqtt.Client, _data: Any) -> None:
        if not self._said:
            self._say(self._address.trouble() or "it did not answer in time")

    def _on_disconnect(
        self, _client: mqtt.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        self._subscribed = False
        self._begin_session()
        accepted, self._accepted = self._accepted, False
        if reason.is_failure and not self._said:
            why = None if accepted else self._address.trouble()
            self._say(why or f"the connection was lost: {reason}")

    def _begin_session(self) -> None:
        with self._changing_session:
            self.client.session = next(_sessions)

    def _say(self, reason: str) -> None:
        if not self._said:
            self._said = True
            log.warning("Waiting for the broker.", broker=self._address.where, reason=reason)
