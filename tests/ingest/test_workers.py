"""Several workers on one shared subscription: nothing lost or twice, also when one is killed or
their number changes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from structlog.testing import capture_logs

from fleet import clock
from fleet.errors import IronpulseError
from ingest import payload, service, subscriber
from ingest.former import Former
from ingest.message import Message
from ingest.sessions import MOST_WORKERS, NAME, Sessions, secret_name
from ingest.topics import EVERYTHING, telemetry_topic
from tests import small
from tests.conftest import BrokerAccess
from tests.ingest.running import (
    CLIENT,
    PATIENCE_S,
    Device,
    anyone,
    eventually,
    ingest_url,
    rows,
    running,
)


@contextmanager
def crew(database_url: str, broker: BrokerAccess, workers: int) -> Iterator[None]:
    with ExitStack() as stack:
        for number in range(workers, 0, -1):
            sessions = Sessions(CLIENT, workers, number)
            stack.enter_context(running(database_url, broker, sessions=sessions))
        yield


def publish(device: Device, count: int, since: int) -> None:
    """Samples of each machine, at `count` moments from `since` on."""
    samples = [payload.encode_sample(since + n, {"fuel_pct": 1}) for n in range(count)]
    for serial in small.SERIALS:
        device.publish(telemetry_topic(serial), *samples)


def fates(database_url: str) -> tuple[int, int, int]:
    """Rows in the table; what the ledger calls stored, and repeated."""
    (found,) = rows(
        database_url,
        "select (select count(*) from telemetry_pump)::int as stored, coalesce(sum(stored), 0)::int"
        " as counted, coalesce(sum(repeated), 0)::int as repeated from machine_ledger",
    )
    return found["stored"], found["counted"], found["repeated"]


def is_kept(broker: BrokerAccess, client_id: str) -> bool:
    """Whether the broker keeps a session of that name; asking ends it."""
    heard: list[bool] = []
    done = threading.Event()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id, protocol=mqtt.MQTTv5)
    client.username_pw_set(broker.ingest_user, broker.ingest_password)

    def note(_client: mqtt.Client, _data: object, flags: mqtt.ConnectFlags, *_: object) -> None:
        heard.append(flags.session_present)
        done.set()

    client.on_connect = note
    client.connect(broker.host, broker.port, clean_start=False)
    client.loop_start()
    assert done.wait(PATIENCE_S)
    properties = Properties(PacketTypes.DISCONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = 0
    client.disconnect(properties=properties)
    client.loop_stop()
    return heard[0]


def test_one_worker_is_killed_and_nothing_is_lost(small_store: str, broker: BrokerAccess) -> None:
    environment = os.environ | {
        "IRONPULSE_DATABASE_URL": small_store,
        "IRONPULSE_MQTT_URL": ingest_url(broker),
    }
    command = [sys.executable, "-m", "ironpulse", "ingest", "--workers", "2"]
    command += ["--client-id", CLIENT, "--sparkplug", ""]
    beats = "select instance, pid, (detail ->> 'messages')::int as n from process_beat"
    subscribed = f"{beats} where (detail ->> 'subscribed')::boolean order by instance"
    process = subprocess.Popen(command, env=environment)
    since = clock.now_ms() - 60_000
    try:
        eventually(lambda: len(rows(small_store, subscribed)), 2)
        first, second = rows(small_store, subscribed)
        assert [first["instance"], second["instance"]] == [f"{CLIENT}-1", f"{CLIENT}-2"]
        with anyone(broker) as device:
            publish(device, 300, since)
            os.kill(second["pid"], signal.SIGKILL)
            publish(device, 300, since + 300)
        eventually(lambda: fates(small_store)[:2], (1800, 1800))
        eventually(lambda: rows(small_store, subscribed)[-1]["pid"] != second["pid"], True)
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
    stored, counted, repeated = fates(small_store)
    (entries,) = rows(small_store, "select sum(samples)::int as n from ingest_batch")
    assert (stored, counted, entries["n"]) == (1800, 1800, 1800)
    assert repeated <= 900, "what the dead one had committed came again, and changed nothing"
    assert rows(small_store, beats) == [], "they took their leave"


@pytest.mark.parametrize(("before", "after"), [(1, 2), (3, 1), (3, 2)])
def test_another_number_of_workers_takes_what_the_sessions_of_before_hold(
    small_store: str,
    broker: BrokerAccess,
    before: int,
    after: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(subscriber, "WINDOW", 20)  # so that they hold more than is sent at once
    monkeypatch.setattr(service, "WINDOW", 20)
    since = clock.now_ms() - 60_000
    with crew(small_store, broker, before):
        pass
    names = [{Sessions(CLIENT, n, k + 1).own for k in range(n)} for n in (before, after)]
    gone = sorted(names[0] - names[1])
    with anyone(broker) as device, capture_logs() as said:
        publish(device, 100, since)
        with crew(small_store, broker, after):
            eventually(lambda: fates(small_store)[:2], (300, 300))
            ended = "A session is empty and ends."
            eventually(
                lambda: sorted(line["client_id"] for line in said if line["event"] == ended), gone
            )
            publish(device, 1, since + 100)
            eventually(lambda: fates(small_store)[0], 303)
    assert fates(small_store) == (303, 303, 0)
    assert [name for name in gone if is_kept(broker, name)] == []


def test_a_session_that_somebody_takes_is_left_to_them(
    small_store: str, broker: BrokerAccess
) -> None:
    with running(small_store, broker):
        pass
    taken: list[Message] = []
    former = Former(ingest_url(broker), CLIENT, [EVERYTHING], taken.extend)
    with anyone(broker) as device:
        publish(device, 1, clock.now_ms())
    former.start()
    eventually(lambda: len(taken), 3)
    with running(small_store, broker):
        assert former.ended.wait(PATIENCE_S)
        former.acknowledge(taken)  # too late: the broker has given them to its new owner
        eventually(lambda: fates(small_store), (3, 3, 0))
    former.stop()
    assert is_kept(broker, CLIENT)


def test_names_and_topics_of_sessions() -> None:
    alone, second = Sessions("c"), Sessions("c", 3, 2)
    assert (alone.own, alone.topic) == ("c", EVERYTHING)
    assert (second.own, second.topic) == ("c-2", f"$share/c/{EVERYTHING}")
    assert alone.is_first and not second.is_first
    assert len(alone.former) == MOST_WORKERS and "c" not in alone.former
    assert "c" in second.former and not {"c-1", "c-2", "c-3"} & set(second.former)
    with pytest.raises(IronpulseError, match="There is no worker 4 of 3"):
        Sessions("c", 3, 4)


def test_the_name_of_a_session_is_worked_out_from_the_password_only() -> None:
    here, there = (secret_name(f"mqtt://ingest:word@{host}") for host in ("a:1883", "b:8883"))
    other = secret_name("mqtt://ingest:other@a:1883")
    assert here == there != other
    assert here.startswith(f"{NAME}-") and len(here) >= len(NAME) + 16
    assert secret_name("mqtt://a:1883") == NAME
