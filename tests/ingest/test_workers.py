"""Several workers on one shared subscription: nothing lost or twice, also when one is killed or
their number changes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial

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
from ingest.metrics import Metrics
from ingest.outage import Outage
from ingest.sessions import MOST_WORKERS, NAME, Sessions, secret_name
from ingest.topics import EVERYTHING, telemetry_topic
from ingest.writer import Writer
from store.connection import connect
from tests import small
from tests.conftest import BrokerAccess
from tests.ingest.running import (
    CLIENT,
    PATIENCE_S,
    Device,
    anyone,
    eventually,
    ingest_url,
    ledger,
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


def poison(count: int) -> list[Message]:
    at = clock.now_ms()
    topics = [telemetry_topic(serial) for serial in small.SERIALS]
    return [Message(topics[n % 3], b"poison %d" % n, None, at) for n in range(count)]


def take(database_url: str, messages: list[Message]) -> None:
    """What an ingest does with a batch, on a connection of its own."""
    writer = Writer(database_url, Outage(threading.Event()), Metrics(), lambda _: None)
    writer.refresh()
    writer.write(messages, writer.read(messages))
    writer.close()


def test_two_workers_that_reject_the_same_at_once_do_not_meet_in_a_circle(
    small_store: str,
) -> None:
    """What a killed worker held comes again, to others and in another order."""
    messages = poison(100)
    with connect(small_store) as connection:  # slowly, so that both are at it at the same time
        connection.execute(
            "create function slowly() returns trigger language plpgsql as"
            " 'begin perform pg_sleep(0.005); return new; end'"
        )
        connection.execute(
            "create trigger slowly before insert on rejected_message"
            " for each row execute function slowly()"
        )
    with capture_logs() as said, ThreadPoolExecutor(2) as pool:
        list(pool.map(partial(take, small_store), [messages, messages[::-1]]))
    assert said == []
    (kept,) = rows(small_store, "select count(*)::int as n from rejected_message")
    found = ledger(small_store).values()
    assert kept["n"] == sum(row["rejected"] for row in found) == 100
    assert sum(row["repeated"] for row in found) == 100


def test_the_victim_of_a_deadlock_writes_its_batch_after_all(small_store: str) -> None:
    messages = poison(2)
    take(small_store, messages)
    with connect(small_store) as other, ThreadPoolExecutor(1) as pool, capture_logs() as said:
        low, high = other.execute("select * from rejected_message order by digest").fetchall()
        other.execute("delete from rejected_message")
        again = (
            "insert into rejected_message (received_at, machine_id, topic, payload, payload_size,"
            " samples, reason, detail) values (now(), %(machine_id)s, %(topic)s, %(payload)s,"
            " %(payload_size)s, 1, 'not_json', '{}')"
        )
        with other.transaction():
            other.execute(again, high)
            writing = pool.submit(take, small_store, messages)
            waits = "select 1 from pg_stat_activity where wait_event_type = 'Lock'"
            eventually(lambda: len(rows(small_store, waits)), 1)
            # It has the lower one and waits for ours: now we wait for its.
            other.execute(again, low)
        writing.result()
    assert ["deadlock detected" in line["reason"] for line in said if "reason" in line] == [True]
    (kept,) = rows(small_store, "select count(*)::int as n from rejected_message")
    assert kept["n"] == 2


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
