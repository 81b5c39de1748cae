"""Reading a CSV file of samples in blocks of bounded size: separator, names, decimal comma and the
kind of time are recognised by its first lines."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv

from fleet.errors import IronpulseError
from ironpulse.backtest.csv_fault import TIMES, filled, first_fault, number_check, time_check
from ironpulse.backtest.text_file import refuse_no_text

MACHINE, MEASURED_AT = "machine", "measured_at"
SEPARATORS = (",", ";", "\t", "|")
#: Arrow reads up to 32 blocks of a CSV file ahead, whatever is taken from it; so they are small and
#: put together to blocks of so many rows.
_BLOCK_BYTES = 1 << 20
BLOCK_ROWS = 131_072
#: Lines in which names, the first time and a decimal comma are looked for.
_LOOKED_AT = 100
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+")


@dataclass(frozen=True, slots=True)
class CsvHeader:
    """How a CSV file begins: its separator, the names of its columns, how many lines that took."""

    path: Path
    separator: str
    names: list[str]
    lines: int


def read_header(path: Path) -> CsvHeader:
    """Look at a file's first lines. Raises IronpulseError where it is no text in UTF-8."""
    with path.open("rb") as file:
        refuse_no_text(path, b"" if path.suffix == ".gz" else file.read(4))
    lines = _lines(path)
    blank = next((at for at, line in enumerate(lines) if line.strip()), 0)
    line = lines[blank] if lines else ""
    separator = max(SEPARATORS, key=line.count)
    names = next(csv.reader([line], delimiter=separator, skipinitialspace=True), [""])
    return CsvHeader(path, separator, [name.strip() for name in names], blank + 1)


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A file to be read: columns of `texts`, MEASURED_AT as it stands there, and `signals`."""

    header: CsvHeader
    texts: Sequence[str]
    signals: Sequence[str]
    point: str
    times: pa.DataType

    @classmethod
    def of(cls, path: Path, texts: Sequence[str], signals: Sequence[str]) -> CsvFile:
        header = read_header(path)
        rows = _first_rows(header)
        return cls(header, texts, signals, _decimal_point(header, rows), _time_type(header, rows))

    def blocks(self) -> Iterator[tuple[pa.RecordBatch, int]]:
        """The rows in blocks of about BLOCK_ROWS; with each how many bytes have been read."""
        header = self.header
        convert = pa_csv.ConvertOptions(
            decimal_point=self.point,
            include_columns=[*self.texts, MEASURED_AT, *self.signals],
            column_types={
                **dict.fromkeys(self.texts, pa.string()),
                MEASURED_AT: self.times,
                **dict.fromkeys(self.signals, pa.float64()),
            },
            timestamp_parsers=[pa_csv.ISO8601],
        )
        reading = pa_csv.ReadOptions(
            block_size=_BLOCK_BYTES, column_names=header.names, skip_rows=header.lines
        )
        parsing = pa_csv.ParseOptions(delimiter=header.separator)
        with pa.OSFile(str(header.path)) as raw:
            source: Any = raw
            if header.path.suffix == ".gz":
                source = pa.CompressedInputStream(raw, "gzip")
            for block in _gathered(pa_csv.open_csv(source, reading, parsing, convert)):
                yield block, raw.tell()

    @contextmanager
    def located(self) -> Iterator[None]:
        """What is wrong with the rows is told with line and column."""
        try:
            yield
        except (pa.ArrowInvalid, IronpulseError) as error:
            checks = {
                **dict.fromkeys(self.signals, number_check(self.point)),
                MEASURED_AT: time_check(self.times),
                MACHINE: filled,
            }
            header = self.header
            where = first_fault(header.path, header.separator, header.names, checks)
            if where is None or "UTF8" in str(error):
                raise
            raise IronpulseError(f"{header.path}, {where}.") from error


def _gathered(small: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows in blocks of about BLOCK_ROWS."""
    waiting: list[pa.RecordBatch] = []
    for block in small:
        waiting.append(block)
        if sum(one.num_rows for one in waiting) >= BLOCK_ROWS:
            yield pa.concat_batches(waiting)
            waiting = []
    if waiting:
        yield pa.concat_batches(waiting)


def _decimal_point(header: CsvHeader, rows: Sequence[Sequence[str]]) -> str:
    """A comma where one stands within numbers, as where a semicolon separates."""
    cells = (cell for row in rows for cell in row)
    commas = header.separator != "," and any(_DECIMAL_COMMA.fullmatch(cell) for cell in cells)
    return "," if commas else "."


def _time_type(header: CsvHeader, rows: Sequence[Sequence[str]]) -> pa.DataType:
    """How the file writes times, by the first row that has one."""
    place = header.names.index(MEASURED_AT)
    texts = [row[place] for row in rows if len(row) > place]
    text = next((text for text in texts if text), "0")
    if text.lstrip("-").isdigit():
        return pa.int64()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise IronpulseError(f"{header.path}: measured_at {text!r} is no time; {TIMES}.") from error
    return pa.timestamp("ns", None if moment.tzinfo is None else "UTC")


def _first_rows(header: CsvHeader) -> list[list[str]]:
    rows = csv.reader(_lines(header.path)[header.lines :], delimiter=header.separator)
    return [[cell.strip() for cell in row] for row in rows if row]


def _lines(path: Path) -> list[str]:
    """The first lines of a file."""
    with pa.input_stream(str(path), compression="detect") as stream:
        text: bytes = stream.read(1 << 20)
    return text.decode("utf-8-sig", errors="replace").splitlines()[:_LOOKED_AT]
