"""The host application: its session at the broker, its STATE, and what it asks of edge nodes.

Edge nodes that name this host as their primary one keep their samples while its STATE says
offline, and send them afterwards as historical. Sparkplug wants a clean session: what matters
after an interruption is the births, and they are asked for.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

import msgspec
import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.reasoncodes import ReasonCode

from fleet import clock
from fleet.errors import IronpulseError
from ingest.inbox import Inbox
from ingest.message import Message
from ingest.sparkplug import schema, topics
from ingest.sparkplug.certificates import REBIRTH
from ingest.sparkplug.nodes import Heard, Nodes
from ingest.subscriber import Subscriber

_TICK_S = 0.1
_MOST_ARRIVED = 10_000  # then the network is no longer read
_PATIENCE_S = 2.0
_BOOLEAN = 11

log = structlog.get_logger(__name__)


class Host:
    """Puts into the inbox what edge nodes at `url` tell, every metric with its name.

    One thread reads the network, another one knows the nodes, so that a full inbox stops both.
    """

    def __init__(self, url: str, host: str, inbox: Inbox) -> None:
        if not host or set(host) & set("+/#"):
            raise IronpulseError(f"{host!r} is no Sparkplug host id: it is a level of a topic.")
        self.rebirths = 0
        self._inbox = inbox
        self._arrived: queue.Queue[Message | None] = queue.Queue(_MOST_ARRIVED)
        self._nodes = Nodes()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ingest-sparkplug")
        self._session = _Session(url, host, self._arrive, lambda: self._arrive(None))

    @property
    def subscribed(self) -> bool:
        """Whether the broker sends us everything now."""
        return self._session.subscribed

    @property
    def nodes(self) -> int:
        """How many edge nodes were heard."""
        return len(self._nodes)

    def start(self) -> None:
        """Connect in the background, as often as it takes."""
        self._thread.start()
        self._session.start()

    def acknowledge(self, messages: list[Message]) -> None:
        """Acknowledge messages whose commit is done."""
        self._session.acknowledge(messages)

    def stop(self) -> None:
        """Say offline and disconnect. The inbox must be closed before."""
        self._stopping.set()
        self._session.stop()
        self._thread.join()

    def _arrive(self, message: Message | None) -> None:
        while not self._stopping.is_set():
            try:
                self._arrived.put(message, timeout=_TICK_S)
                return
            except queue.Full:
                continue

    def _run(self) -> None:
        ticked = clock.monotonic_s()
        while not self._stopping.is_set():
            try:
                message = self._arrived.get(timeout=_TICK_S)
            except queue.Empty:
                pass
            else:
                self._take(message)
            if clock.monotonic_s() - ticked >= _TICK_S:
                ticked = clock.monotonic_s()
                self._pass_on(self._nodes.tick(clock.now_ms()))

    def _take(self, message: Message | None) -> None:
        try:
            if message is None:
                heard = self._nodes.forget(clock.now_ms())
            else:
                heard = self._nodes.take(message, message.received_at)
        except Exception as error:  # a defect stops one message and no other
            log.exception("A Sparkplug message was not understood.", reason=str(error))
            heard = Heard([] if message is None else [message])
        self._pass_on(heard)

    def _pass_on(self, heard: Heard) -> None:
        self._session.acknowledge(heard.ignored)
        if heard.messages:
            self._inbox.put(heard.messages)
        for group, node in heard.rebirths:
            self.rebirths += 1
            log.info("An edge node is asked for its birth.", group=group, node=node)
            self._session.ask_for_birth(group, node)


class _Session(Subscriber):
    """A clean session whose will is the host's STATE."""

    topic = topics.EVERYTHING
    clean_start = True
    no_local = True
    expiry = 0

    def __init__(
        self,
        url: str,
        host: str,
        take: Callable[[Message], None],
        renewed: Callable[[], None],
    ) -> None:
        super().__init__(url, "", self._sort)
        self._pass_on, self._renewed = take, renewed
        self._state_topic = topics.state_topic(host)
        self._since = 0
        self.client.on_pre_connect = self._on_pre_connect

    def ask_for_birth(self, group: str, node: str) -> None:
        """Ask an edge node to tell again what its metrics are called."""
        now = clock.now_ms()
        metric = {"name": REBIRTH, "timestamp": now, "datatype": _BOOLEAN, "boolean_value": True}
        payload = schema.Payload(timestamp=now, metrics=[metric]).SerializeToString()
        self.client.publish(topics.command_topic(group, node), payload)

    def stop(self) -> None:
        if self.subscribed:
            self._tell(False).wait_for_publish(_PATIENCE_S)
        super().stop()

    def _on_pre_connect(self, client: mqtt.Client, _data: Any) -> None:
        self._since = clock.now_ms()
        client.will_set(self._state_topic, _state(False, self._since), qos=1, retain=True)

    def _connected(self, resumed: bool) -> None:
        super()._connected(resumed)
        self._renewed()

    def _on_subscribe(
        self, client: mqtt.Client, data: Any, number: int, reasons: list[ReasonCode], props: Any
    ) -> None:
        super()._on_subscribe(client, data, number, reasons, props)
        if self._subscribed:
            self._tell(True)

    def _sort(self, messages: list[Message]) -> None:
        for message in messages:
            self._sort_one(message)

    def _sort_one(self, message: Message) -> None:
        """Certificates go on; of the STATE of hosts only our own is heard."""
        if not message.topic.startswith(topics.state_topic("")):
            self._pass_on(message)
            return
        self.acknowledge([message])
        # The will of a connection before this one, or of another process under this name.
        if message.topic == self._state_topic and not _is_online(message.payload):
            self._tell(True)

    def _tell(self, online: bool) -> mqtt.MQTTMessageInfo:
        return self.client.publish(
            self._state_topic, _state(online, self._since), qos=1, retain=True
        )


def _state(online: bool, timestamp: int) -> bytes:
    return msgspec.json.encode({"online": online, "timestamp": timestamp})


def _is_online(payload: bytes) -> bool:
    try:
        return msgspec.json.decode(payload).get("online") is True
    except (msgspec.MsgspecError, AttributeError):
        return False
