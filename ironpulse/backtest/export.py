"""`ironpulse backtest export`: the store's history as the files that `backtest rules` replays."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet
import typer
from rich.console import Console
from rich.progress import Progress as Bar

from fleet import clock
from fleet.batch import FaultReport, SampleBatch
from fleet.errors import IronpulseError
from fleet.plan import ProductPlan
from ironpulse.backtest.csv_blocks import MACHINE, MEASURED_AT
from ironpulse.backtest.fault_file import FIELDS
from ironpulse.backtest.output import opened, refuse_nowhere
from ironpulse.backtest.period import Since, Until, period_of, refuse_elsewhen
from ironpulse.backtest.sources import plan_of
from ironpulse.backtest.tables import TRAITS
from ironpulse.backtest.work_file import REPAIRS, SERVICES
from ironpulse.settings import Settings
from rules.backtest.stored import read_stored, store_pieces
from rules.live.known_before import REPAIRED
from store import ledger, normals
from store.connection import Connection, connect, our_errors
from store.machines import Machine, list_machines

_WRITERS: Mapping[str, Any] = {".csv": pa_csv.CSVWriter, ".parquet": pa_parquet.ParquetWriter}
_MOMENT = pa.timestamp("ms", "UTC")


def export(
    product: Annotated[str, typer.Option(help="A product's name, or the folder of its plan.")],
    out: Annotated[Path, typer.Option(help="File for the samples, .csv or .parquet.")],
    faults: Annotated[Path | None, typer.Option(help="CSV file for the trouble codes.")] = None,
    services: Annotated[Path | None, typer.Option(help="CSV file for the services done.")] = None,
    repairs: Annotated[Path | None, typer.Option(help="CSV file for the repairs.")] = None,
    since: Since = None,
    until: Until = None,
) -> None:
    """Write the history of a product's machines to files, to be replayed elsewhere."""
    if out.suffix not in _WRITERS:
        raise IronpulseError(
            f"--out {out} ends neither in .csv nor in .parquet; give it one of them."
        )
    for file in (out, faults, services, repairs):
        refuse_nowhere(file)
    settings = Settings()
    plan, period = plan_of(settings.products, product, None), period_of(since, until)
    with (
        our_errors(),
        connect(settings.database()) as connection,
        Bar(console=Console(stderr=True), transient=True) as bar,
    ):
        machines = {one.id: one for one in list_machines(connection) if one.product == plan.product}
        span = ledger.span(connection, sorted(machines))
        if span is None:
            raise IronpulseError(f"The store has no history of {plan.product}.")
        refuse_elsewhen("The store", span, period)
        begin, end = max(period[0], span[0]), min(period[1], span[1] + 1)
        reports: list[FaultReport] = []
        samples = 0
        with _writer(out, plan) as writer:
            for batch, own in _pieces(connection, plan, machines, begin, end, bar):
                writer.write_batch(_columns(plan, machines, batch))
                samples += len(batch)
                reports += own
        if faults is not None:
            _write(faults, (MACHINE, MEASURED_AT, *FIELDS), _codes(machines, reports))
        if services is not None:
            _write(services, SERVICES, _services(connection, machines))
        if repairs is not None:
            _write(repairs, REPAIRS, _repairs(connection, machines))
    typer.echo(f"{samples:,} samples of {len(machines)} machines are in {out}.", err=True)


def _pieces(
    connection: Connection,
    plan: ProductPlan,
    machine_ids: Iterable[int],
    begin: int,
    end: int,
    bar: Bar,
) -> Iterator[tuple[SampleBatch, Sequence[FaultReport]]]:
    groups = store_pieces("", plan, sorted(machine_ids), begin, end)
    pieces = [piece for _, own in groups for piece in own]
    for piece in bar.track(pieces, description="exporting"):
        chunk = read_stored(
            connection, plan, piece.machine_ids, piece.since, piece.until, first=False
        )
        yield chunk.batch, chunk.reports


@contextmanager
def _writer(out: Path, plan: ProductPlan) -> Iterator[Any]:
    try:
        with out.open("wb") as sink, _WRITERS[out.suffix](sink, _schema(plan)) as writer:
            yield writer
    except OSError as error:
        raise IronpulseError(f"{out} cannot be written: {error.strerror or error}.") from error


def _schema(plan: ProductPlan) -> pa.Schema:
    kinds = {
        one.key: pa.float64() if one.type == "double" else pa.float32() for one in plan.signals
    }
    texts = dict.fromkeys((MACHINE, *TRAITS), pa.string())
    return pa.schema({**texts, MEASURED_AT: _MOMENT, **kinds})


def _columns(
    plan: ProductPlan, machines: Mapping[int, Machine], batch: SampleBatch
) -> pa.RecordBatch:
    """The samples as they came: what is kept beside them as implausible stands in its place."""
    values = batch.values.copy(order="F")
    came = batch.implausible
    values[came.row, came.signal] = came.value
    ids, place = np.unique(batch.machine_id, return_inverse=True)
    own = [machines[one] for one in ids.tolist()]
    texts = [[one.serial for one in own], [one.model for one in own], [one.region for one in own]]
    schema = _schema(plan)
    columns = [pa.array(text, pa.string()).take(pa.array(place)) for text in texts]
    columns.append(pa.array(batch.measured_at).cast(_MOMENT))
    for number, key in enumerate(plan.signal_keys):
        column = pa.array(values[:, number], mask=np.isnan(values[:, number]))
        columns.append(column.cast(schema.field(key).type))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _codes(
    machines: Mapping[int, Machine], reports: Iterable[FaultReport]
) -> Iterator[Sequence[object]]:
    """A row per active code; one without any where a report says that none was."""
    for report in reports:
        head = (machines[report.machine_id].serial, _iso(report.measured_at))
        for code in report.active:
            yield (*head, *(getattr(code, name) for name in FIELDS))
        if not report.active:
            yield (*head, *(None for _ in FIELDS))


def _services(
    connection: Connection, machines: Mapping[int, Machine]
) -> Iterator[Sequence[object]]:
    for machine, service, at in normals.services_done(connection, list(machines)):
        yield machines[machine].serial, _iso(at), service


def _repairs(connection: Connection, machines: Mapping[int, Machine]) -> Iterator[Sequence[object]]:
    for one in normals.repairs(connection, list(machines), REPAIRED):
        yield machines[one.machine_id].serial, _iso(one.at), one.component, one.part


def _iso(at: int) -> str:
    return clock.to_datetime(at).isoformat()


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with opened(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
