"""The measurements: sustained rates, latency at half load, overload, and the database's ceiling."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from benchmarks.ingest import pumps
from benchmarks.ingest.processes import peak_bytes, processor_s, tree
from benchmarks.ingest.publisher import Offer, Publisher
from benchmarks.ingest.system import System, Watch, ingest
from fleet import clock
from fleet.errors import IronpulseError
from store import binary
from store.connection import Connection, connect
from store.hypertables import table_name

_WARM_UP_S = 2.0
#: Messages that may be sent and not yet committed while a sustained rate is found: more than the
#: ingest takes ahead of its acknowledgements, less than a second of it.
_AHEAD = {1: 20_000, 10: 12_000}
_CEILING_ROWS = 5_000
_COLUMNS = ("machine_id", "measured_at", "batch_id", *pumps.SIGNALS)


@dataclass(frozen=True, slots=True)
class Load:
    """What is offered: `samples` per message; for `seconds`; by how many ingest processes it is
    taken; at `rate` messages/s, 0 for as many as are committed, or with `flood` as many as the
    broker takes."""

    samples: int
    seconds: float
    workers: int
    rate: float = 0.0
    flood: bool = False


@dataclass(frozen=True, slots=True)
class Flow:
    """What a load gave: messages and rows per second over the whole time and in its worst tenth,
    milliseconds from publishing to committed, `processor` seconds per second of each part,
    bytes of memory of the ingest and bytes on disk per value."""

    payload_bytes: int
    messages_per_s: float
    rows_per_s: float
    worst_rows_per_s: float
    p50_ms: float
    p99_ms: float
    processor: dict[str, float]
    memory_bytes: int
    bytes_per_value: float
    sent_rows: int
    stored_rows: int

    @property
    def values_per_s(self) -> float:
        return self.rows_per_s * len(pumps.SIGNALS)


def flow(system: System, load: Load) -> Flow:
    """Offer a load, take its figures, and see that every sample sent is stored, once."""
    ahead = 0 if load.rate or load.flood else _AHEAD[load.samples]
    warm_up_s = min(_WARM_UP_S, load.seconds / 2)
    offer = Offer(system.machines, load.samples, load.rate, ahead)
    with (
        ingest(system, load.workers) as process,
        Publisher(system.publishers, offer) as publisher,
        Watch(system.database_url, load.samples, publisher.shared.committed) as watch,
    ):
        parts = {
            "publisher": [publisher.pid],
            "mosquitto": system.pids("mosquitto"),
            "ingest": tree(process.pid),
        }
        publisher.begin()
        time.sleep(warm_up_s)
        parts["postgres"] = system.pids("postgres")
        before = {name: processor_s(pids) for name, pids in parts.items()}
        start = clock.monotonic_s()
        time.sleep(load.seconds)
        end = clock.monotonic_s()
        used = {
            name: (processor_s(pids) - before[name]) / (end - start) for name, pids in parts.items()
        }
        sent = publisher.finish() * load.samples
        watch.wait_for(sent)
        memory = peak_bytes(parts["ingest"])
    with connect(system.database_url) as connection:
        stored = _balance(connection, sent)
        per_value = _bytes_on_disk(connection) / (stored * len(pumps.SIGNALS))
        latency = _latency(connection, watch, warm_up_s)
    rates = _rates(watch, start, end)
    return Flow(
        payload_bytes=publisher.shared.payload.value,
        messages_per_s=float(rates.mean()) / load.samples,
        rows_per_s=float(rates.mean()),
        worst_rows_per_s=float(rates.min()),
        p50_ms=float(np.percentile(latency, 50)),
        p99_ms=float(np.percentile(latency, 99)),
        processor=used,
        memory_bytes=memory,
        bytes_per_value=per_value,
        sent_rows=sent,
        stored_rows=stored,
    )


def ceiling(system: System, rows: int) -> float:
    """Rows/s of binary COPY by one connection: the stored rows, packed beforehand, into a
    hypertable of the same kind."""
    with connect(system.database_url) as connection:
        blocks = _packed(connection, rows)
        names = {
            "table": sql.Identifier(table_name(pumps.CEILING)),
            "columns": sql.SQL(", ").join(map(sql.Identifier, _COLUMNS)),
        }
        statement = sql.SQL("copy {table} ({columns}) from stdin (format binary)").format(**names)
        start = clock.monotonic_s()
        for block in blocks:
            with connection.cursor().copy(statement) as copy:
                copy.write(block)
        seconds = clock.monotonic_s() - start
        count = _one(connection, f"select count(*) from {table_name(pumps.CEILING)}")
        return count / seconds


def _packed(connection: Connection, rows: int) -> list[bytes]:
    """The stored rows as COPY wants them, in batches as they were committed."""
    row_type = np.dtype(
        [("machine_id", "i4"), ("measured_at", "i8"), ("batch_id", "i8")]
        + [(key, "f4") for key in pumps.SIGNALS]
    )
    found = _stored(connection, rows, row_type)
    packed = []
    for start in range(0, len(found), _CEILING_ROWS):
        part = found[start : start + _CEILING_ROWS]
        columns = [(f">{row_type[name].str[1:]}", part[name]) for name in _COLUMNS]
        packed.append(binary.pack(columns))
    return packed


def _stored(connection: Connection, rows: int, row_type: np.dtype[np.void]) -> NDArray[np.void]:
    """Rows of the measured table by way of binary COPY, in the order of their batches."""
    fields: list[tuple[str, str]] = [("count", ">i2")]
    for name in _COLUMNS:
        fields += [(f"length_{name}", ">i4"), (name, f">{row_type[name].str[1:]}")]
    wire = np.dtype(fields)
    columns = ", ".join(_COLUMNS)
    query = (
        f"copy (select {columns} from {table_name(pumps.PRODUCT)} order by batch_id, machine_id,"
        f" measured_at limit {rows}) to stdout (format binary)"
    )
    with connection.cursor().copy(query) as copy:
        data = b"".join(bytes(part) for part in copy)
    body = data[len(binary.SIGNATURE) : -len(binary.TRAILER)]
    found = np.empty(len(body) // wire.itemsize, row_type)
    raw = np.frombuffer(body, wire)
    for name in _COLUMNS:
        found[name] = raw[name]
    return found


def _rates(watch: Watch, start: float, end: float) -> NDArray[np.float64]:
    """Committed rows/s in ten equal parts of the time between."""
    moments, samples = map(np.array, zip(*watch.course, strict=True))
    bounds = np.linspace(start, end, 11)
    return np.asarray(np.diff(np.interp(bounds, moments, samples)) / np.diff(bounds))


def _balance(connection: Connection, sent: int) -> int:
    """Rows in the table; raises IronpulseError unless they and the ledger say what was sent."""
    stored = _one(connection, f"select count(*) from {table_name(pumps.PRODUCT)}")
    ledger = connection.execute(
        "select sum(received)::bigint as received, sum(stored)::bigint as stored"
        " from machine_ledger"
    ).fetchone()
    if ledger is None or {stored, ledger["received"], ledger["stored"]} != {sent}:
        raise IronpulseError(f"Sent {sent} samples; {stored} are in the table, ledger: {ledger}.")
    return stored


def _bytes_on_disk(connection: Connection) -> int:
    return _one(connection, f"select hypertable_size('{table_name(pumps.PRODUCT)}')")


def _latency(connection: Connection, watch: Watch, warm_up_s: float) -> NDArray[np.float64]:
    """Milliseconds from publishing to committed of the samples sent after the first seconds."""
    wait = sql.Identifier(pumps.WAITED)
    query = sql.SQL(
        "select batch_id, (extract(epoch from measured_at) * 1000 + {wait})::bigint as published,"
        " count(*) as n from {table} group by 1, 2"
    ).format(wait=wait, table=sql.Identifier(table_name(pumps.PRODUCT)))
    rows = connection.execute(query).fetchall()
    published = np.array([row["published"] for row in rows], np.float64)
    latency = np.array([watch.seen[row["batch_id"]] for row in rows]) - published
    counts = np.array([row["n"] for row in rows])
    late_enough = published >= published.min() + warm_up_s * 1000
    return np.repeat(latency[late_enough], counts[late_enough])


def _one(connection: Connection, query: str) -> int:
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(next(iter(row.values())))
