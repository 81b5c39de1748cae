"""Emptying a session of an earlier number of workers, and ending it when nothing is left in it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from ingest.message import Message
from ingest.subscriber import Subscriber

log = structlog.get_logger(__name__)


class Former(Subscriber):
    """The session `client_id`: unsubscribed from `topics`, then read to its end.

    The end is reached when everything was acknowledged and nothing comes before the broker answers
    one more question: it answers in order. A session that another process uses is left alone.
    """

    def __init__(
        self,
        url: str,
        client_id: str,
        topics: Sequence[str],
        take: Callable[[list[Message]], None],
    ) -> None:
        super().__init__(url, client_id, self._count)
        self.ended = threading.Event()
        self._client_id = client_id
        self._topics = list(topics)
        self._pass_on = take
        self._counting = threading.Lock()
        self._open = 0  # arrived and not yet settled
        self._asked: int | None = 0  # the number of the last question, None once something came
        self.client.on_unsubscribe = self._on_unsubscribe

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Acknowledge messages whose commit is done; after the last one, ask whether there are
        more."""
        session = self.client.session
        settled = sum(message.session == session for message in messages)
        super().acknowledge(messages)
        with self._counting:
            self._open -= settled
            if settled and not self._open:
                self._ask()

    def _count(self, messages: list[Message]) -> None:
        with self._counting:
            self._open += len(messages)
            self._asked = None
        self._pass_on(messages)

    def _ask(self) -> None:
        """Unsubscribe, once more: the answer comes behind what is waiting."""
        _, self._asked = self.client.unsubscribe(self._topics)

    def _connected(self, resumed: bool) -> None:
        if not resumed:
            self._end()
            return
        log.info("Taking what is left in a session.", client_id=self._client_id)
        with self._counting:
            self._open = 0  # of the connection before; the broker sends them again
            self._ask()

    def _on_unsubscribe(
        self, _client: mqtt.Client, _data: Any, number: int, _reasons: Any, _properties: Any
    ) -> None:
        with self._counting:
            is_empty = number == self._asked
        if is_empty:
            log.info("A session is empty and ends.", client_id=self._client_id)
            self._end()

    def _on_disconnect(
        self, client: mqtt.Client, data: Any, flags: Any, reason: ReasonCode, properties: Any
    ) -> None:
        self._begin_session()
        if reason.getName() == "Session taken over":
            log.warning(
                "A session of another number of workers is in use: end the process that uses it.",
                client_id=self._client_id,
            )
            self.client.disconnect()
            self.ended.set()

    def _end(self) -> None:
        """Disconnect so that the broker forgets the session."""
        properties = Properties(PacketTypes.DISCONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = 0
        self.client.disconnect(properties=properties)
        self.ended.set()
