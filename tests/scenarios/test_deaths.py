"""kill -9 of every process in turn, while machines report: nothing lost, nothing twice."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from operator import le
from pathlib import Path
from typing import Any

import pytest

from fleet import clock
from fleet.loader import load_catalogue
from ironpulse.demo import registry
from ironpulse.stack import LocalStack
from ironpulse.supervisor import Supervisor
from store.migrate import migrate
from tests.conftest import PRODUCTS
from tests.processes import until
from tests.scenarios.lives import Life, ill_life, registered
from tests.scenarios.reporting import PATIENCE_S, Reporting
from tests.scenarios.system import System, asked, running_system
from tests.simulators.world import fleet

VICTIMS = ("ingest", "rules", "predict", "api", "postgres", "mosquitto")
ILL = (("truck_crane", "CR-F13"), ("truck_crane", "CR-F12"), ("tower_crane", "CR-F15"))
pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def mortal(server_folder: Path) -> Iterator[tuple[LocalStack, System]]:
    """Ironpulse on servers of its own, which a test may kill."""
    with LocalStack(server_folder) as stack:
        migrate(stack.addresses.database_url, load_catalogue(PRODUCTS))
        registry.register(stack.addresses.database_url, fleet(5))
        with running_system(stack.addresses, server_folder / "services") as system:
            yield stack, system


def test_any_process_may_die_while_machines_report(mortal: tuple[LocalStack, System]) -> None:
    stack, system = mortal
    now = clock.now_ms()
    lives = [ill_life(*ill).of(f"STORM-{n}").ending(now) for n, ill in enumerate(ILL)]
    calm = [life.of(life.serial.replace("STORM", "CALM")) for life in lives]
    machines = [(life.serial, ill[0]) for all_ in (lives, calm)
                for life, ill in zip(all_, ILL, strict=True)]  # fmt: skip
    system.register(*(registered(serial, product) for serial, product in machines))
    said = Reporting(stack.addresses.mqtt_url, lives, 1 / len(VICTIMS))
    with kept_alive(stack, system.supervisor), said:
        for number, victim in enumerate(VICTIMS):
            until(said.share, partial(le, (number + 0.5) / len(VICTIMS)), PATIENCE_S)
            _kill(stack, system, victim)
            said.allow((number + 2) / len(VICTIMS))
        said.until_acknowledged()
        until(lambda: _stored(system, lives),
              Counter({v.serial: len(v.samples) for v in lives}).__eq__, PATIENCE_S)  # fmt: skip
        until(lambda: _healthy(system), bool)
    until(system.behind, {"rules": 0, "predict": 0}.__eq__)
    _assert_counted_once(system, lives)
    system.live(*calm)
    system.until_judged(*(life.serial for life in calm))
    for life, twin in zip(lives, calm, strict=True):
        assert _facts(system, life.serial) == _facts(system, twin.serial)
        used, wanted = (_usage(system, serial) for serial in (life.serial, twin.serial))
        assert used == pytest.approx(wanted), "wear is counted once"


@contextmanager
def kept_alive(stack: LocalStack, supervisor: Supervisor) -> Iterator[None]:
    """Starts anew what has died, as `ironpulse demo` does."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.1):
            stack.poll()
            supervisor.poll()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(60)
    assert not thread.is_alive()


def _kill(stack: LocalStack, system: System, victim: str) -> None:
    """End a process the hard way, and return when another one has taken its place."""
    pid = _pids(stack, system)[victim]
    os.kill(pid, signal.SIGKILL)
    until(lambda: _pids(stack, system).get(victim), lambda now: now not in (None, pid), PATIENCE_S)


def _pids(stack: LocalStack, system: System) -> dict[str, int]:
    return stack.pids | system.supervisor.pids()


def _healthy(system: System) -> bool:
    answer = asked(lambda: system.api.get("/health"))
    return answer is not None and answer.is_success


def _stored(system: System, lives: list[Life]) -> Counter[str]:
    """Moments stored by serial; reads the store itself, as the API may be down."""
    tables = ("truck_crane", "tower_crane")
    query = " union all ".join(
        f"select serial, count(*) as n from telemetry_{table} join machine on machine.id"
        " = machine_id group by serial"
        for table in tables
    )
    serials = {life.serial for life in lives}
    return Counter({r["serial"]: r["n"] for r in system.rows(query) if r["serial"] in serials})


def _assert_counted_once(system: System, lives: list[Life]) -> None:
    moments = sum(len(life.samples) for life in lives)
    lists = sum(len(life.faults) for life in lives)
    logged = system.rows("select kind, sum(samples)::int as n from ingest_batch group by kind")
    counted = {row["kind"]: row["n"] for row in logged}
    assert counted["telemetry"] == moments, "no consumer sees a sample twice"
    assert counted["faults"] == lists
    assert system.rows("select count(*) as n from fault_report") == [{"n": lists}]
    for life in lives:
        ledger = system.ledger(life.serial)  # which balances, or it fails
        assert ledger["stored"] >= life.reports and ledger["rejected"] == 0


def _facts(system: System, serial: str) -> dict[str, Any]:
    """Everything that was concluded about a machine."""
    alarms = [
        tuple(alarm[name] for name in ("rule", "component", "raised_at", "returned_at", "state",
                                       "occurrences", "late"))
        for alarm in system.alarms(serial)
    ]  # fmt: skip
    tickets = [
        sorted((i["source"], i["component"]) for i in ticket["items"] if i["kind"] == "alarm")
        for ticket in system.tickets(serial)
    ]
    assert alarms and len(tickets) == 1, "each of these machines is ill, and gets one visit"
    return {"alarms": alarms, "tickets": tickets}


def _usage(system: System, serial: str) -> dict[str, float]:
    (row,) = system.rows(
        "select state -> 'totals' as totals from usage_state"
        f" join machine on machine.id = machine_id where serial = '{serial}'"
    )
    return dict(row["totals"])
