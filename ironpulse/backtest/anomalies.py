"""`ironpulse backtest anomalies`: the detector of the rules on any file, with its defaults."""

from __future__ import annotations

import csv as csv_format
from itertools import chain
from pathlib import Path
from typing import Annotated, TextIO

import numpy as np
import typer
from rich.console import Console
from rich.progress import Progress

from fleet.batch import FloatColumn
from ironpulse.backtest.output import opened, refuse_nowhere
from ironpulse.backtest.signal_file import SignalFile, read_signals
from rules.detectors import Judged, judge_columns, varies

SMALLEST_SHARE = 0.05
HEADER = ("row", "score", "limit", "verdict", "contributors")


def anomalies(
    csv: Annotated[Path, typer.Option(help="One row per moment, in order of time.")],
    train_rows: Annotated[
        int, typer.Option(min=1, help="Rows at the beginning to learn from; healthy ones.")
    ],
    columns: Annotated[
        str, typer.Option(help="Columns to judge, with commas between them; else all numbers.")
    ] = "",
    exclude: Annotated[str, typer.Option(help="Columns to leave out, as labels.")] = "",
    out: Annotated[Path | None, typer.Option(help="File for the answer; else printed.")] = None,
) -> None:
    """Judge every row after the training rows; rows count from 1, without the header."""
    refuse_nowhere(out)
    found = read_signals(csv, _names(columns), _names(exclude), train_rows)
    _say_left_out(found, train_rows)
    answers = judge_columns(found.names, found.values, train_rows)
    first = next(answers)  # where nothing can be learned, no answer is begun
    with (
        Progress(console=Console(stderr=True), transient=True) as bar,
        opened(out) as file,
    ):
        task = bar.add_task("rows", total=len(found.values) - train_rows)
        csv_format.writer(file, lineterminator="\n").writerow(HEADER)
        row = train_rows + 1
        for judged in chain([first], answers):
            _write(file, found.names, row, judged)
            row += len(judged.score)
            bar.advance(task, len(judged.score))


def _write(file: TextIO, names: tuple[str, ...], first: int, judged: Judged) -> None:
    writer = csv_format.writer(file, lineterminator="\n")
    for at in range(len(judged.score)):
        writer.writerow(
            [
                first + at,
                f"{judged.score[at]:.6g}",
                f"{judged.limit[at]:.6g}",
                int(judged.verdict[at]),
                contributors(names, judged.shares[at]),
            ]
        )


def contributors(names: tuple[str, ...], shares: FloatColumn) -> str:
    """`name:share` of the signals that carry the score, the largest first.

    White space in a name becomes an underscore, since it separates the entries.
    """
    largest = np.argsort(-shares, kind="stable")
    return " ".join(
        f"{'_'.join(names[at].split())}:{shares[at]:.2f}"
        for at in largest
        if shares[at] >= SMALLEST_SHARE
    )


def _say_left_out(found: SignalFile, train_rows: int) -> None:
    for sentence in found.rests:
        typer.echo(sentence, err=True)
    constant = ~varies(found.values[:train_rows])
    for at in np.flatnonzero(constant):
        typer.echo(
            f"Column {found.names[at]!r} does not change in the training rows and is not judged.",
            err=True,
        )


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
