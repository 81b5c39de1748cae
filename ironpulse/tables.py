"""Rows as a table for people at a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table


def table(title: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    """A table whose columns are the keys of the first row."""
    found = Table(title=title, title_justify="left")
    for column in rows[0] if rows else ["none"]:
        found.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        found.add_row(*(str(value) if value is not None else "-" for value in row.values()))
    return found
