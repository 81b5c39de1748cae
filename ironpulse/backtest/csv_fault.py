"""Where a CSV file of samples cannot be read, for messages: Arrow does not say in which line."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import pyarrow as pa

#: Milliseconds since 1970 below this are of 1970 to 1973; seconds since 1970 are.
SECONDS_BELOW = 100_000_000_000
TIMES = "write ISO 8601, such as 2026-01-31T08:00:00Z, or milliseconds since 1970"
#: What Arrow takes as missing; blanks around a number do not matter to it.
_NULLS = {"", "na", "n/a", "nan", "null", "#n/a", "#na", "-nan", "1.#ind", "-1.#ind", "1.#qnan"}

Check = Callable[[str], str | None]


def first_fault(
    path: Path, separator: str, names: Sequence[str], checks: dict[str, Check]
) -> str | None:
    """The first line of a file that has another number of cells than `names`, or a cell that the
    check of its column objects to: `line 7: ...`. None where all are as they should be."""
    for number, row in _rows(path, separator):
        if len(row) != len(names):
            return f"line {number}: {len(row)} cells where the line of names has {len(names)}"
        for name, cell in zip(names, row, strict=True):
            said = checks[name](cell.strip()) if name in checks else None
            if said is not None:
                return f"line {number}, {name}: {said}"
    return None


def _rows(path: Path, separator: str) -> Iterator[tuple[int, list[str]]]:
    """The lines that are not blank, below that of the names, with their numbers."""
    compression = "gzip" if path.suffix == ".gz" else None
    with (
        pa.input_stream(str(path), compression=compression) as raw,
        io.TextIOWrapper(raw, "utf-8-sig", errors="replace", newline="") as text,
    ):
        reader = csv.reader(text, delimiter=separator)
        rows = ((reader.line_num, row) for row in reader if row)
        next(rows, None)
        yield from rows


def filled(cell: str) -> str | None:
    """Every row says which machine it is of."""
    return None if cell else "is empty; leave such rows out"


def number_check(decimal_point: str) -> Check:
    """A cell of a signal holds a number or nothing."""

    def check(cell: str) -> str | None:
        plain = cell if decimal_point == "." else cell.replace(".", "x").replace(",", ".")
        if cell.lower() in _NULLS:
            return None
        try:
            float(plain)
        except ValueError:
            return f"{cell!r} is no number; write it like 61{decimal_point}5, or leave it empty"
        return None

    return check


def time_check(kind: pa.DataType) -> Check:
    """A cell of measured_at holds a time, written as that of the first row is."""

    def check(cell: str) -> str | None:
        if not cell:
            return filled(cell)
        if cell.lstrip("-").isdigit():
            if pa.types.is_timestamp(kind):
                return f"{cell} is a number where the first row has a date; write all alike"
            return None if int(cell) >= SECONDS_BELOW else seconds_said(int(cell))
        try:
            zone = datetime.fromisoformat(cell).tzinfo
        except ValueError:
            return f"{cell!r} is no time; {TIMES}"
        if not pa.types.is_timestamp(kind):
            return f"{cell} is a date where the first row has a number; write all alike"
        if (zone is None) != (kind.tz is None):
            has, first = ("no", "one") if zone is None else ("a", "none")
            return f"{cell} has {has} time zone where the first row has {first}; write all alike"
        return None

    return check


def seconds_said(moment: int) -> str:
    """What to say of a number that is of the 1970s as milliseconds."""
    return f"{moment} is in 1973 or before; are these seconds? Write milliseconds since 1970"
