"""Rejected messages put back: once, wholly or in part, and the ledger adds up."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from fleet import clock
from ingest import early, payload
from ingest.metrics import Metrics
from ingest.outage import Outage
from ingest.replay import Replay, replay
from ingest.topics import faults_topic, parse_topic, telemetry_topic
from store import rejected
from store.connection import connect
from store.machines import register
from tests import small
from tests.conftest import BrokerAccess
from tests.ingest.running import anyone, eventually, ledger, rows, running
from tests.ingest.sparkplugs import metric
from tests.ingest.sparkplugs import payload as sparkplug

LEVEL = st.text(
    st.characters(exclude_characters="/+#\x00", exclude_categories=["Cs"]), min_size=1, max_size=70
)
WAITING = "select * from rejected_message where replayed_at is null order by id"


@pytest.fixture
def now() -> int:
    return clock.now_ms()


def send(
    database: str, broker: BrokerAccess, *messages: tuple[str, bytes, str | None]
) -> list[dict[str, Any]]:
    """Publish messages that will all be rejected; returns them as they are kept."""
    with running(database, broker), anyone(broker) as device:
        for topic, data, content_type in messages:
            device.publish(topic, data, content_type=content_type)
        eventually(lambda: len(rows(database, WAITING)), len(messages))
    return rows(database, WAITING)


def put_back(database: str, *ids: int) -> list[Replay]:
    with connect(database) as connection:
        return list(replay(connection, ids or rejected.waiting(connection)))


def add_machine(database: str, serial: str) -> None:
    with connect(database) as connection:
        register(connection, small.registration(small.new_machine(serial)))


def entries(database: str) -> list[tuple[str, int]]:
    found = rows(database, "select kind, samples from ingest_batch order by position")
    return [(row["kind"], row["samples"]) for row in found]


def test_a_machine_that_is_registered_gets_what_it_sent_before(
    small_store: str, broker: BrokerAccess, now: int
) -> None:
    two = [(now - 5, {"fuel_pct": 1}), (now - 4, {"fuel_pct": 2, "oil_temp_c": 200})]
    packed = payload.encode_samples(two, payload.CBOR_ZSTD)
    birth = sparkplug(metric("oil/temp_c", 60.0, ts=now - 3), ts=now - 3, seq=0)
    sent = send(
        small_store,
        broker,
        (telemetry_topic("P-9"), packed, payload.CBOR_ZSTD),
        (faults_topic("P-9"), payload.encode_faults(now, []), None),
        ("ironpulse/v1/P-9/wrong", b"{}", None),
    )
    with connect(small_store) as connection:
        kept = rejected.Rejection(
            now, None, "spBv1.0/G/DBIRTH/g/P-9", None, birth, 1, "unknown_machine", small.TEXT
        )
        rejected.add(connection, [kept])
        assert len(rejected.waiting(connection, None, "P-9")) == 4
        assert len(rejected.waiting(connection, "unknown_machine", "P-9")) == 3
        assert rejected.waiting(connection, None, "P-1") == []
    assert {each.outcome for each in put_back(small_store)} == {"rejected"}
    assert ledger(small_store) == {}
    add_machine(small_store, "P-9")
    done = put_back(small_store)
    assert [(each.outcome, each.stored) for each in done] == [
        ("replayed", 2),
        ("replayed", 1),
        ("rejected", 0),
        ("replayed", 2),
    ]
    counts = {"messages": 4, "received": 6, "stored": 5, "rejected": 1}
    assert ledger(small_store) == {"P-9": counts}
    stored = rows(small_store, "select fuel_pct, oil_temp_c from telemetry_pump order by 1, 2")
    assert [tuple(row.values()) for row in stored] == [(1.0, None), (2.0, None), (None, 60.0)]
    bad = rows(small_store, "select signal, reason, count from bad_value")
    assert bad == [{"signal": "oil_temp_c", "reason": "out_of_range", "count": 1}]
    log = [("telemetry", 2), ("faults", 1), ("telemetry", 1), ("status", 1)]
    assert entries(small_store) == log
    (left,) = rows(small_store, WAITING)
    assert (left["reason"], left["id"]) == ("wrong_topic", sent[2]["id"])
    assert left["machine_id"] is not None, "whose it is, is known now"

    again = put_back(small_store, *(each.id for each in done))
    outcomes = ["replayed_before", "replayed_before", "rejected", "replayed_before"]
    assert [each.outcome for each in again] == outcomes
    assert ledger(small_store) == {"P-9": counts}
    assert entries(small_store) == log


def test_a_running_ingest_puts_back_what_came_before_the_registration(
    small_store: str, broker: BrokerAccess, now: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(early, "_EVERY_S", 0.1)
    old = now - 3_600_000
    with running(small_store, broker), anyone(broker) as device:
        for topic, data in (
            (telemetry_topic("P-9"), payload.encode_sample(now, {"fuel_pct": 1})),
            (telemetry_topic("P-9"), payload.encode_sample(old, {"fuel_pct": 2})),
            (telemetry_topic("P-9"), b"broken"),
            (telemetry_topic("P-8"), payload.encode_sample(now, {"fuel_pct": 3})),
        ):
            device.publish(topic, data)
        eventually(lambda: len(rows(small_store, WAITING)), 4)
        add_machine(small_store, "P-9")
        counts = {"messages": 3, "received": 3, "stored": 2, "rejected": 1, "late": 1}
        eventually(lambda: ledger(small_store), {"P-9": counts})
        device.publish(telemetry_topic("P-9"), payload.encode_sample(now + 1, {"fuel_pct": 1}))
        counts = {**counts, "messages": 4, "received": 4, "stored": 3}
        eventually(lambda: ledger(small_store), {"P-9": counts})
    assert [(row["reason"], row["sender"]) for row in rows(small_store, WAITING)] == [
        ("not_json", "P-9"),
        ("unknown_machine", "P-8"),
    ]


def test_early_messages_are_looked_for_again_after_the_store_failed(
    small_store: str, now: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(early, "_EVERY_S", 0.05)
    data = payload.encode_sample(now, {"fuel_pct": 1})
    kept = rejected.Rejection(
        now, None, telemetry_topic("P-1"), None, data, 1, "unknown_machine", small.TEXT
    )
    with connect(small_store) as connection:
        rejected.add(connection, [kept])
        connection.execute("alter table machine rename to hidden")
        looking = early.EarlyMessages(small_store, Outage(threading.Event()), Metrics())
        with capture_logs() as logs:
            looking.start()
            eventually(lambda: [log["log_level"] for log in logs][:1], ["error"])
        connection.execute("alter table hidden rename to machine")
    eventually(lambda: ledger(small_store), {"P-1": {"messages": 1, "received": 1, "stored": 1}})
    looking.stop()


@given(
    topic=st.one_of(
        st.builds("ironpulse/v1/{}/{}".format, LEVEL, st.sampled_from(["telemetry", "x", ""])),
        st.builds("spBv1.0/{}/NDATA/{}".format, LEVEL, LEVEL),
        st.builds("spBv1.0/{}/DDATA/{}/{}".format, LEVEL, LEVEL, LEVEL),
        st.builds("elsewhere/{}".format, LEVEL),
    )
)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_store_reads_the_sender_from_the_topic_as_ingest_does(
    small_store: str, topic: str
) -> None:
    with connect(small_store) as connection, connection.transaction(force_rollback=True):
        rejected.add(
            connection, [rejected.Rejection(0, None, topic, None, b"", 1, "x", small.TEXT)]
        )
        (row,) = connection.execute("select sender from rejected_message").fetchall()
    assert row["sender"] == (parse_topic(topic).serial[:65] or None)


def test_what_came_another_way_meanwhile_is_known(
    small_store: str, broker: BrokerAccess, now: int
) -> None:
    data = payload.encode_samples([(now, {"fuel_pct": 1}), (now - 1, {"fuel_pct": 2})])
    send(small_store, broker, (telemetry_topic("P-9"), data, None))
    add_machine(small_store, "P-9")
    with running(small_store, broker), anyone(broker) as device:
        device.publish(telemetry_topic("P-9"), payload.encode_sample(now, {"fuel_pct": 1}))
        eventually(lambda: ledger(small_store)["P-9"]["stored"] if ledger(small_store) else 0, 1)
    (done,) = put_back(small_store)
    assert (done.outcome, done.stored, done.repeated) == ("replayed", 1, 1)
    counts = {"messages": 2, "received": 3, "stored": 2, "repeated": 1}
    assert ledger(small_store) == {"P-9": counts}


def test_what_the_store_refused_is_taken_once_it_does_not(
    small_store: str, broker: BrokerAccess, now: int
) -> None:
    with connect(small_store) as connection:
        connection.execute("alter table telemetry_pump add constraint odd check (fuel_pct <> 66)")
    data = payload.encode_columns([now, now - 1], {"fuel_pct": [66, 1]})
    send(small_store, broker, (telemetry_topic("P-1"), data, None))
    refused = {"P-1": {"messages": 1, "received": 1, "rejected": 1}}
    assert ledger(small_store) == refused
    (done,) = put_back(small_store)
    assert (done.outcome, done.reason) == ("rejected", "refused") and "odd" in str(done.detail)
    assert ledger(small_store) == refused
    with connect(small_store) as connection:
        connection.execute("alter table telemetry_pump drop constraint odd")
    (done,) = put_back(small_store)
    assert (done.outcome, done.stored) == ("replayed", 2)
    assert ledger(small_store) == {"P-1": {"messages": 1, "received": 2, "stored": 2}}


def test_a_part_that_is_wrong_is_rejected_anew(
    small_store: str, broker: BrokerAccess, now: int
) -> None:
    data = payload.encode_samples([(now, {"fuel_pct": 1}), (5, {"fuel_pct": 2})])
    send(small_store, broker, (telemetry_topic("P-9"), data, None))
    add_machine(small_store, "P-9")
    (done,) = put_back(small_store)
    assert (done.outcome, done.stored, done.again) == ("replayed", 1, 1)
    assert ledger(small_store) == {
        "P-9": {"messages": 1, "received": 2, "stored": 1, "rejected": 1}
    }
    (left,) = rows(small_store, WAITING)
    assert left["reason"] == "clock_not_set"


def test_a_clock_that_was_wrong_when_it_came_stays_wrong(small_store: str, now: int) -> None:
    data = payload.encode_sample(now - 60_000, {"fuel_pct": 1})
    came = now - 3_600_000
    topic = telemetry_topic("P-1")
    with connect(small_store) as connection:
        kept = rejected.Rejection(came, None, topic, None, data, 1, "unknown_machine", small.TEXT)
        rejected.add(connection, [kept])
    (done,) = put_back(small_store)
    assert (done.outcome, done.reason) == ("rejected", "clock_ahead")
    assert ledger(small_store) == {"P-1": {"messages": 1, "received": 1, "rejected": 1}}
    (done,) = put_back(small_store)
    assert done.reason == "clock_ahead"
    assert ledger(small_store) == {"P-1": {"messages": 1, "received": 1, "rejected": 1}}


def test_what_was_kept_in_part_or_never_cannot_be_put_back(small_store: str, now: int) -> None:
    long = b" " * 70_000
    with connect(small_store) as connection:
        topic = telemetry_topic("P-1")
        kept = rejected.Rejection(now, None, topic, None, long, 1, "too_large", small.TEXT)
        rejected.add(connection, [kept])
        (number,) = rejected.waiting(connection)
    found = put_back(small_store, number, number + 1)
    assert [each.outcome for each in found] == ["incomplete", "unknown"]
    assert found[0].detail is not None
    assert found[0].detail.en == "only 65536 of its 70000 bytes were kept"
