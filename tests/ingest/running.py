"""A running ingest and a device, for tests on the real broker and the real database."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from fleet.broker import BrokerAddress
from ingest import service
from ingest.message import Message
from ingest.sessions import Sessions
from store.connection import connect
from tests.conftest import BrokerAccess

PATIENCE_S = 30.0
CLIENT = "test-ingest"
ALONE = Sessions(CLIENT)

Row = dict[str, Any]


def ingest_url(broker: BrokerAccess) -> str:
    address = BrokerAddress.of(broker.url)
    return address.signing_in(broker.ingest_user, broker.ingest_password).url


@contextmanager
def running(
    database_url: str,
    broker: BrokerAccess,
    committed: Callable[[list[Message]], None] | None = None,
    sparkplug_host: str | None = None,
    sessions: Sessions = ALONE,
) -> Iterator[threading.Event]:
    """An ingest in a thread of its own that has subscribed; ended when the block ends, where its
    errors are raised."""
    stop = threading.Event()
    errors: list[BaseException] = []

    def run() -> None:
        try:
            service.run(
                database_url=database_url,
                mqtt_url=ingest_url(broker),
                client_id=sessions.client_id,
                workers=sessions.workers,
                worker=sessions.worker,
                stop=stop,
                committed=committed,
                sparkplug_host=sparkplug_host,
            )
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        awaited = {"subscribed": True} | ({"sparkplug_subscribed": True} if sparkplug_host else {})
        subscribed = (
            f"select 1 from process_beat where instance = '{sessions.own}'"
            f" and detail @> '{json.dumps(awaited)}'"
        )
        eventually(lambda: bool(errors) or len(rows(database_url, subscribed)) == 1, True)
        yield stop
    finally:
        stop.set()
        thread.join(PATIENCE_S)
        assert not thread.is_alive(), "the ingest does not end"
        if errors:
            raise errors[0]


class Device:
    """A publisher that waits until the broker has what it sends."""

    def __init__(self, broker: BrokerAccess, user: str, password: str) -> None:
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, user, protocol=mqtt.MQTTv5)
        self._client.username_pw_set(user, password)
        self._client.max_inflight_messages_set(1000)
        if (context := BrokerAddress.of(broker.url).tls()) is not None:
            self._client.tls_set_context(context)
        ready = threading.Event()
        self.let_in = False

        def on_connect(_client: Any, _data: Any, _flags: Any, reason: Any, _props: Any) -> None:
            self.let_in = not reason.is_failure
            ready.set()

        self._client.on_connect = on_connect
        self._client.connect(broker.host, broker.port)
        self._client.loop_start()
        assert ready.wait(PATIENCE_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, *payloads: bytes, content_type: str | None = None) -> None:
        """Publish, and return when the broker has acknowledged all of it."""
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if content_type is not None:
            properties.ContentType = content_type
        sent = [
            self._client.publish(topic, payload, qos=1, properties=properties)
            for payload in payloads
        ]
        for each in sent:
            each.wait_for_publish(PATIENCE_S)
            assert each.is_published()


@contextmanager
def anyone(broker: BrokerAccess) -> Iterator[Device]:
    """A device that may publish anywhere."""
    with Device(broker, broker.admin_user, broker.admin_password) as device:
        yield device


def rows(database_url: str, query: str) -> list[Row]:
    with connect(database_url) as connection:
        return connection.execute(query).fetchall()


def ledger(database_url: str) -> dict[str, dict[str, int]]:
    """The counts of every machine by serial; each must balance."""
    found = rows(
        database_url,
        "select serial, messages, received, stored, merged, repeated, rejected, late"
        " from machine_ledger join machine on machine.id = machine_id",
    )
    return {row.pop("serial"): {name: n for name, n in row.items() if n} for row in found}


def eventually(found: Callable[[], Any], expected: Any) -> None:
    """Ask again until the answer is as expected; fails with the last answer."""
    deadline = time.monotonic() + PATIENCE_S
    while (last := found()) != expected:
        assert time.monotonic() < deadline, f"{last!r} is still not {expected!r}"
        time.sleep(0.02)  # between two real questions
