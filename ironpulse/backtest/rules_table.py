"""A rules backtest as tables for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table

from ironpulse.backtest.unfed import WORDS

_WIDTH = 140
#: How many alarms of one rule a difference names on each side.
_NAMED = 5
#: What the tables say of every rule, and how where the report calls it otherwise.
_COUNTS = (
    "alarms", "standing", "machines", "tickets", "joined", "attached", "again", "recorded",
    "suppressed", "technician_hours",
)  # fmt: skip
_HEADS = {"suppressed": "silenced", "technician_hours": "hours"}
_SCORES = ("confirmed", "beside", "false", "unknown")


def print_report(found: Mapping[str, Any], file: TextIO) -> None:
    """Print a report as `rules.backtest.report` gives it."""
    console = Console(file=file, width=_WIDTH, highlight=False, markup=False, emoji=False)
    _remarks(console, found)
    for table in _report(found, "Rules"):
        console.print(table)
    if "against" in found:
        for table in _report(found["against"], "Against"):
            console.print(table)
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
        ("repairs", "repairs"),
    ):
        if key in source:
            console.print(f"{source[key]:,} {words} were taken into account.")
    for key, words in (
        ("signals_missing", "Signals the file does not have"),
        ("columns_left_out", "Columns that are no signals"),
        ("machines_left_out", "Machines with trouble codes of which the file has no samples"),
        ("services_left_out", "Machines with services of which the file has no samples"),
        ("repairs_left_out", "Machines with repairs of which the file has no samples"),
        ("truth_left_out", "Machines with known faults of which history has no samples"),
    ):
        if source.get(key):
            console.print(f"{words}: {', '.join(source[key])}.")
    silent = [rule["rule"] for rule in found["rules"] if not rule["replayed"]]
    if silent:
        console.print(f"Not replayed, as they go by what arrives, and when: {', '.join(silent)}.")
    for what, rules in source["unfed"].items():
        more = f" and {len(rules) - _NAMED} more" if len(rules) > _NAMED else ""
        console.print(f"Quiet without {WORDS[what]}: {', '.join(rules[:_NAMED])}{more}.")


def _report(found: Mapping[str, Any], title: str) -> Iterator[Table]:
    """What the rules did and, where faults are known, what these say of it."""
    total = found["total"]
    counts = [key for key in _COUNTS if key != "suppressed" or total[key]]
    loud = [one for one in found["rules"] if one["alarms"]]
    table = _table(title, [_HEADS.get(key, key) for key in counts])
    for name, one in [*((one["rule"], one) for one in loud), ("all", total)]:
        hours = f"{one['technician_hours']:.1f}"
        cells = [hours if key == "technician_hours" else str(one[key]) for key in counts]
        table.add_row(name, *cells, end_section=one is loud[-1] if loud else False)
    quiet = sum(one["replayed"] for one in found["rules"]) - len(loud)
    table.caption = f"{quiet} more rules stayed quiet. Hours are a technician's on site."
    yield table
    if "known" in total:
        yield _known(found)


def _known(found: Mapping[str, Any]) -> Table:
    told = [one for one in found["rules"] if one["alarms"] or one["known"]["faults_missed"]]
    table = _table("Beside known faults", ["alarms", *_SCORES, "missed", "lead h"])
    for name, one in [*((one["rule"], one) for one in told), ("all", found["total"])]:
        scores = one["known"]
        lead = "-" if scores["lead_h"] is None else f"{scores['lead_h']['median']:.1f}"
        cells = [str(scores[key]) for key in _SCORES]
        table.add_row(name, str(one["alarms"]), *cells, str(scores["faults_missed"]), lead,
                      end_section=one is told[-1] if told else False)  # fmt: skip
    table.caption = (
        "Missed are faults that a rule points at and did not see; another may have. "
        "Lead is the median time from a rule's first alarm to the failure."
    )
    return table


def _table(title: str, heads: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", caption_justify="left")
    table.add_column("rule", no_wrap=True)
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    return table


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
