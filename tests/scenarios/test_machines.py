"""From simulated machines to tickets: the ill ones are found, the sound ones left alone."""

from __future__ import annotations

from fleet import clock
from simulators.physics import PHYSICS
from tests.scenarios.lives import healthy_day, ill_life, life_with_sensor, registered
from tests.scenarios.system import System


def test_a_fault_is_found_and_becomes_one_ticket(system: System) -> None:
    system.register(registered("ILL-1", "trailer_pump"))
    life = ill_life("trailer_pump", "CP-F10").of("ILL-1").until_minute(65).ending(clock.now_ms())
    (truth,) = life.truth
    assert truth.expected["ticket"], "the truth expects a ticket"
    system.live(life)
    system.until_judged(life.serial)
    alarms = system.alarms(life.serial)
    assert alarms and not any(alarm["late"] for alarm in alarms)
    (ticket,) = system.tickets(life.serial)
    found = [item for item in ticket["items"] if item["kind"] == "alarm"]
    assert truth.expected["component"] in {item["component"] for item in found}
    assert {item["alarm_id"] for item in found} <= {alarm["id"] for alarm in alarms}
    for item in found:
        assert item["reason"]["en"] and item["reason"]["zh"] and item["evidence"]
    causes = {cause["id"] for item in found for cause in item["likely_causes"]}
    assert truth.failure_mode in causes, "what it really was is among what it may be"
    assert ticket["checks"] and ticket["parts"] and ticket["minutes"] > 0
    # The same words once more, as after a lost acknowledgement: nothing changes.
    system.live(life)
    system.until_judged(life.serial)
    assert system.ledger(life.serial)["repeated"] == life.reports
    assert [t["number"] for t in system.tickets(life.serial)] == [ticket["number"]]
    assert system.alarms(life.serial) == alarms


def test_a_broken_wire_becomes_a_ticket_of_the_sensor_and_of_nothing_else(system: System) -> None:
    system.register(registered("WIRE-1", "trailer_pump"))
    life = life_with_sensor("trailer_pump", "range", "pump_press_main_bar", 100)
    life = life.of("WIRE-1").ending(clock.now_ms())
    (truth,) = life.truth
    assert truth.expected["ticket"] and truth.failure_mode == "SENSOR-RANGE"
    system.live(life)
    system.until_judged(life.serial)
    assert system.ledger(life.serial)["stored"] == life.reports + 2
    (alarm,) = system.alarms(life.serial)
    assert (alarm["component"], alarm["state"]) == (truth.expected["component"], "active")
    (ticket,) = system.tickets(life.serial)
    (item,) = (one for one in ticket["items"] if one["kind"] == "alarm")
    assert item["component"] == truth.expected["component"]
    assert "readings of -112.5 bar, which cannot be true" in item["reason"]["en"]
    assert "不可能的读数（-112.5 bar）" in item["reason"]["zh"]
    assert ticket["checks"] and not ticket["parts"], "no part of the machine is brought"


def test_quiet_machines_are_left_alone(system: System) -> None:
    now = clock.now_ms()
    lives = [healthy_day(product).ending(now) for product in PHYSICS]
    system.live(*lives)
    system.until_judged(*(life.serial for life in lives))
    for life in lives:
        assert (system.alarms(life.serial), system.tickets(life.serial)) == ([], []), life.serial
