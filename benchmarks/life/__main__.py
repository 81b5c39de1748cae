"""`python -m benchmarks.life`: C-MAPSS FD001, beside the published figures."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.life.protocol import CAP, Figures, engines, judge
from benchmarks.shared_data import shared_data
from ironpulse.foreground import says_errors
from predict.learned import LearnedLife, learn

AIM = {"rmse": 11.5, "coverage": (0.76, 0.84)}
#: RMSE and score as published.
PUBLISHED = {
    "SVR": (20.96, 1380),
    "deep LSTM, 2017": (16.14, 338),
    "AGCNN": (12.42, 226),
    "LightGBM, 2026": (12.52, 239),
    "MS-DCNN": (11.44, 196),
    "MTSTAN": (10.97, 175),
}


def measure() -> tuple[Figures, Figures, float]:
    """Figures on the test engines, figures by cross-validation over the training engines, and the
    seconds of learning."""
    folder = shared_data("cmapss-fd001")
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("learning from 100 engines", total=1.0)
        start = time.perf_counter()
        model = learn(
            engines(folder / "train_FD001.txt"), CAP, lambda done: bar.update(task, completed=done)
        )
        seconds = time.perf_counter() - start
    answers = model.answer(engines(folder / "test_FD001.txt"))
    true = np.loadtxt(folder / "RUL_FD001.txt")
    return judge(true, answers.mean, answers.quantiles), _inside(model), seconds


def as_table(test: Figures, inside: Figures) -> Table:
    """RMSE and score beside what others published."""
    table = Table(title="Remaining life, C-MAPSS FD001, cycles", title_justify="left")
    for column in ("", "RMSE", "score", "RMSE uncapped", "score uncapped"):
        table.add_column(column, justify="right" if column else "left")
    for name, (rmse, score) in PUBLISHED.items():
        table.add_row(name, f"{rmse:.2f}", f"{score:.0f}")
    for name, each in (("Ironpulse", test), ("Ironpulse, cross-validated", inside)):
        figures = (each.rmse, each.score, each.rmse_uncapped, each.score_uncapped)
        table.add_row(name, *(f"{figure:.2f}" for figure in figures))
    return table


def interval_table(test: Figures) -> Table:
    """Coverage and width of the intervals on the test engines."""
    table = Table(title="Intervals of the test engines", title_justify="left")
    for column in ("stated", "hold", "width", f"hold, cut at {CAP:g}", f"width, cut at {CAP:g}"):
        table.add_column(column, justify="right")
    for each in test.intervals:
        shares = (each.coverage, each.coverage_capped)
        hold, hold_capped = (f"{share:.1%}" for share in shares)
        widths = (f"{each.width:.1f}", f"{each.width_capped:.1f}")
        table.add_row(f"{each.stated:.0%}", hold, widths[0], hold_capped, widths[1])
    return table


def _inside(model: LearnedLife) -> Figures:
    """The product's predictions for engines left out of learning, cut at one random row each."""
    off = model.residuals
    rng = np.random.default_rng(0)
    cut = [rng.choice(np.flatnonzero(off.unit == unit)) for unit in np.unique(off.unit)]
    true = (off.predicted + off.excess)[cut]
    return judge(true, off.predicted[cut], model.intervals(off.predicted[cut]))


@says_errors
def main(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Measure the product's learned remaining life on C-MAPSS FD001."""
    test, inside, seconds = measure()
    if as_json:
        found = {"test": asdict(test), "cross_validated": asdict(inside), "seconds": seconds}
        typer.echo(json.dumps({**found, "published": PUBLISHED, "aim": AIM}))
        return
    console = Console()
    console.print(as_table(test, inside))
    console.print(interval_table(test))
    console.print(f"Learned in {seconds:.0f} s. Aim: RMSE at most 11.5, 80 % hold 76 to 84 %.")


if __name__ == "__main__":
    typer.run(main)
