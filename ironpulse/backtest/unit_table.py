"""Files of units over time: a header line, then one row per unit and moment."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fleet.batch import FloatColumn
from fleet.errors import IronpulseError
from predict.histories import Histories, histories

#: Words for a missing value, in lower case.
MISSING = frozenset({"", "na", "nan", "null", "none", "n/a", "?"})
#: A text column with more different words than this is no covariate.
MOST_LEVELS = 20


class TableError(IronpulseError):
    """A table that cannot be read."""


@dataclass(frozen=True, slots=True)
class UnitTable:
    """Columns as text by name, in order; `path` for messages."""

    path: Path
    columns: dict[str, list[str]]

    def column(self, name: str) -> list[str]:
        """One column; TableError where it is absent."""
        if name not in self.columns:
            raise TableError(
                f"{self.path} has no column {name!r}; it has {', '.join(self.columns)}."
            )
        return self.columns[name]


@dataclass(frozen=True, slots=True)
class Reading:
    """How a table becomes histories, learned from the table of run-to-failure units: its unit and
    time columns, and its covariates with the words of those that are text (() for numbers)."""

    unit: str
    time: str
    levels: dict[str, tuple[str, ...]]

    def histories(self, table: UnitTable) -> Histories:
        """The units of a table. Raises TableError for columns that are absent or no numbers."""
        units = table.column(self.unit)
        times = _numbers(table, self.time)
        names, columns = [], []
        for name, levels in self.levels.items():
            for level in levels:
                names.append(f"{name}={level}")
                columns.append(np.array([v == level for v in table.column(name)], dtype=float))
            if not levels:
                names.append(name)
                columns.append(_numbers(table, name))
        return histories(units, tuple(names), times, np.column_stack(columns))


def learn_reading(table: UnitTable, unit: str, time: str) -> Reading:
    """Every column beside unit and time is a covariate; text becomes one per word."""
    table.column(unit), table.column(time)
    levels = {name: _levels(table, name) for name in table.columns if name not in (unit, time)}
    if not levels:
        raise TableError(f"{table.path} has no covariates beside {unit!r} and {time!r}.")
    return Reading(unit, time, levels)


def read_table(path: Path) -> UnitTable:
    """A file with a header line, its fields separated by commas, semicolons, tabs or blanks."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TableError(f"{path} cannot be read: {error}. Give a text file.") from error
    rows = list(_rows([line for line in lines if line.strip()]))
    if len(rows) < 2:
        raise TableError(f"{path} needs a header line and at least one row.")
    header = [name.strip() for name in rows[0]]
    if len(set(header)) < len(header):
        twice = sorted({name for name in header if header.count(name) > 1})
        raise TableError(f"{path} names {', '.join(twice)} twice in its header; name each once.")
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise TableError(
                f"{path} row {number} has {len(row)} fields and its header {len(header)}; "
                "every row needs a field per column."
            )
    columns = zip(*rows[1:], strict=True)
    return UnitTable(
        path, {n: [v.strip() for v in c] for n, c in zip(header, columns, strict=True)}
    )


def _rows(lines: list[str]) -> Iterator[list[str]]:
    for separator in ",;\t":
        if lines and separator in lines[0]:
            return iter(csv.reader(lines, delimiter=separator))
    return (line.split() for line in lines)


def _levels(table: UnitTable, name: str) -> tuple[str, ...]:
    words = {value for value in table.column(name) if value.lower() not in MISSING}
    try:
        for word in words:
            float(word)
    except ValueError as error:
        if len(words) > MOST_LEVELS:
            raise TableError(
                f"Column {name!r} of {table.path} is text with {len(words)} different words; "
                f"leave it out, or give numbers or at most {MOST_LEVELS} words."
            ) from error
        return tuple(sorted(words))
    return ()


def _numbers(table: UnitTable, name: str) -> FloatColumn:
    values = [np.nan if v.lower() in MISSING else v for v in table.column(name)]
    try:
        numbers = np.array([float(v) for v in values])
    except ValueError as error:
        raise TableError(f"Column {name!r} of {table.path} is no number: {error}.") from error
    return np.where(np.isfinite(numbers), numbers, np.nan)
