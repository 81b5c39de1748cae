"""`python -m benchmarks.skab`: the product's detector beside references and published figures."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.shared_data import shared_data
from benchmarks.skab.protocol import (
    TRAIN_ROWS,
    Figures,
    Recording,
    Verdicts,
    figures,
    read_recordings,
    with_normal_rows,
)
from benchmarks.skab.references import PUBLISHED, plain_mahalanobis, t2, t2_and_q
from fleet.errors import IronpulseError
from rules.detectors import judge_columns

SEED = 1


def ironpulse(recording: Recording) -> Verdicts:
    """The product's own detector with its default settings."""
    judged = judge_columns(recording.names, recording.values, TRAIN_ROWS)
    return np.concatenate([chunk.verdict for chunk in judged])


METHODS: dict[str, Callable[[Recording], Verdicts]] = {
    "Ironpulse": ironpulse,
    "plain Mahalanobis": lambda recording: plain_mahalanobis(recording.values),
    "T2+Q (PCA), recomputed": lambda recording: t2_and_q(recording.values),
    "T2, recomputed": lambda recording: t2(recording.values),
}


def measure(recordings: list[Recording]) -> dict[str, dict[str, Figures]]:
    """Figures per method, on the recordings and with the inserted normal rows."""
    sets = {
        "as recorded": recordings,
        "300 normal rows inserted": [
            with_normal_rows(recording, SEED + at) for at, recording in enumerate(recordings)
        ],
    }
    found: dict[str, dict[str, Figures]] = {}
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("recordings", total=2 * len(METHODS) * len(recordings))
        for name, answer in METHODS.items():
            for title, files in sets.items():
                verdicts = []
                for recording in files:
                    verdicts.append(answer(recording))
                    bar.advance(task)
                found.setdefault(title, {})[name] = figures(files, verdicts)
    return found


def table(title: str, found: dict[str, Figures]) -> Table:
    shown = Table(title=title, title_justify="left")
    for column in ("method", "F1", "FAR %", "MAR %", "NAB standard", "low FP", "low FN"):
        shown.add_column(column, justify="left" if column == "method" else "right")
    for name, each in found.items():
        points = (f"{each.f1:.3f}", f"{each.far:.2f}", f"{each.mar:.2f}")
        shown.add_row(name, *points, *(f"{score:.2f}" for score in each.nab.values()))
    return shown


def published() -> Table:
    shown = Table(title="As published", title_justify="left")
    for column in ("method", "F1", "FAR %", "MAR %", "NAB standard"):
        shown.add_column(column, justify="left" if column == "method" else "right")
    for name, row in PUBLISHED.items():
        shown.add_row(name, *(f"{value:.2f}" for value in row))
    return shown


def main(as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False) -> None:
    """Measure on all 34 recordings."""
    try:
        recordings = read_recordings(shared_data("skab"))
    except IronpulseError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    found = measure(recordings)
    if as_json:
        result: dict[str, Any] = {
            title: {name: asdict(each) for name, each in rows.items()}
            for title, rows in found.items()
        }
        typer.echo(json.dumps(result | {"published": PUBLISHED}))
        return
    console = Console()
    for title, rows in found.items():
        console.print(table(f"{len(recordings)} recordings, {title}", rows))
    console.print(published())


if __name__ == "__main__":
    typer.run(main)
