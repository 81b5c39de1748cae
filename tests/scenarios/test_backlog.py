"""Hours without coverage change when something is known, not what is known."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from fleet import clock
from fleet.clock import MS_PER_HOUR
from ingest import payload
from ingest.topics import faults_topic, telemetry_topic
from tests.conftest import BrokerAccess
from tests.ingest.running import anyone
from tests.scenarios.lives import Life, ill_life, registered
from tests.scenarios.system import System

LATE_BY_MS = 9 * MS_PER_HOUR
BUNDLE = 30


def test_a_backlog_gives_the_alarms_it_would_have_given_live(
    system: System, broker: BrokerAccess
) -> None:
    now = clock.now_ms()
    live = ill_life("truck_crane", "CR-F13").of("LIVE-1").ending(now)
    late = live.ending(now - LATE_BY_MS)
    system.register(*(registered(s, "truck_crane") for s in ("LIVE-1", "OLD-1", "NEW-1")))
    system.live(live)
    for serial, newest_first in (("OLD-1", False), ("NEW-1", True)):
        _deliver(system, broker, late.of(serial), newest_first=newest_first)
    system.until_judged("LIVE-1", "OLD-1", "NEW-1")
    wanted = [_facts(alarm, timedelta(0)) for alarm in system.alarms("LIVE-1")]
    assert wanted, "the fault shows"
    for serial in ("OLD-1", "NEW-1"):
        alarms = system.alarms(serial)
        shift = timedelta(milliseconds=LATE_BY_MS)
        assert [_facts(alarm, shift) for alarm in alarms] == wanted
        assert all(alarm["late"] and alarm["state"] == "cleared" for alarm in alarms)
        assert system.tickets(serial) == [], "nobody drives out for what is over"
        assert _outcomes(system, serial) == {"recorded"}, "the reason why not is kept"
    assert not any(alarm["late"] for alarm in system.alarms("LIVE-1"))
    assert len(system.tickets("LIVE-1")) == 1


def test_what_still_stands_when_a_backlog_has_arrived_is_told(
    system: System, broker: BrokerAccess
) -> None:
    """Eight hours are missing from the fault to now: it stands, and somebody drives out."""
    now = clock.now_ms()
    ill = ill_life("trailer_pump", "CP-F10").until_minute(65).of("ILL-1")
    before = ill.ending(now - LATE_BY_MS)
    after = Life("ILL-1", ill.samples[-30:], (), ()).ending(now)
    system.register(registered("ILL-1", "trailer_pump"))
    _deliver(system, broker, before, newest_first=False)
    _deliver(system, broker, after, newest_first=False)
    system.until_judged("ILL-1")
    (ticket,) = system.until_tickets("ILL-1", 1)
    assert any(alarm["late"] for alarm in system.alarms("ILL-1"))
    assert {item["kind"] for item in ticket["items"]} >= {"alarm"}


def _deliver(system: System, broker: BrokerAccess, life: Life, *, newest_first: bool) -> None:
    """Empty a device's buffer, some samples in each message."""
    told = [
        (
            life.samples[at][0],
            telemetry_topic(life.serial),
            payload.encode_samples(life.samples[at : at + BUNDLE]),
        )
        for at in range(0, len(life.samples), BUNDLE)
    ] + [(at, faults_topic(life.serial), payload.encode_faults(at, c)) for at, c in life.faults]
    with anyone(broker) as device:
        for _, topic, data in sorted(told, reverse=newest_first):
            device.publish(topic, data)
    system.told[life.serial] += life.reports


def _facts(alarm: dict[str, Any], shift: timedelta) -> tuple[Any, ...]:
    """What an alarm says about the machine, in the time of the live one."""
    raised, returned = (
        datetime.fromisoformat(alarm[name]) + shift if alarm[name] else None
        for name in ("raised_at", "returned_at")
    )
    return alarm["rule"], alarm["component"], raised, returned


def _outcomes(system: System, serial: str) -> set[str]:
    found = system.rows(
        "select outcome from finding join machine on machine.id = machine_id"
        f" where serial = '{serial}' and kind = 'alarm'"
    )
    return {row["outcome"] for row in found}
