"""What came of everything a machine sent, counted; and its values that could not be used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fleet import clock
from fleet.batch import StatusReport
from store.connection import Connection
from store.queries import load

_SQL = load("ledger")
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
    rows = [tally for _, tally in chosen]
    values = {
        "machines": [machine_id for machine_id, _ in chosen],
        "first": [_time(tally.first_measured) for tally in rows],
        "last": [_time(tally.last_measured) for tally in rows],
        "received_at": [_time(tally.last_received) for tally in rows],
        "messages": [tally.messages for tally in rows],
        "received": [tally.received for tally in rows],
        "stored": [tally.stored for tally in rows],
        "merged": [tally.merged for tally in rows],
        "repeated": [tally.repeated for tally in rows],
        "rejected": [tally.rejected for tally in rows],
        "late": [tally.late for tally in rows],
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
            "at": [_time(report.received_at) for report in latest.values()],
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


def _time(epoch_ms: int | None) -> datetime | None:
    return None if epoch_ms is None else clock.to_datetime(epoch_ms)
