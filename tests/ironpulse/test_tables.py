"""Tables at a terminal: what machines and people wrote is shown as they wrote it, nothing is cut
off, and what somebody copies stays in one piece."""

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
    assert hostile in text and "retired" in text
    assert text.splitlines()[-2].split()[-1] == "-"


def test_no_rows_are_a_table() -> None:
    assert "none" in shown()


def test_eighty_columns_hold_every_column_and_whole_addresses() -> None:
    process: dict[str, object] = {
        "process": "simulators", "instance": "ironpulse-ingest-0a0abb29724b970b", "pid": 57571,
        "address": "http://127.0.0.1:8812", "state": "running", "last_words": 0.8,
        "messages_per_s": 26.2,
    }  # fmt: skip
    text = shown(process, {**process, "instance": "1", "address": None})
    assert text.splitlines()[0] == "Machines"
    assert max(map(len, text.splitlines())) <= 80
    for word in ("simulators", "http://127.0.0.1:8812", "57571", "running", "26.2", "messages"):
        assert word in text
