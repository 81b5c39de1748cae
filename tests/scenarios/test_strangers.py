"""What comes from outside: a stranger's tool, a machine that lies, messages that are none."""

from __future__ import annotations

import subprocess
from typing import Any

from fleet import clock
from ingest import payload
from ingest.topics import telemetry_topic
from ironpulse.stack.programs import Programs
from tests.conftest import BrokerAccess
from tests.ingest.running import Device, anyone
from tests.processes import until
from tests.scenarios.lives import machine_of
from tests.scenarios.system import System, password_of


def test_a_value_published_by_hand_is_on_the_machines_page(
    system: System, broker: BrokerAccess, programs: Programs
) -> None:
    serial, now = machine_of("truck_crane").serial, clock.now_ms()
    command = [
        str(programs.mosquitto_pub), "-h", broker.host, "-p", str(broker.port),
        "-u", serial, "-P", password_of(serial), "-q", "1",
        "-t", f"ironpulse/v1/{serial}/telemetry",
        "-m", f'{{"ts": {now}, "values": {{"hyd_oil_temp_c": 61.5, "eng_speed_rpm": 800}}}}',
    ]  # fmt: skip
    subprocess.run(command, check=True, timeout=30)
    machine = until(
        lambda: system.get(f"/machines/{serial}"),
        lambda machine: _value(machine) is not None and machine["connection"] == "online",
    )
    assert _value(machine) == 61.5
    assert machine["regime"] is not None
    begin, end = (clock.to_datetime(now + ms).isoformat() for ms in (-60_000, 60_000))
    drawn = system.get(
        f"/machines/{serial}/telemetry", signals="hyd_oil_temp_c", **{"from": begin, "to": end}
    )
    assert 61.5 in drawn["signals"]["hyd_oil_temp_c"]["avg"]


def _value(machine: dict[str, Any]) -> Any:
    return next(s["value"] for s in machine["signals"] if s["key"] == "hyd_oil_temp_c")


def test_a_machine_cannot_speak_for_another(system: System, broker: BrokerAccess) -> None:
    liar, victim = machine_of("asphalt_paver").serial, machine_of("tower_crane").serial
    data = payload.encode_sample(clock.now_ms(), {"env_ambient_c": 20.0})
    with Device(broker, liar, password_of(liar)) as device:
        device.publish(telemetry_topic(victim), data)
        device.publish(telemetry_topic(liar), data)
    until(lambda: system.ledger(liar)["stored"], lambda stored: stored == 1)
    assert system.ledger(victim)["messages"] == 0
    for serial in (liar, victim):
        assert system.get("/rejected", machine=serial)["items"] == []


def test_poison_among_good_messages_ends_visibly(system: System, broker: BrokerAccess) -> None:
    serial, now = machine_of("trailer_pump").serial, clock.now_ms()
    topic = telemetry_topic(serial)
    good = [payload.encode_sample(now - n * 1000, {"hyd_oil_temp_c": 50 + n}) for n in range(20)]
    poison = {
        "not_json": (topic, b"\x00\xff{"),
        "wrong_topic": (f"ironpulse/v1/{serial}/temperature", good[0]),
        "unknown_machine": (telemetry_topic("GHOST-1"), good[0]),
        "clock_not_set": (topic, payload.encode_sample(86_400_000, {"hyd_oil_temp_c": 50})),
        "not_telemetry": (topic, b'"hello"'),
    }
    before = system.get("/ingest")["received"]
    texts = b'{"ts": %d, "values": {"hyd_oil_temp_c": "61", "eng_coolant_c": 80}}' % (now + 1)
    with anyone(broker) as device:
        for number, data in enumerate(good):
            device.publish(topic, data)
            if number % 4 == 0:
                device.publish(*list(poison.values())[number // 4])
        device.publish(topic, texts)
    ledger = until(
        lambda: system.ledger(serial), lambda got: got["received"] == len(good) + len(poison)
    )
    # The stranger's message has its end too, but belongs to no machine.
    assert (ledger["stored"], ledger["rejected"]) == (len(good) + 1, len(poison) - 1)
    bad = {(one["signal"], one["reason"]): one["count"] for one in ledger["bad_values"]}
    assert bad == {("hyd_oil_temp_c", "wrong_type"): 1}
    assert system.get("/ingest")["unknown_machine"] == 1
    rejected = system.get("/rejected")["items"]
    assert {one["reason"]: one["topic"] for one in rejected} == {
        reason: topic for reason, (topic, _) in poison.items()
    }
    assert all(one["detail"] for one in rejected)
    system.told[serial] += ledger["received"]
    system.until_judged(serial)
    assert system.get("/ingest")["received"] == before + len(good) + len(poison)
