"""`ironpulse backtest life`: the product's learned remaining life on any histories."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Annotated, TextIO

import typer
from rich.console import Console
from rich.progress import Progress

from ironpulse.backtest.output import opened
from ironpulse.backtest.unit_table import learn_reading, read_table
from predict.histories import Histories


def life(
    history: Annotated[Path, typer.Option(help="Units that ran to failure at their last row.")],
    test: Annotated[Path, typer.Option(help="Units cut off before failure.")],
    unit: Annotated[str, typer.Option(help="The column that names the unit.")],
    time: Annotated[str, typer.Option(help="The column of use or time, in the unit of life.")],
    cap: Annotated[
        float | None,
        typer.Option(min=1e-9, help="Longer remaining lives count as this in learning and mean."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File for the answer; else printed.")] = None,
) -> None:
    """Learn from run-to-failure histories; remaining life of cut-off units, one line each."""
    table = read_table(history)
    reading = learn_reading(table, unit, time)
    known, cut = reading.histories(table), reading.histories(read_table(test))
    with opened(out) as file:
        _answer(known, cut, cap, file)


def _answer(known: Histories, cut: Histories, cap: float | None, file: TextIO) -> None:
    from predict.learned import LEVELS, learn  # scikit-learn takes its time; others need none

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"learning from {len(known.units)} units", total=1.0)
        model = learn(known, cap, lambda share: bar.update(task, completed=share))
        found = model.answer(cut)
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["unit", "mean", *(f"p{round(100 * level):02d}" for level in LEVELS)])
    for name, mean, quantiles in zip(cut.units, found.mean, found.quantiles, strict=True):
        writer.writerow([name, f"{mean:.6g}", *(f"{value:.6g}" for value in quantiles)])
