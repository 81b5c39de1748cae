"""What machines report beside samples: active trouble codes, and whether they are connected."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any

from psycopg.types.json import Jsonb

from fleet import clock
from fleet.batch import FaultCode, FaultReport, StatusReport
from store.connection import Connection
from store.ingest_log import LogEntry
from store.queries import load
from store.telemetry import MERGED, REPEATED, STORED

_SQL = load("report")

Moment = tuple[int, int]


def write_faults(
    connection: Connection, reports: Sequence[FaultReport], batch_id: int
) -> list[int]:
    """Write reports; returns STORED, MERGED or REPEATED for each.

    Two reports of one moment that differ (as two control units send them) merge to the codes of
    both.
    """
    if not reports:
        return []
    single, outcome = _merge_moments(reports)
    values = {
        "batch": batch_id,
        "machines": [report.machine_id for report in single],
        "measured_at": [clock.to_datetime(report.measured_at) for report in single],
        "active": [_codes_json(report.active) for report in single],
    }
    added = _moments(connection.execute(_SQL["add_faults"], values).fetchall())
    found = {
        _moment(report): STORED
        if _moment(report) in added
        else _merge(connection, report, batch_id)
        for report in single
    }
    return _fate(reports, outcome, found)


def date_statuses(connection: Connection, reports: Sequence[StatusReport]) -> list[StatusReport]:
    """The reports, those without a time of their own that came before with the time of then: so
    they are repetitions.

    Such a one came before where the broker says that it may have, and a report of that machine and
    state came under that name; or where the broker kept it and the machine's last report says
    the same.
    """
    known = _known_deliveries(connection, reports)
    dated = []
    for report in reports:
        delivery = report.delivery
        if delivery is not None:
            name = delivery.name if not delivery.retained else None
            first = known.get((report.machine_id, report.state, name))
            if first is not None and (delivery.again or delivery.retained):
                report = replace(report, measured_at=first, received_at=first)
            known[report.machine_id, report.state, name] = report.measured_at
        dated.append(report)
    return dated


def write_statuses(
    connection: Connection, reports: Sequence[StatusReport], batch_id: int
) -> list[int]:
    """Write reports; returns STORED, MERGED or REPEATED for each. Of two in one moment the later
    one holds."""
    if not reports:
        return []
    last: dict[Moment, StatusReport] = {}
    outcome = []
    for report in reports:
        before = last.get(_moment(report))
        changed = before is not None and before.state != report.state
        outcome.append(STORED if before is None else MERGED if changed else REPEATED)
        last[_moment(report)] = report
    values = {
        "batch": batch_id,
        "machines": [report.machine_id for report in last.values()],
        "measured_at": [clock.to_datetime(report.measured_at) for report in last.values()],
        "states": [report.state for report in last.values()],
        "deliveries": [report.delivery and report.delivery.name for report in last.values()],
    }
    rows = connection.execute(_SQL["put_statuses"], values).fetchall()
    changes = {_key(row): STORED if row["stored"] else MERGED for row in rows}
    found = {moment: changes.get(moment, REPEATED) for moment in last}
    return _fate(reports, outcome, found)


def read_faults(connection: Connection, entry: LogEntry) -> list[FaultReport]:
    """The fault reports of one entry of the ingest log, ordered by machine and time."""
    rows = connection.execute(_SQL["read_faults"], {"batch": entry.id}).fetchall()
    return [
        FaultReport(*_key(row), entry.received_at, tuple(FaultCode(**c) for c in row["active"]))
        for row in rows
    ]


def read_statuses(connection: Connection, entry: LogEntry) -> list[StatusReport]:
    """The status reports of one entry of the ingest log, ordered by machine and time."""
    rows = connection.execute(_SQL["read_statuses"], {"batch": entry.id}).fetchall()
    return [StatusReport(*_key(row), entry.received_at, row["state"]) for row in rows]


def union(codes: Iterable[FaultCode]) -> tuple[FaultCode, ...]:
    """Each code of each control unit once, as it was last given, in a fixed order."""
    known = {(code.key, code.sa): code for code in codes}
    return tuple(known[key] for key in sorted(known, key=lambda key: (key[0], key[1] or 0)))


def _known_deliveries(
    connection: Connection, reports: Sequence[StatusReport]
) -> dict[tuple[int, str, str | None], int]:
    """When reports like those that may have come before came: by machine, state and delivery, and
    under None a machine's last report."""
    again = [
        (report.machine_id, report.delivery)
        for report in reports
        if report.delivery is not None and (report.delivery.again or report.delivery.retained)
    ]
    if not again:
        return {}
    values = {
        "machines": [machine_id for machine_id, _ in again],
        "deliveries": [None if each.retained else each.name for _, each in again],
    }
    rows = connection.execute(_SQL["known_statuses"], values).fetchall()
    return {
        (row["machine_id"], row["state"], row["delivery"]): clock.to_ms(row["measured_at"])
        for row in rows
    }


def _merge_moments(reports: Sequence[FaultReport]) -> tuple[list[FaultReport], list[int]]:
    """The reports with single moments, and what each did to those before it."""
    single: dict[Moment, FaultReport] = {}
    outcome = []
    for report in reports:
        before = single.get(_moment(report))
        both = union((*(before.active if before else ()), *report.active))
        changed = before is None or both != before.active
        outcome.append(STORED if before is None else MERGED if changed else REPEATED)
        single[_moment(report)] = replace(report, active=both)
    return list(single.values()), outcome


def _merge(connection: Connection, report: FaultReport, batch_id: int) -> int:
    values: dict[str, Any] = {
        "machine": report.machine_id,
        "measured_at": clock.to_datetime(report.measured_at),
    }
    row = connection.execute(_SQL["lock_fault"], values).fetchone()
    assert row is not None
    before = tuple(FaultCode(**code) for code in row["active"])
    both = union((*before, *report.active))
    if both == before:
        return REPEATED
    changed = {**values, "active": _codes_json(both), "batch": batch_id}
    connection.execute(_SQL["merge_fault"], changed)
    return MERGED


def _fate(
    reports: Sequence[FaultReport | StatusReport], outcome: list[int], found: dict[Moment, int]
) -> list[int]:
    """The first report of a moment fares as the moment does; where that changed nothing, none of
    its reports did."""
    fates = [found[_moment(report)] for report in reports]
    return [
        fate if own == STORED or fate == REPEATED else own
        for own, fate in zip(outcome, fates, strict=True)
    ]


def _codes_json(codes: Iterable[FaultCode]) -> Jsonb:
    known = [
        {name: value for name, value in asdict(code).items() if value is not None} for code in codes
    ]
    return Jsonb(known)


def _moment(report: FaultReport | StatusReport) -> Moment:
    return report.machine_id, report.measured_at


def _key(row: dict[str, Any]) -> Moment:
    return row["machine_id"], clock.to_ms(row["measured_at"])


def _moments(rows: Iterable[dict[str, Any]]) -> set[Moment]:
    return {_key(row) for row in rows}
