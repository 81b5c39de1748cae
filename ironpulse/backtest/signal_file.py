"""Signals of one machine from any delimited file: separator, header and numbers recognised."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from fleet.batch import FloatColumn
from fleet.errors import IronpulseError
from ironpulse.backtest.text_file import read_text
from rules.detectors.fitting import FEWEST_ROWS

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
    left out or is missing and why, as sentences."""

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
    names, cells, rests = _cells(path)
    _known(path, names, [*columns, *exclude])
    if train_rows >= len(cells):
        raise SignalFileError(
            f"{path} has {len(cells)} rows, so after --train-rows {train_rows} none is left to "
            "judge; give fewer."
        )
    wanted = [name for name in (columns or names) if name not in set(exclude)]
    kept: list[str] = []
    series: list[FloatColumn] = []
    for name in dict.fromkeys(wanted):
        texts = [row[names.index(name)].strip() for row in cells]
        numbers = _numbers(texts)
        reason = _unfit(texts, numbers, train_rows, name in columns)
        if reason is None:
            kept.append(name)
            series.append(np.asarray(numbers))
            rests += _missing(name, texts, series[-1])
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


def _cells(path: Path) -> tuple[list[str], list[list[str]], list[str]]:
    """The names of the columns, the rows as text, each as long as the names, and what to say of
    them."""
    text = io.StringIO(read_text(path), newline="")
    separator = _separator(list(islice(text, SAMPLE_LINES)))
    text.seek(0)
    blanks = separator == " "  # as many as there are; those at the ends separate nothing
    rows = (line.strip() for line in text) if blanks else text
    reader = csv.reader(rows, delimiter=separator, skipinitialspace=blanks)
    try:
        lines = [(reader.line_num, row) for row in reader if not _blank(row)]
    except csv.Error as error:
        raise SignalFileError(f"{path}:{reader.line_num}: {error}; save it as CSV.") from error
    if not lines:
        raise SignalFileError(f"{path} is empty; it needs a row per moment.")
    names, lines, rests = _header(lines)
    if not lines:
        raise SignalFileError(f"{path} has a line of names and no row; it needs one per moment.")
    for line, row in lines:
        if len(row) != len(names):
            raise SignalFileError(
                f"{path}:{line}: {len(row)} columns where the first line has {len(names)}; "
                f"the separator was taken to be {separator!r}."
            )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SignalFileError(f"{path}: column {twice[0]!r} is there twice; give it another name.")
    return names, [row for _, row in lines], rests


def _blank(row: Sequence[str]) -> bool:
    """Whether a line is empty; one of separators alone is a moment at which nothing was known."""
    return len(row) < 2 and not any(cell.strip() for cell in row)


def _header(
    lines: list[tuple[int, list[str]]],
) -> tuple[list[str], list[tuple[int, list[str]]], list[str]]:
    """The first line holds names unless a cell of it is a number; then columns are counted."""
    first = [cell.strip() for cell in lines[0][1]]
    if any(_number(cell) is not None and cell.lower() not in MISSING for cell in first):
        names = [f"column_{at}" for at in range(1, len(first) + 1)]
        said = f"The first line holds numbers and is row 1; columns are column_1 to {names[-1]}."
        return names, lines, [said]
    return [name or f"column_{at}" for at, name in enumerate(first, start=1)], lines[1:], []


def _separator(sample: list[str]) -> str:
    """The character that cuts all lines into the same number of cells, and into the most.

    A decimal comma appears as regularly as a separator; so the others go first. Blanks are last:
    they stand within times and names.
    """
    texts = [line for line in sample if line.strip()]
    for separator in SEPARATORS:
        counts = {len(row) for row in csv.reader(texts, delimiter=separator)}
        if len(counts) == 1 and counts != {1}:
            return separator
    by_first = max(SEPARATORS, key=lambda s: texts[0].count(s)) if texts else ","
    if texts and by_first in texts[0]:
        return by_first
    widths = {len(line.split()) for line in texts}
    return " " if len(widths) == 1 and widths != {1} else ","


def _numbers(cells: Sequence[str]) -> FloatColumn | None:
    """The cells (n,) as numbers, NaN where one is missing or, rarely, a word; None for words."""
    read = [_number(cell) for cell in cells]
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


def _missing(name: str, cells: Sequence[str], numbers: FloatColumn) -> list[str]:
    """How many cells of a column hold no number, in a sentence; nothing where all do."""
    rows = np.flatnonzero(np.isnan(numbers)).tolist()
    words = [row for row in rows if cells[row].lower() not in MISSING]
    empty = [row for row in rows if cells[row].lower() in MISSING]
    told = [f"{len(empty)} hold nothing (row {empty[0] + 1} first)"] if empty else []
    if words:
        told.append(f"{len(words)} no number ({cells[words[0]]!r} in row {words[0] + 1} first)")
    if not told:
        return []
    return [f"Column {name!r}: of {len(cells)} cells {' and '.join(told)}; taken as missing."]


def _unfit(
    cells: Sequence[str], numbers: FloatColumn | None, train_rows: int, named: bool
) -> str | None:
    """Why a column is no signal, as the middle of a sentence; None for one that is."""
    if numbers is None:
        words = [row for row, cell in enumerate(cells, 1) if _number(cell) is None]
        if len(words) == len(cells):
            return "holds no numbers"
        word = f"{cells[words[0] - 1]!r} in row {words[0]}"
        return f"holds {len(words)} words among {len(cells)} cells ({word})"
    training = numbers[: train_rows or len(numbers)]
    training = training[~np.isnan(training)]
    if not len(training):
        return "has no value in the training rows"
    if len(training) < FEWEST_ROWS <= train_rows:
        return f"has {len(training)} values in the training rows, fewer than {FEWEST_ROWS},"
    if not named and len(training) > 2 and bool((np.diff(training) > 0).all()):
        return "only ever rises, as a time or a count of rows does,"
    return None
