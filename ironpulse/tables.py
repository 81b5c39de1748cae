"""Rows as a table for people at a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

#: Columns of words up to this length keep them whole: somebody copies an address.
_WHOLE = 21


def table(title: str, rows: Sequence[Mapping[str, Any]]) -> Group:
    """A table below its title, whose columns are the keys of the first row. Values stand in it as
    they are: what machines and people wrote is no markup, whose brackets would vanish or end the
    command."""
    found = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for column in rows[0] if rows else ["none"]:
        cells = [_said(row[column]) for row in rows]
        short = all(len(cell) <= _WHOLE and " " not in cell for cell in cells)
        head = column.replace("_", "\n" if short else " ")
        found.add_column(head, overflow="fold", no_wrap=short)
    for row in rows:
        found.add_row(*(Text(_said(value)) for value in row.values()))
    return Group(Text(title, style="bold"), found)


def _said(value: object) -> str:
    return str(value) if value is not None else "-"
