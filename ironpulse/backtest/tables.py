"""CSV and Parquet files of samples, read in blocks of bounded size.

Columns: `machine`, `measured_at` (ISO 8601, without a zone it is UTC, or milliseconds since 1970)
and signals by their keys; `model` and `region` of the machine may stand beside them. A value that
is missing is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from fleet.errors import IronpulseError
from fleet.plan import ProductPlan
from ironpulse.backtest.text_file import refuse_no_text

MACHINE, MEASURED_AT = "machine", "measured_at"
#: What a file may say of a machine besides its serial.
TRAITS = ("model", "region")
#: Arrow reads up to 32 blocks of a CSV file ahead, whatever is taken from it; so they are small and
#: put together to blocks of so many rows.
_BLOCK_BYTES = 1 << 20
#: Rows in which a decimal comma is looked for.
_LOOKED_AT = 100
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+")
#: Of a Parquet file, of each column.
_BUFFER_BYTES = 1 << 16
_BLOCK_ROWS = 131_072
SEPARATORS = (",", ";", "\t", "|")
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
        names = _parquet(path).schema_arrow.names if _is_parquet(path) else _header(path)[1]
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
    for block in file.iter_batches(batch_size=_BLOCK_ROWS, columns=columns):
        done += block.num_rows
        yield _plain(table, block), done / rows


def _csv_blocks(table: Table) -> Iterator[tuple[pa.RecordBatch, float]]:
    separator, _ = _header(table.path)
    convert = pa_csv.ConvertOptions(
        decimal_point=_decimal_point(table.path, separator),
        include_columns=[*table.texts, MEASURED_AT, *table.signals],
        column_types={
            **dict.fromkeys(table.texts, pa.string()),
            MEASURED_AT: _time_type(table.path, separator),
            **dict.fromkeys(table.signals, pa.float64()),
        },
        timestamp_parsers=[pa_csv.ISO8601],
    )
    with pa.OSFile(str(table.path)) as raw:
        source: Any = raw
        if table.path.suffix == ".gz":
            source = pa.CompressedInputStream(raw, "gzip")
        reader = pa_csv.open_csv(
            source,
            read_options=pa_csv.ReadOptions(block_size=_BLOCK_BYTES),
            parse_options=pa_csv.ParseOptions(delimiter=separator),
            convert_options=convert,
        )
        for block in _gathered(reader):
            yield _plain(table, block), min(raw.tell() / max(table.size, 1), 1.0)


def _gathered(small: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows in blocks of about _BLOCK_ROWS."""
    waiting: list[pa.RecordBatch] = []
    for block in small:
        waiting.append(block)
        if sum(one.num_rows for one in waiting) >= _BLOCK_ROWS:
            yield pa.concat_batches(waiting)
            waiting = []
    if waiting:
        yield pa.concat_batches(waiting)


def _header(path: Path) -> tuple[str, list[str]]:
    """The separator of a CSV file and the names of its columns."""
    with path.open("rb") as file:
        refuse_no_text(path, b"" if path.suffix == ".gz" else file.read(4))
    line = _lines(path, 1)[0]
    separator = max(SEPARATORS, key=line.count)
    return separator, [name.strip().strip('"') for name in line.split(separator)]


def _decimal_point(path: Path, separator: str) -> str:
    """A comma where one stands within numbers, as where a semicolon separates."""
    cells = [cell for line in _lines(path, _LOOKED_AT)[1:] for cell in line.split(separator)]
    commas = separator != "," and any(_DECIMAL_COMMA.fullmatch(cell.strip()) for cell in cells)
    return "," if commas else "."


def _lines(path: Path, count: int) -> list[str]:
    with pa.input_stream(str(path), compression="detect") as stream:
        text: bytes = stream.read(1 << 20)
    lines = text.decode("utf-8-sig", errors="replace").splitlines()[:count]
    return lines + [""] * (count - len(lines))


def _time_type(path: Path, separator: str) -> pa.DataType:
    """How the file writes times, by its first row."""
    names = _header(path)[1]
    cells = _lines(path, 2)[1].split(separator)
    place = names.index(MEASURED_AT)
    text = cells[place].strip().strip('"') if place < len(cells) else ""
    if not text or text.lstrip("-").isdigit():
        return pa.int64()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise IronpulseError(
            f"{path}, line 2: measured_at {text!r} is no time; write ISO 8601, such as "
            "2026-01-31T08:00:00Z, or milliseconds since 1970."
        ) from error
    return pa.timestamp("ns", None if moment.tzinfo is None else "UTC")


def _plain(table: Table, block: pa.RecordBatch) -> pa.RecordBatch:
    machine, *traits = (_coded(block.column(name)) for name in table.texts)
    times = _milliseconds(block.column(MEASURED_AT))
    if machine.null_count or times.null_count or "" in machine.dictionary.to_pylist():
        raise IronpulseError(
            f"{table.path} has a row without machine or measured_at; leave such rows out."
        )
    signals = [block.column(key).cast(pa.float64()) for key in table.signals]
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


def _milliseconds(times: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(times.type):
        zone = times.type.tz
        return times.cast(pa.timestamp("ms", zone), safe=False).cast(pa.int64())
    return times.cast(pa.int64())


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
