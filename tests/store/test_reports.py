"""Fault and status reports: stored once, merged where two differ, read back by batch."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fleet.batch import FaultCode, FaultReport, StatusReport
from store import ingest_log, reports
from store.connection import Connection, connect
from store.telemetry import MERGED, REPEATED, STORED
from tests.store.samples import START

OIL = FaultCode(spn=100, fmi=1, oc=3, sa=0)
HEAT = FaultCode(spn=110, fmi=0, oc=1, sa=0, lamp="stop")
OWN = FaultCode(code="E1042")


@pytest.fixture
def connection(small_store: str) -> Iterator[Connection]:
    with connect(small_store) as opened:
        yield opened


def faults(second: int, *active: FaultCode, machine: int = 1) -> FaultReport:
    return FaultReport(machine, START + second * 1000, START, active)


def status(second: int, state: str, machine: int = 1) -> StatusReport:
    return StatusReport(machine, START + second * 1000, START, state)


def entry(kind: ingest_log.Kind, batch_id: int) -> ingest_log.LogEntry:
    return ingest_log.LogEntry(batch_id, kind, "pump", 1, START, START, START, 1, START)


def test_faults_read_back_and_repeat(connection: Connection) -> None:
    given = [faults(0, OIL, OWN), faults(1), faults(1, machine=2)]
    assert reports.write_faults(connection, given, 1) == [STORED] * 3
    assert reports.write_faults(connection, given, 2) == [REPEATED] * 3
    back = reports.read_faults(connection, entry("faults", 1))
    assert [report.active for report in back] == [(OWN, OIL), (), ()]
    assert reports.read_faults(connection, entry("faults", 2)) == []


def test_two_reports_of_one_moment_unite(connection: Connection) -> None:
    assert reports.write_faults(connection, [faults(0, OIL), faults(0, HEAT)], 1) == [
        STORED,
        MERGED,
    ]
    again = [faults(0, OIL), faults(0, OWN), faults(0, OWN)]
    assert reports.write_faults(connection, again, 2) == [MERGED, MERGED, REPEATED]
    back = reports.read_faults(connection, entry("faults", 2))
    assert [report.active for report in back] == [(OWN, OIL, HEAT)]


def test_statuses_read_back_repeat_and_change(connection: Connection) -> None:
    given = [status(0, "online"), status(5, "offline"), status(5, "offline")]
    assert reports.write_statuses(connection, given, 1) == [STORED, STORED, REPEATED]
    given = [status(0, "online"), status(5, "online")]
    assert reports.write_statuses(connection, given, 2) == [REPEATED, MERGED]
    back = reports.read_statuses(connection, entry("status", 2))
    assert [(report.measured_at, report.state) for report in back] == [(START + 5000, "online")]
