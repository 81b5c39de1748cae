"""Rows of small files that go with a history, CSV or JSON lines."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fleet import clock
from fleet.errors import IronpulseError
from ironpulse.backtest.csv_blocks import SEPARATORS
from ironpulse.backtest.text_file import read_text


def rows_of(path: Path) -> Iterator[Mapping[str, Any]]:
    """The rows of a CSV or JSON-lines file. Raises IronpulseError where it cannot be read."""
    text = read_text(path)
    if not text.lstrip().startswith("{"):
        lines = text.splitlines()
        separator = max(SEPARATORS, key=lines[0].count) if lines else ","
        yield from csv.DictReader(lines, delimiter=separator)
        return
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                yield json.loads(line)
            except ValueError as error:
                raise IronpulseError(f"{path}, line {number} is no JSON: {error}") from error


def moment_of(row: Mapping[str, Any], name: str) -> int | None:
    """A time in milliseconds since 1970 UTC, None where it is empty: ISO 8601 (UTC where it names
    no zone), or milliseconds, which may also stand as `name_ms`. Raises ValueError."""
    value = row.get(name, row.get(f"{name}_ms"))
    if value is None or value == "":
        return None
    if isinstance(value, int | float) or str(value).lstrip("-").isdigit():
        return int(value)
    moment = datetime.fromisoformat(str(value))
    return clock.to_ms(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def known_moment_of(row: Mapping[str, Any], name: str) -> int:
    """The same of a time that has to be there. Raises KeyError where it is not."""
    found = moment_of(row, name)
    if found is None:
        raise KeyError(name)
    return found


@contextmanager
def read_at(place: str, wanted: str) -> Iterator[None]:
    """What will not do in a row becomes an error that says where (`faults.csv, row 3`), what, and
    what was `wanted`."""
    try:
        yield
    except (KeyError, ValueError, TypeError) as error:
        said = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise IronpulseError(f"{place}: {said}. {wanted}") from error
