"""`ironpulse backtest demand`: the product's demand forecast on a table of months."""

from __future__ import annotations

import csv as csv_format
from pathlib import Path
from typing import Annotated, TextIO

import numpy as np
import typer
from rich.console import Console
from rich.progress import Progress

from fleet.batch import FloatColumn
from fleet.errors import IronpulseError
from ironpulse.backtest.output import opened


def demand(
    csv: Annotated[Path, typer.Option(help="One row per part, the part first, then its months.")],
    horizon: Annotated[int, typer.Option(min=1, help="Months ahead.")] = 6,
    quantiles: Annotated[
        str, typer.Option(help="Levels between 0 and 1, with commas or blanks between them.")
    ] = "0.5,0.8,0.9,0.95,0.99",
    out: Annotated[Path | None, typer.Option(help="File for the answer; else printed.")] = None,
) -> None:
    """Forecast demand per part and month: lines of part, step and its quantiles."""
    # Scipy takes its time; other commands need none.
    from predict.demand import forecast_demand
    from predict.demand.table import read_table

    levels = _levels(quantiles)
    table = read_table(csv)
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"{len(table.parts)} parts, {len(table.months)} months", total=1.0)
        found = forecast_demand(
            table.demand, horizon, levels, lambda share: bar.update(task, completed=share)
        )
    with opened(out) as file:
        _write(file, table.parts, levels, found)


def _levels(text: str) -> FloatColumn:
    try:
        levels = np.array([float(each) for each in text.replace(",", " ").split()])
    except ValueError as error:
        raise IronpulseError(
            f"--quantiles {text!r} cannot be read: give numbers with commas, like 0.5,0.9."
        ) from error
    if len(set(levels.tolist())) < len(levels):
        raise IronpulseError(f"--quantiles {text!r} names a level twice; name each once.")
    return levels


def _write(file: TextIO, parts: tuple[str, ...], levels: FloatColumn, found: FloatColumn) -> None:
    writer = csv_format.writer(file, lineterminator="\n")
    writer.writerow(["part", "step", *(f"q{level:.10g}" for level in levels)])
    for part, months in zip(parts, found, strict=True):
        for step, row in enumerate(months, start=1):
            writer.writerow([part, step, *(f"{value:.10g}" for value in row)])
