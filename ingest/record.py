"""One transaction: everything that messages held, and what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from fleet.batch import FaultReport, IntColumn, SampleBatch, StatusReport
from fleet.clock import MS_PER_DAY
from ingest.decode import Decoded, Product, Samples
from ingest.quality import LATE_MS, Mark, Mask
from store import ingest_log, ledger, rejected, reports, telemetry
from store.clocks import NO_NEWS, ClockNews, note
from store.connection import Connection
from store.ingest_log import Kind, NewEntry
from store.ledger import BadValue, Tally
from store.telemetry import MERGED, REPEATED, STORED

_LONGEST_SIGNAL = 60


@dataclass(slots=True)
class Recorded:
    """What a transaction did, for counting. `tallies` by machine, `rejections` by reason (those
    that are new), `bad_values` by machine, day, signal and reason; `strangers` counts new
    rejections of unknown machines."""

    tallies: dict[int, Tally] = field(default_factory=dict)
    rejections: Counter[str] = field(default_factory=Counter)
    bad_values: Counter[BadValue] = field(default_factory=Counter)
    strangers: int = 0

    def total(self, count: str) -> int:
        """The sum of one count over all machines."""
        return sum(getattr(tally, count) for tally in self.tallies.values())


def record(
    connection: Connection,
    decoded: Decoded,
    products: Mapping[str, Product],
    beforehand: Mapping[int, Tally] | None = None,
    clocks: ClockNews = NO_NEWS,
) -> Recorded:
    """Write what was decoded; the caller's transaction makes it one with the log entry.

    `beforehand` are counts, of machines that `decoded` has not heard, to which others are added:
    all writers take rows in one order, samples before the ledger, so that none waits for another in
    a circle. `clocks` is what is to be told of clocks. Raises what the driver raises.
    """
    recorded = Recorded(dict(beforehand or {}))
    for machine_id, (count, latest) in decoded.heard.items():
        recorded.tallies[machine_id] = Tally(latest, messages=count)
    entries = [_samples(connection, each, products, recorded) for each in decoded.samples]
    entries += [_faults(connection, *each, recorded) for each in sorted(decoded.faults.items())]
    news: list[StatusReport] = []
    for product, given in sorted(decoded.statuses.items()):
        entries.append(_statuses(connection, product, given, recorded, news))
    _rejections(connection, decoded, recorded)
    with connection.pipeline():  # nothing here waits for an answer: one way to the server for all
        ledger.add(connection, recorded.tallies)
        ledger.set_status(connection, news)
        ledger.add_bad_values(connection, recorded.bad_values)
        note(connection, clocks)
        ingest_log.append(connection, [entry for entry in entries if entry is not None])
    return recorded


def bad_values(
    batch: SampleBatch, marks: Sequence[Mark], new: Mask | None = None
) -> Counter[BadValue]:
    """Values of a batch that could not be used, by machine, day, signal and reason; where it is
    given, of the `new` rows (n,) only: those of repeated ones were counted before."""
    found: Counter[BadValue] = Counter()
    for mark in marks:
        rows = mark.rows if new is None else mark.rows[new[mark.rows]]
        signal = mark.signal.replace("\x00", "\N{REPLACEMENT CHARACTER}")[:_LONGEST_SIGNAL]
        keys = np.stack([batch.machine_id[rows], batch.measured_at[rows] // MS_PER_DAY])
        days, counts = np.unique(keys, axis=1, return_counts=True)
        for machine, day, count in zip(*days.tolist(), counts.tolist(), strict=True):
            found[BadValue(machine, day, signal, mark.reason)] += count
    return found


def _samples(
    connection: Connection,
    samples: Samples,
    products: Mapping[str, Product],
    recorded: Recorded,
) -> NewEntry | None:
    batch = samples.batch
    batch_id = ingest_log.next_id(connection)
    plan = products[batch.product].plan
    outcome = telemetry.write(connection, plan, batch, batch_id).outcome
    new = outcome != REPEATED
    late = new & (batch.measured_at < batch.received_at - LATE_MS)
    columns = (outcome == STORED, outcome == MERGED, outcome == REPEATED, late)
    _tally(recorded, batch.machine_id, batch.measured_at, batch.received_at, columns)
    recorded.bad_values.update(bad_values(batch, samples.marks, new))
    measured = batch.measured_at[new]
    received = batch.received_at[new]
    return _entry(batch_id, "telemetry", batch.product, measured, received)


def _faults(
    connection: Connection, product: str, given: Sequence[FaultReport], recorded: Recorded
) -> NewEntry | None:
    batch_id = ingest_log.next_id(connection)
    outcome = reports.write_faults(connection, given, batch_id)
    return _reports(recorded, "faults", product, batch_id, given, outcome)


def _statuses(
    connection: Connection,
    product: str,
    given: Sequence[StatusReport],
    recorded: Recorded,
    news: list[StatusReport],
) -> NewEntry | None:
    """Write the reports and append to `news` those that are no repetitions."""
    batch_id = ingest_log.next_id(connection)
    dated = reports.date_statuses(connection, given)
    outcome = reports.write_statuses(connection, dated, batch_id)
    news += [each for each, fate in zip(dated, outcome, strict=True) if fate != REPEATED]
    return _reports(recorded, "status", product, batch_id, dated, outcome)


def _reports(
    recorded: Recorded,
    kind: Kind,
    product: str,
    batch_id: int,
    given: Sequence[FaultReport | StatusReport],
    outcomes: Sequence[int],
) -> NewEntry | None:
    outcome = np.array(outcomes)
    machine_id = np.array([report.machine_id for report in given])
    measured = np.array([report.measured_at for report in given])
    received = np.array([report.received_at for report in given])
    new = outcome != REPEATED
    late = new & (measured < received - LATE_MS)
    columns = (outcome == STORED, outcome == MERGED, outcome == REPEATED, late)
    _tally(recorded, machine_id, measured, received, columns)
    return _entry(batch_id, kind, product, measured[new], received[new])


def _entry(
    batch_id: int, kind: Kind, product: str, measured: IntColumn, received: IntColumn
) -> NewEntry | None:
    """The log entry of what is new; None where everything was a repetition."""
    if not len(measured):
        return None
    return NewEntry(
        batch_id,
        kind,
        product,
        len(measured),
        int(measured.min()),
        int(measured.max()),
        int(received.max()),
    )


def _tally(
    recorded: Recorded,
    machine_id: IntColumn,
    measured_at: IntColumn,
    received_at: IntColumn,
    columns: tuple[Mask, ...],
) -> None:
    machines, place = np.unique(machine_id, return_inverse=True)
    counts = [np.bincount(place, column, len(machines)).astype(int).tolist() for column in columns]
    oldest = np.full(len(machines), np.iinfo(np.int64).max)
    newest = np.zeros(len(machines), np.int64)
    latest = np.zeros(len(machines), np.int64)
    np.minimum.at(oldest, place, measured_at)
    np.maximum.at(newest, place, measured_at)
    np.maximum.at(latest, place, received_at)
    rows = zip(
        machines.tolist(), latest.tolist(), oldest.tolist(), newest.tolist(), *counts, strict=True
    )
    for machine, received, first, last, stored, merged, repeated, late in rows:
        tally = recorded.tallies.setdefault(machine, Tally(received))
        tally.saw(first, last)
        tally.stored += stored
        tally.merged += merged
        tally.repeated += repeated
        tally.late += late


def _rejections(connection: Connection, decoded: Decoded, recorded: Recorded) -> None:
    fates = rejected.add(connection, decoded.rejections)
    for rejection, is_new in zip(decoded.rejections, fates, strict=True):
        if is_new:
            recorded.rejections[rejection.reason] += 1
        if rejection.machine_id is None:
            recorded.strangers += is_new
            continue
        tally = recorded.tallies.setdefault(rejection.machine_id, Tally(rejection.received_at))
        if is_new:
            tally.rejected += rejection.samples
        else:
            tally.repeated += rejection.samples
