"""A sensor that delivers nonsense, from the machine's message to the ticket."""

from __future__ import annotations

from collections.abc import Callable

from fleet import clock
from ingest import payload
from ingest.topics import telemetry_topic
from rules.live.worker import Worker
from store.migrate import migrate
from tests import small
from tests.conftest import BrokerAccess
from tests.ingest.running import anyone, eventually, ledger, running
from tests.rules.conftest import Bench
from tests.rules.plans import plan, rule

RunAll = Callable[[Worker], None]

STEP_MS = 30_000
SENSOR = rule("sensor", sensors=True, severity=2)


def test_nonsense_on_the_wire_becomes_a_ticket_of_the_sensor(
    bench: Bench, broker: BrokerAccess, run_all: RunAll
) -> None:
    migrate(bench.database.url, small.catalogue(plan(rules=[SENSOR], version="sensors")))
    begun = clock.now_ms() - 40 * STEP_MS
    told = [(begun + i * STEP_MS, {"eng_speed_rpm": 1500, "oil_temp_c": 3276.7}) for i in range(40)]
    spike = [
        (at, values | {"oil_temp_c": 60, "fuel_pct": 999 if i == 20 else 50})
        for i, (at, values) in enumerate(told)
    ]
    with running(bench.database.url, broker), anyone(broker) as device:
        device.publish(telemetry_topic("P-1"), payload.encode_samples(told[:20]))
        device.publish(telemetry_topic("P-1"), payload.encode_samples(told[20:]))
        device.publish(telemetry_topic("P-2"), payload.encode_samples(spike))
        stored = {"received": 40, "stored": 40}
        eventually(
            lambda: {
                serial: {name: counts[name] for name in stored}
                for serial, counts in ledger(bench.database.url).items()
            },
            {"P-1": stored, "P-2": stored},
        )
    run_all(bench.worker())
    assert bench.alarms("machine_id", "rule", "component", "state") == [
        (1, "sensor", "body/oil_temp_c", "active")
    ]
    (ticket,) = bench.rows(
        "select item.reason, item.component from ticket join ticket_item as item"
        " on item.ticket_id = ticket.id"
    )
    assert ticket["component"] == "body/oil_temp_c"
    assert "31 readings of 3276.7 °C" in ticket["reason"]["en"]
