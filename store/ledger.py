"""What came of everything a machine sent, counted; and its values that could not be used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from fleet import clock
from fleet.batch import StatusReport
from store import binary
from store.connection import Connection
from store.queries import load

_SQL = load("ledger")
_COLUMNS = {
    "machines": "integer",
    "first": "timestamptz",
    "last": "timestamptz",
    "received_at": "timestamptz",
    **dict.fromkeys(
        ("messages", "received", "stored", "merged", "repeated", "rejected", "late"), "bigint"
    ),
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC).date()


@dataclass(slots=True)
class Tally:
    """One machine's counts of one commit: `messages`, and samples by what came of them.

    `received` = `stored` + `merged` + `repeated` + `rejected`; a fault or status report counts
    as one sample. Times are milliseconds since 1970 UTC; first and last measured are None where
    nothing could be stored.
    """

    last_received: int
    first_measured: int | None = None
    last_measured: int | None = None
    messages: int = 0
    stored: int = 0
    merged: int = 0
    repeated: int = 0
    rejected: int = 0
    late: int = 0

    @property
    def received(self) -> int:
        return self.stored + self.merged + self.repeated + self.rejected

    def saw(self, oldest: int, newest: int) -> None:
        """Take in times of measurement."""
        first, last = self.first_measured, self.last_measured
        self.first_measured = oldest if first is None else min(first, oldest)
        self.last_measured = newest if last is None else max(last, newest)


@dataclass(frozen=True, slots=True, order=True)
class BadValue:
    """Values of one signal of a machine that were stored as missing on one day of measurement
    (days since 1970 UTC). `signal` is what the machine called it, `reason` one word."""

    machine_id: int
    day: int
    signal: str
    reason: str


def add(connection: Connection, tallies: Mapping[int, Tally]) -> None:
    """Add counts: machine id -> tally."""
    if not tallies:
        return
    # All writers take machines in one order, so that none waits for another in a circle.
    chosen = sorted(tallies.items())
    columns = zip(*(_row(machine_id, tally) for machine_id, tally in chosen), strict=True)
    values = {
        name: binary.pack_array(kind, np.fromiter(column, np.int64, len(chosen)))
        for (name, kind), column in zip(_COLUMNS.items(), columns, strict=True)
    }
    connection.execute(_SQL["add"], values)


def set_status(connection: Connection, reports: Sequence[StatusReport]) -> None:
    """Keep the latest word of each machine's connection; after `add` has made its row.

    The latest is the one received last: the broker keeps the order, while a will has no time of
    its own and a device's clock may be off.
    """
    latest: dict[int, StatusReport] = {}
    for report in sorted(reports, key=lambda report: report.received_at):
        latest[report.machine_id] = report
    if latest:
        values = {
            "machines": list(latest),
            "states": [report.state for report in latest.values()],
            "at": [clock.to_datetime(report.received_at) for report in latest.values()],
        }
        connection.execute(_SQL["set_status"], values)


def add_bad_values(connection: Connection, counts: Mapping[BadValue, int]) -> None:
    """Add to the counts of unusable values."""
    if not counts:
        return
    keys = list(counts)
    values = {
        "machines": [key.machine_id for key in keys],
        "days": [_EPOCH + timedelta(days=key.day) for key in keys],
        "signals": [key.signal for key in keys],
        "reasons": [key.reason for key in keys],
        "counts": [counts[key] for key in keys],
    }
    connection.execute(_SQL["add_bad_values"], values)


def span(connection: Connection, machine_ids: Sequence[int]) -> tuple[int, int] | None:
    """First and last moment that machines measured anything; None where they never did."""
    row = connection.execute(_SQL["span"], {"machines": list(machine_ids)}).fetchone()
    assert row is not None
    if row["first"] is None:
        return None
    return clock.to_ms(row["first"]), clock.to_ms(row["last"])


def _row(machine_id: int, tally: Tally) -> tuple[int, ...]:
    """What `_COLUMNS` names, of one machine; infinite where nothing was measured."""
    first, last = tally.first_measured, tally.last_measured
    return (
        machine_id,
        binary.INFINITY if first is None else binary.to_timestamp(first),
        binary.MINUS_INFINITY if last is None else binary.to_timestamp(last),
        binary.to_timestamp(tally.last_received),
        tally.messages,
        tally.received,
        tally.stored,
        tally.merged,
        tally.repeated,
        tally.rejected,
        tally.late,
    )
