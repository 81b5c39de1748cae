"""Rows as a table for people at a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text


def table(title: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    """A table whose columns are the keys of the first row. Values stand in it as they are: what
    machines and people wrote is no markup, whose brackets would vanish or end the command."""
    found = Table(title=title, title_justify="left")
    for column in rows[0] if rows else ["none"]:
        found.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        found.add_row(*(Text("-" if value is None else str(value)) for value in row.values()))
    return found
