"""Tables of demand: one row per part, one column per month, as parts departments keep them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fleet.batch import FloatColumn
from fleet.csv_source import read_lines
from fleet.errors import Fault, IronpulseError

#: What people write into a cell that nobody knows.
UNKNOWN = frozenset({"", "na", "n/a", "nan", "null", "-"})
#: More faults than this help nobody.
MOST_FAULTS = 20


@dataclass(frozen=True, slots=True)
class DemandTable:
    """Parts (n,), months (m,) as headed, and demand (n, m) in each part's unit, NaN unknown."""

    parts: tuple[str, ...]
    months: tuple[str, ...]
    demand: FloatColumn


class DemandTableError(IronpulseError):
    """A table of demand that cannot be used; carries every fault found, by line."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = tuple(faults)
        listed = "\n".join(f"  {fault}" for fault in faults[:MOST_FAULTS])
        more = f"\n  and {len(faults) - MOST_FAULTS} more" if len(faults) > MOST_FAULTS else ""
        super().__init__(f"The table of demand cannot be used:\n{listed}{more}")


def read_table(path: Path) -> DemandTable:
    """Read a CSV file with a header line, the part in the first column, then one month each.

    Raises DemandTableError with every fault by line and column.
    """
    lines = read_lines(path)
    if len(lines) < 2 or len(lines[0][1]) < 2:
        raise DemandTableError(
            [Fault(path, 0, 0, "a header line, a column of months and a line per part are needed")]
        )
    return _checked(path, lines)


def _checked(path: Path, lines: list[tuple[int, list[str]]]) -> DemandTable:
    header = [cell.strip() for cell in lines[0][1]]
    faults: list[Fault] = []
    seen: dict[str, int] = {}
    demand = np.full((len(lines) - 1, len(header) - 1), np.nan)
    for place, (line, row) in enumerate(lines[1:]):
        part = row[0].strip()
        problems = list(_row_problems(row, header, demand[place]))
        if not part:
            problems.append((1, "the part's name is missing"))
        elif part in seen:
            problems.append((1, f"part {part} stands in line {seen[part]} already; keep one"))
        seen.setdefault(part, line)
        faults += [Fault(path, line, column, message) for column, message in problems]
    if faults:
        raise DemandTableError(faults)
    parts = tuple(row[0].strip() for _, row in lines[1:])
    return DemandTable(parts, tuple(header[1:]), demand)


def _row_problems(
    row: list[str], header: list[str], into: FloatColumn
) -> Iterator[tuple[int, str]]:
    """Read a row's months into `into`; yield column of the table and fault."""
    if len(row) != len(header):
        yield 1, f"{len(row)} cells where the header has {len(header)}; leave unknown months empty"
        return
    for place, cell in enumerate(map(str.strip, row[1:])):
        if cell.lower() in UNKNOWN:
            continue
        month = header[place + 1]
        try:
            into[place] = float(cell)
        except ValueError:
            yield place + 2, f"{month} holds {cell!r}, which is no number; empty means unknown"
            continue
        if not np.isfinite(into[place]) or into[place] < 0:
            yield place + 2, f"{month} holds {cell}; demand is 0 or more, returns stay apart"
