"""Sparkplug B on the real broker and database, with a stranger's edge node."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from fleet import clock
from ingest.sparkplug import nodes
from ingest.sparkplug.topics import state_topic
from tests.conftest import BrokerAccess
from tests.ingest.running import anyone, eventually, ledger, rows, running
from tests.ingest.sparkplug_device import EdgeNode

HOST = "ironpulse"
METRICS = [["oil/temp_c", "float", 60.0, 1], ["fuel_pct", "float", 40.0, 2]]


@pytest.fixture
def stranger() -> Iterator[EdgeNode]:
    with EdgeNode() as node:
        yield node


def connect(
    node: EdgeNode,
    broker: BrokerAccess,
    user: tuple[str, str],
    name: str,
    metrics: list[Any],
    device: str = "",
    device_metrics: tuple[Any, ...] | list[Any] = (),
) -> None:
    node.do("connect", broker.port, *user, "Plant", name, metrics, device, device_metrics)


def machine(broker: BrokerAccess, serial: str) -> tuple[str, str]:
    broker.credentials.add([(serial, "word")])
    return serial, "word"


def gateway(broker: BrokerAccess) -> tuple[str, str]:
    """An account that may speak for every device behind it."""
    return broker.admin_user, broker.admin_password


def stored(database: str, column: str) -> list[float]:
    query = f"select {column} as n from telemetry_pump where {column} is not null"
    return sorted(row["n"] for row in rows(database, query))


def states(database: str) -> dict[str, str]:
    query = "select serial, status from machine_ledger join machine on machine.id = machine_id"
    return {row["serial"]: row["status"] for row in rows(database, query)}


def test_a_machine_as_edge_node_is_born_reports_and_dies(
    small_store: str, broker: BrokerAccess, stranger: EdgeNode
) -> None:
    now = clock.now_ms()
    with running(small_store, broker, sparkplug_host=HOST):
        connect(stranger, broker, machine(broker, "P-1"), "P-1", METRICS)
        eventually(lambda: states(small_store), {"P-1": "online"})
        stranger.do("update", ["oil/temp_c", "float", 61.5, 1, now - 500])
        stranger.do("by_alias", ["float", 62.5, 1], ["float", 41.0, 2])
        stranger.do("by_alias", ["float", 50.0, 1, now - 3_600_000, True])
        eventually(lambda: stored(small_store, "oil_temp_c"), [50.0, 60.0, 61.5, 62.5])
        assert stored(small_store, "fuel_pct") == [40.0, 41.0]
        stranger.kill()
        eventually(lambda: states(small_store), {"P-1": "offline"})
    counts = ledger(small_store)["P-1"]
    assert counts["late"] == 1, "what is historical is stored in its own time"
    assert counts["received"] == counts["stored"] + counts.get("merged", 0)
    assert rows(small_store, "select * from rejected_message") == []
    assert stranger.commands.empty(), "nothing was missing, so nothing was asked"


def test_devices_behind_a_gateway_live_and_die_with_it(
    small_store: str, broker: BrokerAccess, stranger: EdgeNode
) -> None:
    with running(small_store, broker, sparkplug_host=HOST):
        connect(stranger, broker, gateway(broker), "gateway", [], "P-2", METRICS)
        eventually(lambda: states(small_store), {"P-2": "online"})
        stranger.do("by_alias", ["float", 62.5, 1])
        eventually(lambda: stored(small_store, "oil_temp_c"), [60.0, 62.5])
        stranger.do("disconnect")
        eventually(lambda: states(small_store), {"P-2": "offline"})
    assert rows(small_store, "select * from rejected_message") == []


def test_a_device_that_leaves_says_so(
    small_store: str, broker: BrokerAccess, stranger: EdgeNode
) -> None:
    with running(small_store, broker, sparkplug_host=HOST):
        connect(stranger, broker, machine(broker, "P-1"), "P-1", [], "P-1", METRICS)
        eventually(lambda: stored(small_store, "oil_temp_c"), [60.0])
        stranger.do("deregister")
        eventually(lambda: states(small_store), {"P-1": "offline"})


def test_a_gap_is_answered_by_a_rebirth_request(
    small_store: str, broker: BrokerAccess, stranger: EdgeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nodes, "REORDER_MS", 200)
    with running(small_store, broker, sparkplug_host=HOST):
        connect(stranger, broker, machine(broker, "P-1"), "P-1", METRICS)
        eventually(lambda: stored(small_store, "oil_temp_c"), [60.0])
        stranger.do("lose")
        stranger.do("by_alias", ["float", 63.5, 1])
        assert stranger.commands.get(timeout=20) == [
            "spBv1.0/Plant/NCMD/P-1",
            ["Node Control/Rebirth"],
        ]
        eventually(lambda: stored(small_store, "oil_temp_c"), [60.0, 63.5])
        stranger.do("by_alias", ["float", 64.5, 1])
        eventually(lambda: stored(small_store, "oil_temp_c"), [60.0, 63.5, 64.5])
    assert stranger.commands.empty(), "one gap, one request"


def test_a_restart_asks_for_the_birth_and_loses_nothing_that_comes(
    small_store: str, broker: BrokerAccess, stranger: EdgeNode
) -> None:
    with running(small_store, broker, sparkplug_host=HOST):
        connect(stranger, broker, machine(broker, "P-1"), "P-1", METRICS)
        eventually(lambda: stored(small_store, "oil_temp_c"), [60.0])
    with running(small_store, broker, sparkplug_host=HOST):
        stranger.do("by_alias", ["float", 65.5, 1])
        assert stranger.commands.get(timeout=20)[1] == ["Node Control/Rebirth"]
        eventually(lambda: stored(small_store, "oil_temp_c"), [60.0, 65.5])
    assert rows(small_store, "select * from rejected_message") == []


def test_an_unregistered_device_is_rejected_with_names_in_place_of_aliases(
    small_store: str, broker: BrokerAccess, stranger: EdgeNode
) -> None:
    with running(small_store, broker, sparkplug_host=HOST):
        query = "select topic, reason, payload from rejected_message order by id"
        connect(stranger, broker, gateway(broker), "gateway", [], "P-9", METRICS)
        eventually(lambda: len(rows(small_store, query)), 1)
        stranger.do("by_alias", ["float", 62.5, 1])
        eventually(lambda: len(rows(small_store, query)), 2)
    found = rows(small_store, query)
    assert [row["topic"].split("/")[2] for row in found] == ["DBIRTH", "DDATA"]
    assert {row["reason"] for row in found} == {"unknown_machine"}
    assert b"oil/temp_c" in found[1]["payload"]


class Watcher:
    """Sees the retained STATE of the host change."""

    def __init__(self, broker: BrokerAccess) -> None:
        self.seen: list[dict[str, Any]] = []
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self.client.username_pw_set(broker.admin_user, broker.admin_password)
        self.client.on_message = lambda _c, _d, found: self.seen.append(json.loads(found.payload))
        self.client.on_connect = lambda client, *_: client.subscribe(state_topic(HOST), 1)
        self.client.connect(broker.host, broker.port)
        self.client.loop_start()

    def online(self) -> list[bool]:
        return [each["online"] for each in self.seen]

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def test_the_state_of_the_host(small_store: str, broker: BrokerAccess) -> None:
    before = clock.now_ms()
    with running(small_store, broker, sparkplug_host=HOST):
        watcher = Watcher(broker)
        eventually(watcher.online, [True])
        assert before <= watcher.seen[0]["timestamp"] <= clock.now_ms()
        with anyone(broker) as other:
            words = json.dumps({"online": False, "timestamp": 1}).encode()
            other.publish(state_topic(HOST), words)
        eventually(lambda: watcher.online()[-2:], [False, True])
    eventually(lambda: watcher.online()[-1], False)
    watcher.close()


def test_the_state_is_told_again_after_the_broker_died(
    small_store: str, broker: BrokerAccess
) -> None:
    with running(small_store, broker, sparkplug_host=HOST):
        first = Watcher(broker)
        eventually(first.online, [True])
        first.close()
        os.kill(broker.server.pid or 0, signal.SIGKILL)
        broker.server.start()
        before = first.seen[0]["timestamp"]
        second = Watcher(broker)
        eventually(lambda: any(each["timestamp"] > before for each in second.seen), True)
        assert second.seen[-1]["online"]
        second.close()


def test_without_a_host_nobody_says_it_is_there(small_store: str, broker: BrokerAccess) -> None:
    watcher = Watcher(broker)
    with running(small_store, broker), anyone(broker) as device:
        device.publish("ironpulse/v1/P-1/status", b'{"state":"online"}')
        eventually(lambda: states(small_store), {"P-1": "online"})
    assert watcher.seen == []
    watcher.close()
