"""Rows of small files that go with a history, CSV or JSON lines."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
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


def why(error: Exception) -> str:
    """What was wrong with a row, in words."""
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)
