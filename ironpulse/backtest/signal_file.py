"""Signals of one machine from any delimited file: separator, header and numbers recognised."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from fleet.batch import FloatColumn
from fleet.errors import IronpulseError

SEPARATORS = ";\t|,"
MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "-"})
DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+")
SAMPLE_LINES = 50
MOSTLY = 0.9


class SignalFileError(IronpulseError):
    """A file of signals that cannot be used; says where and what would be right."""


@dataclass(frozen=True, slots=True)
class SignalFile:
    """`values` (n, p) of the columns `names`, NaN where there is none; `rests` says what was
    left out and why, as sentences."""

    names: tuple[str, ...]
    values: FloatColumn
    rests: tuple[str, ...] = ()


def read_signals(
    path: Path, columns: Sequence[str] = (), exclude: Sequence[str] = (), train_rows: int = 0
) -> SignalFile:
    """The numeric columns of a file; those of `columns` where any are named, less `exclude`.

    Columns that are not numbers are left out, and so are those that only ever rise in the first
    `train_rows` rows: they tell the time. A column that was named is never left out in silence.
    """
    names, cells = _cells(path)
    _known(path, names, [*columns, *exclude])
    wanted = [name for name in (columns or names) if name not in set(exclude)]
    kept: list[str] = []
    series: list[FloatColumn] = []
    rests: list[str] = []
    for name in dict.fromkeys(wanted):
        numbers = _numbers([row[names.index(name)] for row in cells])
        reason = _unfit(numbers, train_rows or len(cells), name in columns)
        if reason is None:
            kept.append(name)
            series.append(np.asarray(numbers))
        elif name in columns:
            raise SignalFileError(f"{path}: column {name!r} {reason}; leave it out of --columns.")
        else:
            rests.append(f"Column {name!r} {reason} and is left out.")
    if not kept:
        raise SignalFileError(
            f"{path}: no column of numbers is left to judge; the columns are {', '.join(names)}."
        )
    return SignalFile(tuple(kept), np.column_stack(series), tuple(rests))


def _known(path: Path, names: Sequence[str], asked: Sequence[str]) -> None:
    unknown = [name for name in asked if name not in names]
    if unknown:
        raise SignalFileError(
            f"{path} has no column {', '.join(repr(name) for name in unknown)}; "
            f"its columns are {', '.join(names)}."
        )


def _cells(path: Path) -> tuple[list[str], list[list[str]]]:
    """The names of the columns, and the rows as text, each as long as the names."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            separator = _separator(list(islice(file, SAMPLE_LINES)))
            file.seek(0)
            reader = csv.reader(file, delimiter=separator)
            lines = [(reader.line_num, row) for row in reader if any(c.strip() for c in row)]
    except OSError as error:
        raise SignalFileError(f"{path} cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise SignalFileError(
            f"{path} is not a delimited text file in UTF-8 ({error}); save it as CSV."
        ) from error
    if not lines:
        raise SignalFileError(f"{path} is empty; it needs a row per moment.")
    names, lines = _header(lines)
    for line, row in lines:
        if len(row) != len(names):
            raise SignalFileError(
                f"{path}:{line}: {len(row)} columns where the first line has {len(names)}; "
                f"the separator was taken to be {separator!r}."
            )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SignalFileError(f"{path}: column {twice[0]!r} is there twice; give it another name.")
    return names, [row for _, row in lines]


def _header(lines: list[tuple[int, list[str]]]) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The first line holds names unless a cell of it is a number; then columns are counted."""
    first = [cell.strip() for cell in lines[0][1]]
    if any(_number(cell) is not None and cell.lower() not in MISSING for cell in first):
        return [f"column_{at}" for at in range(1, len(first) + 1)], lines
    return [name or f"column_{at}" for at, name in enumerate(first, start=1)], lines[1:]


def _separator(sample: list[str]) -> str:
    """The character that cuts all lines into the same number of cells, and into the most.

    A decimal comma appears as regularly as a separator; so the others go first.
    """
    texts = [line for line in sample if line.strip()]
    for separator in SEPARATORS:
        counts = {len(row) for row in csv.reader(texts, delimiter=separator)}
        if len(counts) == 1 and counts != {1}:
            return separator
    by_first = max(SEPARATORS, key=lambda s: texts[0].count(s)) if texts else ","
    return by_first if texts and by_first in texts[0] else ","


def _numbers(cells: Sequence[str]) -> FloatColumn | None:
    """The cells (n,) as numbers, NaN where one is missing or, rarely, a word; None for words."""
    read = [_number(cell.strip()) for cell in cells]
    words = sum(value is None for value in read)
    missing = sum(value is not None and np.isnan(value) for value in read)
    if words > (1 - MOSTLY) * (len(read) - missing):
        return None
    return np.array([np.nan if value is None else value for value in read])


def _number(cell: str) -> float | None:
    """The number a cell holds, NaN for a missing one, None for a word."""
    if cell.lower() in MISSING:
        return float("nan")
    if DECIMAL_COMMA.fullmatch(cell):
        cell = cell.replace(",", ".")
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if np.isfinite(value) else float("nan")


def _unfit(numbers: FloatColumn | None, train_rows: int, named: bool) -> str | None:
    """Why a column is no signal, as the middle of a sentence; None for one that is."""
    if numbers is None:
        return "holds no numbers"
    training = numbers[:train_rows]
    training = training[~np.isnan(training)]
    if not len(training):
        return "has no value in the training rows"
    if not named and len(training) > 2 and bool((np.diff(training) > 0).all()):
        return "only ever rises, as a time or a count of rows does,"
    return None
