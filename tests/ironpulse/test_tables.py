"""What machines and people wrote is shown as they wrote it, at a terminal too."""

from __future__ import annotations

import io

from rich.console import Console

from ironpulse.tables import table


def shown(*rows: dict[str, object]) -> str:
    console = Console(file=io.StringIO(), width=80)
    console.print(table("Machines", rows))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_values_are_no_markup() -> None:
    hostile = "37 m [old] [/b] :boom: [link=http://a.b]x"
    text = shown({"serial": "P-1", "model": hostile, "retired_at": None})
    assert hostile in text and "retired at" in text
    assert text.splitlines()[-2].split("│")[-2].strip() == "-"


def test_no_rows_are_a_table() -> None:
    assert "none" in shown()
