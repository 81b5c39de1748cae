"""A rules backtest as tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table

_WIDTH = 140
#: How many alarms of one rule a difference names on each side.
_NAMED = 5
#: What the table counts of every rule.
_COUNTS = (
    "alarms", "standing", "machines", "tickets", "joined", "attached", "again", "recorded",
)  # fmt: skip


def print_report(found: Mapping[str, Any], file: TextIO) -> None:
    """Print a report as `rules.backtest_report` gives it."""
    console = Console(file=file, width=_WIDTH, highlight=False)
    _remarks(console, found)
    console.print(_rules(found, "Rules"))
    if "against" in found:
        console.print(_rules(found["against"], "Against"))
        _difference(console, found["difference"])


def _remarks(console: Console, found: Mapping[str, Any]) -> None:
    source = found["source"]
    console.print(
        f"{found['product']}, plan {found['plan_version']}: {found['machines']} machines, "
        f"{found['samples']:,} samples."
    )
    if source["values_left_out"]:
        console.print(f"{source['values_left_out']:,} values out of range were left out.")
    for key, words in (
        ("fault_reports", "reports of trouble codes"),
        ("services", "services done"),
    ):
        if key in source:
            console.print(f"{source[key]:,} {words} were taken into account.")
    for key, words in (
        ("signals_missing", "Signals the file does not have"),
        ("columns_left_out", "Columns that are no signals"),
        ("machines_left_out", "Machines with trouble codes of which the file has no samples"),
        ("services_left_out", "Machines with services of which the file has no samples"),
        ("truth_left_out", "Machines with known faults of which history has no samples"),
    ):
        if source.get(key):
            console.print(f"{words}: {', '.join(source[key])}.")
    silent = [rule["rule"] for rule in found["rules"] if not rule["replayed"]]
    if silent:
        console.print(f"Not replayed, as they go by what arrives, and when: {', '.join(silent)}.")


def _rules(found: Mapping[str, Any], title: str) -> Table:
    known = "known" in found["total"]
    silenced = bool(found["total"]["suppressed"])
    table = Table(title=title, title_justify="left")
    names = ["rule", *_COUNTS, *(["silenced"] if silenced else []), "hours"]
    if known:
        names += ["confirmed", "beside", "false", "unknown", "missed", "lead h"]
    for name in names:
        table.add_column(name, justify="left" if name == "rule" else "right", overflow="fold")
    told = [one for one in found["rules"] if one["alarms"] or (known and _missed(one))]
    for one in told:
        table.add_row(one["rule"], *_cells(one, silenced, known))
    table.add_section()
    table.add_row("all", *_cells(found["total"], silenced, known))
    quiet = sum(one["replayed"] for one in found["rules"]) - len(told)
    table.caption = f"{quiet} more rules stayed quiet. Hours are a technician's on site."
    return table


def _missed(one: Mapping[str, Any]) -> bool:
    return bool(one["known"]["faults_missed"])


def _cells(one: Mapping[str, Any], silenced: bool, known: bool) -> list[str]:
    cells = [str(one[key]) for key in [*_COUNTS, *(["suppressed"] if silenced else [])]]
    cells.append(f"{one['technician_hours']:.1f}")
    if known:
        scores = one["known"]
        cells += [str(scores[key]) for key in ("confirmed", "beside", "false", "unknown")]
        lead = scores["lead_h"]
        cells += [str(scores["faults_missed"]), "-" if lead is None else f"{lead['median']:.1f}"]
    return cells


def _difference(console: Console, rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        console.print("Both rule sets did the same.")
    for row in rows:
        here, there = (_side(row[key]) for key in ("here", "against"))
        console.print(f"{row['rule']}: {here}; against {there}.")
        for key, words in (("only_here", "only here"), ("only_against", "only against")):
            for alarm in row[key][:_NAMED]:
                console.print(f"  {words}: {alarm['machine']} at {alarm['raised_at']}")
            if len(row[key]) > _NAMED:
                console.print(f"  {words}: {len(row[key]) - _NAMED} more")


def _side(counts: Mapping[str, Any] | None) -> str:
    if counts is None:
        return "no such rule"
    return (
        f"{counts['alarms']} alarms, {counts['tickets']} tickets, "
        f"{counts['technician_hours']:.1f} h"
    )
