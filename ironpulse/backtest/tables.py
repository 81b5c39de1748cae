"""CSV and Parquet files of samples, read in blocks of bounded size.

Columns: `machine`, `measured_at` (ISO 8601, without a zone it is UTC, or milliseconds since 1970)
and signals by their keys; `model` and `region` of the machine may stand beside them. A value that
is missing is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pa_parquet

from fleet.errors import IronpulseError
from fleet.plan import ProductPlan
from ironpulse.backtest.csv_blocks import BLOCK_ROWS, MACHINE, MEASURED_AT, CsvFile, read_header
from ironpulse.backtest.csv_fault import SECONDS_BELOW, TIMES, seconds_said

#: What a file may say of a machine besides its serial.
TRAITS = ("model", "region")
#: Of a Parquet file, of each column.
_BUFFER_BYTES = 1 << 16
_WANTED = "a history has the columns machine, measured_at and signals by their keys."


@dataclass(frozen=True, slots=True)
class Table:
    """A file of samples: `signals` of the plan that it has, in the plan's order, columns that are
    `strangers` to the plan, signals that are `missing`, its `size` in bytes, and which `traits`
    of machines it tells."""

    path: Path
    signals: tuple[str, ...]
    strangers: tuple[str, ...]
    missing: tuple[str, ...]
    size: int
    traits: tuple[str, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        """The columns of text."""
        return (MACHINE, *self.traits)


def open_table(path: Path, plan: ProductPlan) -> Table:
    """Look at a file's columns. Raises IronpulseError where it cannot be read or lacks a key."""
    with _our_errors(path):
        if path.stat().st_size == 0:
            raise IronpulseError(f"{path} is empty; {_WANTED}")
        names = _parquet(path).schema_arrow.names if _is_parquet(path) else read_header(path).names
    if not any(names):
        raise IronpulseError(f"{path} is empty; {_WANTED}")
    lacking = [name for name in (MACHINE, MEASURED_AT) if name not in names]
    if lacking:
        raise IronpulseError(
            f"{path} lacks the column {' and '.join(lacking)}; it has {', '.join(names)}; "
            + _WANTED
        )
    signals = tuple(key for key in plan.signal_keys if key in names)
    if not signals:
        raise IronpulseError(
            f"{path} has no column that is a signal of {plan.product}; it has {', '.join(names)}. "
            f"Signals of {plan.product} are {', '.join(plan.signal_keys[:5])} and so on."
        )
    traits = tuple(name for name in TRAITS if name in names)
    twice = [one for one in (MACHINE, MEASURED_AT, *traits, *signals) if names.count(one) > 1]
    if twice:
        raise IronpulseError(f"{path} has the column {', '.join(twice)} twice; leave one out.")
    known = {MACHINE, MEASURED_AT, *traits, *plan.signal_keys}
    strangers = tuple(name for name in names if name not in known)
    missing = tuple(key for key in plan.signal_keys if key not in names)
    return Table(path, signals, strangers, missing, path.stat().st_size, traits)


def blocks(table: Table) -> Iterator[tuple[pa.RecordBatch, float]]:
    """The file's rows as blocks of machine (dictionary of text), measured_at (int64, ms), traits
    (dictionaries of text) and the signals (float64); with each the share of the file that has been
    read, about."""
    with _our_errors(table.path):
        yield from _parquet_blocks(table) if _is_parquet(table.path) else _csv_blocks(table)


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


def _parquet(path: Path) -> pa_parquet.ParquetFile:
    # Otherwise a row group is read whole, and some writers make one of a whole file.
    return pa_parquet.ParquetFile(path, buffer_size=_BUFFER_BYTES, pre_buffer=False)


def _parquet_blocks(table: Table) -> Iterator[tuple[pa.RecordBatch, float]]:
    file = _parquet(table.path)
    done, rows = 0, max(file.metadata.num_rows, 1)
    columns = [*table.texts, MEASURED_AT, *table.signals]
    for block in file.iter_batches(batch_size=BLOCK_ROWS, columns=columns):
        done += block.num_rows
        yield _plain(table, block), done / rows


def _csv_blocks(table: Table) -> Iterator[tuple[pa.RecordBatch, float]]:
    file = CsvFile.of(table.path, table.texts, table.signals)
    with file.located():
        for block, done in file.blocks():
            yield _plain(table, block), min(done / max(table.size, 1), 1.0)


def _plain(table: Table, block: pa.RecordBatch) -> pa.RecordBatch:
    machine, *traits = (_coded(block.column(name)) for name in table.texts)
    times = _milliseconds(table, block.column(MEASURED_AT))
    if machine.null_count or times.null_count or "" in machine.dictionary.to_pylist():
        raise IronpulseError(
            f"{table.path} has a row without machine or measured_at; leave such rows out."
        )
    oldest = pc.min(times).as_py()
    if not pa.types.is_timestamp(block.column(MEASURED_AT).type) and oldest < SECONDS_BELOW:
        raise IronpulseError(f"{table.path}: measured_at {seconds_said(oldest)}.")
    signals = [_numbers(table, block, key) for key in table.signals]
    return pa.RecordBatch.from_arrays(
        [machine, times, *traits, *signals],
        [MACHINE, MEASURED_AT, *table.traits, *table.signals],
    )


def _coded(texts: pa.Array) -> pa.DictionaryArray:
    return (
        texts
        if pa.types.is_dictionary(texts.type)
        else pc.dictionary_encode(texts.cast(pa.string()))
    )


def _numbers(table: Table, block: pa.RecordBatch, key: str) -> pa.Array:
    column = block.column(key)
    try:
        return column.cast(pa.float64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise IronpulseError(
            f"{table.path}: the column {key} holds {column.type} that are no numbers."
        ) from error


def _milliseconds(table: Table, times: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(times.type):
        zone = times.type.tz
        return times.cast(pa.timestamp("ms", zone), safe=False).cast(pa.int64())
    if not pa.types.is_string(times.type) and not pa.types.is_large_string(times.type):
        kinds = [pa.int64()] if not pa.types.is_date(times.type) else [pa.timestamp("ms")]
    else:
        kinds = [pa.timestamp("ms", "UTC"), pa.timestamp("ms"), pa.int64()]
    for kind in kinds:
        try:
            return times.cast(kind).cast(pa.int64())
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            continue
    raise IronpulseError(
        f"{table.path}: measured_at holds {times.type} that are no times; {TIMES}."
    )


@contextmanager
def _our_errors(path: Path) -> Iterator[None]:
    """Arrow's errors and the system's become ours, with the file's name."""
    try:
        yield
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        first = str(error).strip().splitlines()[0]
        hint = " Save it as CSV in UTF-8." if "UTF8" in first else ""
        raise IronpulseError(f"{path} cannot be read: {first}.{hint}") from error
    except OSError as error:
        raise IronpulseError(f"{path} cannot be read: {error.strerror or error}") from error
