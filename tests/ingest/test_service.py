"""The ingest on the real broker and the real database: what is published has a visible end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Any

import pytest

from fleet import clock
from fleet.batch import FaultCode
from ingest import payload, writer
from ingest.decode import Decoded, decode
from ingest.message import Message
from ingest.topics import faults_topic, status_topic, telemetry_topic
from store import ingest_log, reading
from store.connection import connect
from store.machines import register
from store.migrate import migrate
from tests import small
from tests.conftest import BrokerAccess
from tests.ingest.running import (
    CLIENT,
    Device,
    anyone,
    eventually,
    ingest_url,
    ledger,
    rows,
    running,
)

PLAN = small.product_plan()


@pytest.fixture
def now() -> int:
    return clock.now_ms()


@pytest.fixture
def subscribed(small_store: str, broker: BrokerAccess) -> str:
    """The address of a database; the broker keeps from now on what the ingest is to have."""
    with running(small_store, broker):
        return small_store


def test_all_shapes_and_kinds_arrive(small_store: str, broker: BrokerAccess, now: int) -> None:
    broker.credentials.add([("P-1", "word")])
    with running(small_store, broker), Device(broker, "P-1", "word") as device:
        device.publish(telemetry_topic("P-1"), payload.encode_sample(now, {"fuel_pct": 1}))
        many = payload.encode_samples([(now - 1, {"fuel_pct": 2}), (now - 2, {"oil_temp_c": 3})])
        packed = payload.compress(many)
        device.publish(telemetry_topic("P-1"), packed, content_type=payload.JSON_GZIP)
        columns = payload.encode_columns([now - 3, now - 4], {"fuel_pct": [4, None]})
        device.publish(telemetry_topic("P-1"), columns)
        codes = [FaultCode(spn=110, fmi=0)]
        device.publish(faults_topic("P-1"), payload.encode_faults(now, codes))
        device.publish(status_topic("P-1"), payload.encode_status("online", now))
        eventually(
            lambda: ledger(small_store), {"P-1": {"messages": 5, "received": 7, "stored": 7}}
        )
    with connect(small_store) as connection:
        back = reading.read_range(connection, PLAN, [1], now - 4, now + 1, ["fuel_pct"])
        kinds = {entry.kind for entry in ingest_log.follow(connection, "rules")}
    assert [str(value) for value in back.values[:, 0]] == ["nan", "4.0", "nan", "2.0", "1.0"]
    assert kinds == {"telemetry", "faults", "status"}
    (row,) = rows(small_store, "select status, last_measured_at from machine_ledger")
    assert (row["status"], clock.to_ms(row["last_measured_at"])) == ("online", now)
    (row,) = rows(small_store, "select active from fault_report")
    assert row["active"] == [{"fmi": 0, "spn": 110}]


def test_bad_messages_end_visibly_among_good_ones(
    small_store: str, broker: BrokerAccess, now: int
) -> None:
    good = payload.encode_sample(now, {"fuel_pct": 40})
    bad: list[tuple[str, bytes, str]] = [
        (telemetry_topic("P-1"), b"{", "not_json"),
        (telemetry_topic("P-1"), b"7", "not_telemetry"),
        (telemetry_topic("P-1"), payload.encode_sample(1000, {}), "clock_not_set"),
        (telemetry_topic("P-1"), payload.encode_sample(now + 400_000, {}), "clock_ahead"),
        (telemetry_topic("GHOST"), good, "unknown_machine"),
        ("ironpulse/v1/P-1/temperature", good, "wrong_topic"),
        (telemetry_topic("P-1"), b"[" * 2**20, "not_json"),
        (telemetry_topic("P-1"), b" " * 10 * 2**20, "too_large"),
    ]
    with running(small_store, broker), anyone(broker) as device:
        for topic, data, _ in bad:
            device.publish(topic, data)
        device.publish(telemetry_topic("P-1"), good)
        expected = {"P-1": {"messages": 8, "received": 8, "stored": 1, "rejected": 7}}
        eventually(lambda: ledger(small_store), expected)
    found = rows(small_store, "select topic, payload, payload_size, reason from rejected_message")
    ends = {(row["topic"], row["payload"], row["payload_size"], row["reason"]) for row in found}
    assert ends == {(topic, data[: 64 * 1024], len(data), reason) for topic, data, reason in bad}


def test_unusable_values_are_null_and_counted(
    small_store: str, broker: BrokerAccess, now: int
) -> None:
    values = {"fuel_pct": 102, "oil_temp_c": "hot", "eng_speed_rpm": 8999, "mystery": 1}
    data = payload.encode_sample(now, values)  # type: ignore[arg-type]  # a text is the point
    with running(small_store, broker), anyone(broker) as device:
        device.publish(telemetry_topic("P-1"), data, data)
        expected = {"P-1": {"messages": 2, "received": 2, "stored": 1, "repeated": 1}}
        eventually(lambda: ledger(small_store), expected)
    found = rows(small_store, "select signal, reason, count, day from bad_value order by signal")
    assert [(row["signal"], row["reason"], row["count"]) for row in found] == [
        ("fuel_pct", "not_available", 1),
        ("mystery", "unknown_signal", 1),
        ("oil_temp_c", "wrong_type", 1),
    ]
    assert found[0]["day"] == clock.to_datetime(now).date()
    (row,) = rows(small_store, "select fuel_pct, oil_temp_c, eng_speed_rpm from telemetry_pump")
    assert row == {"fuel_pct": None, "oil_temp_c": None, "eng_speed_rpm": 8999.0}


def test_a_backlog_is_stored_with_its_own_times_and_counted_late(
    small_store: str, broker: BrokerAccess, now: int
) -> None:
    hours = [(now - hour * 3_600_000, {"fuel_pct": hour}) for hour in range(1, 25)]
    with running(small_store, broker), anyone(broker) as device:
        device.publish(telemetry_topic("P-1"), payload.encode_samples(hours))
        expected = {"P-1": {"messages": 1, "received": 24, "stored": 24, "late": 24}}
        eventually(lambda: ledger(small_store), expected)


def test_a_machine_registered_meanwhile_is_known_at_once(
    small_store: str, broker: BrokerAccess, now: int
) -> None:
    data = payload.encode_sample(now, {"fuel_pct": 40})
    with running(small_store, broker), anyone(broker) as device:
        device.publish(telemetry_topic("P-9"), data)
        eventually(lambda: len(rows(small_store, "select 1 from rejected_message")), 1)
        crane = small.product_plan("crane")
        migrate(small_store, small.catalogue(PLAN, crane))
        with connect(small_store) as connection:
            machines = [small.new_machine("P-9"), small.new_machine("C-1", product="crane")]
            register(connection, small.registration(*machines))
        device.publish(telemetry_topic("P-9"), payload.encode_sample(now + 1, {"fuel_pct": 40}))
        device.publish(telemetry_topic("C-1"), data)
        eventually(lambda: sorted(ledger(small_store)), ["C-1", "P-9"])


def test_what_comes_while_no_ingest_runs_waits_at_the_broker(
    subscribed: str, broker: BrokerAccess, now: int
) -> None:
    with anyone(broker) as device:
        samples = (payload.encode_sample(now - n, {"fuel_pct": 1}) for n in range(500))
        device.publish(telemetry_topic("P-1"), *samples)
    with running(subscribed, broker):
        expected = {"P-1": {"messages": 500, "received": 500, "stored": 500}}
        eventually(lambda: ledger(subscribed), expected)


DIES_BEFORE_ACKNOWLEDGING = """
import os, signal, sys, threading
from ingest import service

service.run(
    database_url=sys.argv[1], mqtt_url=sys.argv[2], client_id=sys.argv[3],
    stop=threading.Event(), committed=lambda _: os.kill(os.getpid(), signal.SIGKILL),
)
"""


def test_death_between_commit_and_acknowledgement_changes_nothing(
    subscribed: str, broker: BrokerAccess, now: int
) -> None:
    with anyone(broker) as device:
        samples = (payload.encode_sample(now - n, {"fuel_pct": 1}) for n in range(50))
        device.publish(telemetry_topic("P-1"), *samples)
        device.publish(telemetry_topic("P-2"), b"{")
    command = [sys.executable, "-c", DIES_BEFORE_ACKNOWLEDGING]
    died = subprocess.run(
        [*command, subscribed, ingest_url(broker), CLIENT], timeout=60, check=False
    )
    assert died.returncode == -signal.SIGKILL
    before = ledger(subscribed)
    assert before["P-1"]["stored"] > 0, "it was committed"
    with running(subscribed, broker):
        eventually(lambda: len(rows(subscribed, "select 1 from telemetry_pump")), 50)
        eventually(lambda: len(rows(subscribed, "select 1 from rejected_message")), 1)
        again = before["P-1"]["messages"]
        expected = {"messages": 50 + again, "received": 50 + again, "stored": 50, "repeated": again}
        eventually(lambda: ledger(subscribed)["P-1"], expected)
    entries = rows(subscribed, "select sum(samples)::int as n from ingest_batch")
    assert entries == [{"n": 50}], "no consumer sees a sample twice"


def test_the_acknowledged_is_not_sent_again(
    subscribed: str, broker: BrokerAccess, now: int
) -> None:
    with anyone(broker) as device, running(subscribed, broker):
        device.publish(telemetry_topic("P-1"), payload.encode_sample(now, {"fuel_pct": 1}))
        eventually(lambda: ledger(subscribed)["P-1"]["messages"] if ledger(subscribed) else 0, 1)
    with anyone(broker) as device, running(subscribed, broker):
        device.publish(telemetry_topic("P-2"), payload.encode_sample(now, {"fuel_pct": 1}))
        eventually(lambda: sorted(ledger(subscribed)), ["P-1", "P-2"])
    assert ledger(subscribed)["P-1"] == {"messages": 1, "received": 1, "stored": 1}


def test_a_message_the_store_refuses_is_rejected_and_the_rest_of_its_batch_stored(
    small_store: str, broker: BrokerAccess, now: int
) -> None:
    with connect(small_store) as connection:
        connection.execute("alter table telemetry_pump add check (fuel_pct <> 66)")
    values = [66 if n == 37 else 1 for n in range(100)]
    with running(small_store, broker), anyone(broker) as device:
        samples = (payload.encode_sample(now - n, {"fuel_pct": v}) for n, v in enumerate(values))
        device.publish(telemetry_topic("P-1"), *samples)
        expected = {"messages": 100, "received": 100, "stored": 99, "rejected": 1}
        eventually(lambda: ledger(small_store).get("P-1"), expected)
    (row,) = rows(small_store, "select payload, reason from rejected_message")
    assert row["reason"] == "refused"
    assert row["payload"] == payload.encode_sample(now - 37, {"fuel_pct": 66})


def test_a_defect_of_the_decoder_stops_one_message_and_no_other(
    small_store: str, broker: BrokerAccess, now: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defective(messages: list[Message], *rest: Any) -> Decoded:
        if any(message.payload == b"trigger" for message in messages):
            raise ZeroDivisionError("a defect")
        return decode(messages, *rest)

    monkeypatch.setattr(writer, "decode", defective)
    samples = [payload.encode_sample(now - n, {"fuel_pct": 1}) for n in range(9)]
    with running(small_store, broker), anyone(broker) as device:
        device.publish(telemetry_topic("P-1"), *samples[:4], b"trigger", *samples[4:])
        expected = {"messages": 10, "received": 10, "stored": 9, "rejected": 1}
        eventually(lambda: ledger(small_store).get("P-1"), expected)
    (row,) = rows(small_store, "select payload, detail from rejected_message")
    assert row["payload"] == b"trigger"
    detail = {"en": "it cannot be taken: a defect", "zh": "无法写入：a defect"}
    assert row["detail"] == detail


def test_the_database_goes_away_and_comes_back(
    small_store: str, broker: BrokerAccess, now: int
) -> None:
    cut = "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s"
    admin, name = small_store.rsplit("/", 1)
    with running(small_store, broker), anyone(broker) as device, connect(f"{admin}/postgres") as db:
        device.publish(telemetry_topic("P-1"), payload.encode_sample(now, {"fuel_pct": 1}))
        eventually(lambda: len(rows(small_store, "select 1 from telemetry_pump")), 1)
        db.execute(f'alter database "{name}" with allow_connections false')
        db.execute(cut, (name,))
        samples = (payload.encode_sample(now - n, {"fuel_pct": 1}) for n in range(1, 100))
        device.publish(telemetry_topic("P-1"), *samples)
        db.execute(f'alter database "{name}" with allow_connections true')
        eventually(lambda: len(rows(small_store, "select 1 from telemetry_pump")), 100)
        eventually(lambda: ledger(small_store)["P-1"]["stored"], 100)


def test_the_broker_restarts(subscribed: str, broker: BrokerAccess, now: int) -> None:
    with running(subscribed, broker):
        with anyone(broker) as device:
            device.publish(telemetry_topic("P-1"), payload.encode_sample(now, {"fuel_pct": 1}))
            eventually(lambda: len(rows(subscribed, "select 1 from telemetry_pump")), 1)
        os.kill(broker.server.pid or 0, signal.SIGKILL)
        broker.server.start()
        with anyone(broker) as device:
            device.publish(telemetry_topic("P-1"), payload.encode_sample(now - 1, {"fuel_pct": 1}))
        eventually(lambda: len(rows(subscribed, "select 1 from telemetry_pump")), 2)


def test_a_running_ingest_says_so_and_takes_its_leave(
    small_store: str, broker: BrokerAccess
) -> None:
    query = "select process, instance, detail ->> 'messages' as messages from process_beat"
    with running(small_store, broker):
        assert rows(small_store, query) == [
            {"process": "ingest", "instance": CLIENT, "messages": "0"}
        ]
    assert rows(small_store, query) == []


def test_acknowledging_waits_for_the_commit(
    small_store: str, broker: BrokerAccess, now: int
) -> None:
    seen: list[int] = []

    def committed(messages: list[Message]) -> None:
        found = rows(small_store, "select count(*) as n from telemetry_pump")
        seen.append(found[0]["n"] - len(messages))

    with running(small_store, broker, committed), anyone(broker) as device:
        device.publish(telemetry_topic("P-1"), payload.encode_sample(now, {"fuel_pct": 1}))
        eventually(lambda: seen, [0])
