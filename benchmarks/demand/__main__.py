"""`python -m benchmarks.demand`: carparts, beside the reference rows computed in the same run."""

from __future__ import annotations

import json
import time
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.demand.protocol import LEVELS, TEST_MONTHS, Row, judge, split
from benchmarks.shared_data import shared_data
from fleet.batch import FloatColumn
from fleet.errors import IronpulseError
from predict.demand import forecast_demand
from predict.demand.simple import (
    Steps,
    always_zero,
    discounted_negative_binomial,
    static_quantiles,
)
from predict.demand.table import read_table

AIM = 0.83
REFERENCES = {
    "static empirical quantile": static_quantiles,
    "static negative binomial": discounted_negative_binomial(0.0),
    "exponentially weighted negative binomial, alpha 0.1": discounted_negative_binomial(0.1),
    "always zero": always_zero,
}
#: As published with the protocol.
PUBLISHED = {
    "static negative binomial": (1.00, 0.984, 0.995, 1.01, 0.964),
    "exponentially weighted negative binomial, alpha 0.1": (0.923, 0.836, 0.842, 0.861, 0.844),
    "always zero": (0.89, 1.08, 1.47, 2.21, 6.06),
}


def measure(train: FloatColumn, test: FloatColumn) -> tuple[list[Row], float]:
    """Rows of the product's forecast and the references, and the seconds the product took."""
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"{len(train)} parts", total=1.0)
        start = time.perf_counter()
        said = forecast_demand(
            train, TEST_MONTHS, LEVELS, lambda share: bar.update(task, completed=share)
        )
        seconds = time.perf_counter() - start
    steps = Steps(1, TEST_MONTHS)
    references = {name: each(train, steps, LEVELS) for name, each in REFERENCES.items()}
    yardstick = references["static empirical quantile"]
    rows = {"Ironpulse": said, **references}
    return [judge(name, each, yardstick, test) for name, each in rows.items()], seconds


def as_json(rows: list[Row], parts: int, seconds: float) -> dict[str, Any]:
    """Everything the protocol names."""
    return {
        "parts": parts,
        "levels": LEVELS.tolist(),
        "seconds": round(seconds, 2),
        "aim": AIM,
        "rows": [
            {
                "name": row.name,
                "ratios": [round(float(each), 4) for each in row.ratios],
                "mean_ratio": round(row.mean_ratio, 4),
                "coverage": [round(float(each), 4) for each in row.coverage],
                "published": PUBLISHED.get(row.name),
            }
            for row in rows
        ],
    }


def as_table(rows: list[Row], parts: int, seconds: float) -> Table:
    """The same for people."""
    table = Table(
        title=f"carparts, {parts} parts, last {TEST_MONTHS} months; aim: mean <= {AIM}; "
        f"the product's forecast took {seconds:.1f} s",
        title_justify="left",
    )
    table.add_column("pinball loss by static empirical quantile")
    for head in (*(f"{level:g}" for level in LEVELS), "mean .8-.99", "in .9", "in .95", "in .99"):
        table.add_column(head, justify="right")
    for row in rows:
        figures = (*row.ratios, row.mean_ratio, *row.coverage)
        table.add_row(row.name, *(f"{each:.3f}" for each in figures))
        if row.name in PUBLISHED:
            table.add_row("  as published", *(f"{each:.3f}" for each in PUBLISHED[row.name]))
    return table


def main(
    as_object: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Forecast the last six months of carparts and judge the quantiles."""
    try:
        table = read_table(shared_data("carparts/carparts.csv"))
    except IronpulseError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    train, test = split(table.demand)
    rows, seconds = measure(train, test)
    if as_object:
        typer.echo(json.dumps(as_json(rows, len(train), seconds)))
        return
    Console(width=max(132, Console().width)).print(as_table(rows, len(train), seconds))


if __name__ == "__main__":
    typer.run(main)
