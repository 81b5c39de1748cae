"""What the broker drops is noticed, kept through its restarts, and said."""

from __future__ import annotations

import pytest

from fleet.clock import to_datetime
from ingest import payload
from ingest.broker_watch import BrokerWatch
from ingest.topics import telemetry_topic
from ironpulse.stack import broker as stack_broker
from store import broker_loss
from store.connection import connect
from tests.conftest import BrokerAccess
from tests.ingest.running import anyone, eventually, ingest_url, rows, running
from tests.ingest.test_decode import NOW

LOSSES = "select dropped from broker_loss where dropped > 0"


def test_a_queue_that_overflows_is_noticed(
    small_store: str, broker: BrokerAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(small_store, broker):
        pass  # the broker keeps from now on what the ingest is to have
    monkeypatch.setattr(stack_broker, "MAX_QUEUED_MESSAGES", 100)
    monkeypatch.setattr(stack_broker, "MAX_INFLIGHT_MESSAGES", 20)
    broker.server.stop()
    broker.server.start()
    with anyone(broker) as device:
        samples = (payload.encode_sample(NOW, {"fuel_pct": n / 10}) for n in range(300))
        device.publish(telemetry_topic("P-1"), *samples)
    with running(small_store, broker):
        eventually(lambda: len(rows(small_store, LOSSES)), 1)
        ended = "select messages + (select sum(dropped) from broker_loss) as n from machine_ledger"
        eventually(lambda: [row["n"] for row in rows(small_store, ended)], [300])


def test_an_outage_within_the_limits_drops_nothing(small_store: str, broker: BrokerAccess) -> None:
    with running(small_store, broker):
        pass
    with anyone(broker) as device:
        samples = (payload.encode_sample(NOW - n, {"fuel_pct": 1}) for n in range(3000))
        device.publish(telemetry_topic("P-1"), *samples)
    with running(small_store, broker):
        eventually(lambda: len(rows(small_store, "select 1 from telemetry_pump")), 3000)
    watch = BrokerWatch(ingest_url(broker), "test")
    watch.start()
    try:
        eventually(lambda: watch.dropped, 0)
    finally:
        watch.stop()


@pytest.mark.parametrize(
    ("counters", "dropped"),
    [
        ([0, 0], [0, 0]),
        ([0, 7, 7, 9], [0, 7, 0, 2]),
        ([7, 0, 0, 3], [7, 0, 0, 3]),  # the broker began anew
        ([7, 3], [7, 3]),
    ],
)
def test_only_what_is_new_counts(small_store: str, counters: list[int], dropped: list[int]) -> None:
    with connect(small_store) as connection:
        noted = []
        for number, counter in enumerate(counters):
            with connection.transaction():
                noted.append(broker_loss.note(connection, counter, to_datetime(NOW + number)))
        assert noted == dropped
        total = broker_loss.total(connection)
        assert total.dropped == sum(dropped)
        assert (total.last_at is not None) == bool(sum(dropped))
        assert broker_loss.total(connection, to_datetime(NOW + 100)).dropped == 0
