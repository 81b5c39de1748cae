"""`python -m benchmarks.life_fleet`: remaining lives of a simulated fleet, judged by what came."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.life_fleet.chance import AIM
from benchmarks.life_fleet.protocol import LEAST, LEAST_TOLD, Found, Kind, study
from benchmarks.life_fleet.view import View
from fleet.loader import load_catalogue
from ironpulse.foreground import says_errors
from simulators.years import simulate_years

START = date(2023, 1, 1)
#: Learned from two years, asked about in the third; three more show what became of the parts.
LEARN_DAY, LAST_DAY, DAYS = 730, 1095, 6 * 365


def measure(machines: int, seed: int) -> Found:
    """The study of one simulated fleet."""
    plans = load_catalogue(Path(__file__).parents[2] / "products").plans
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"six years of {machines} machines", total=1.0)
        view = View(simulate_years(plans, machines, DAYS, START, seed), plans)
        bar.update(task, description="kinds of parts")
        return study(view, LEARN_DAY, LAST_DAY, lambda done: bar.update(task, completed=done))


def as_tables(found: Found, everything: bool) -> list[Table]:
    """Coverage by part (all, or the widest off), errors by share of life, and what signs change."""
    return [_kinds(found, everything), _errors(found), _signs(found)]


def _kinds(found: Found, everything: bool) -> Table:
    kinds = [kind for kind in found.kinds if kind.judged >= LEAST]
    kinds.sort(key=lambda kind: kind.in_use)
    shown = kinds if everything else [*kinds[:8], *kinds[-8:]]
    title = "Inside the 80 % interval" + ("" if everything else ", furthest off")
    table = Table(title=title, title_justify="left")
    names = ("ended", "judged", "in use", "as dates", "plan + doubt", "plan alone", "exact")
    for column in ("product", "part", *names):
        table.add_column(column, justify="right" if column in names else "left")
    for kind in shown:
        counts = (str(kind.ended), str(kind.judged))
        table.add_row(kind.product, kind.part, *counts, *_shares(kind))
    table.add_row("all", "", "", "", *_shares(found), style="bold")
    return table


def _shares(of: Kind | Found) -> list[str]:
    shares = (of.in_use, of.in_dates, of.doubted_in_use, of.plan_in_use, of.exact_in_use)
    return [f"{share:.1%}" for share in shares]


def _errors(found: Found) -> Table:
    table = Table(title="Median error of the predicted life", title_justify="left")
    names = ("parts", "P50", "plan alone", "exact")
    for column in ("at share", "of life", *names):
        table.add_column(column, justify="right" if column in names else "left")
    for each in found.errors:
        off = (f"{error:.1%}" for error in (each.p50, each.plan, each.exact))
        table.add_row(f"{each.share:.0%}", each.of, str(each.judged), *off)
    return table


def _signs(found: Found) -> Table:
    table = Table(title="What condition and alarms change", title_justify="left")
    names = ("parts", "inside without", "inside with", "width", "P50 off without", "with")
    for column in ("sign", *names):
        table.add_column(column, justify="right" if column in names else "left")
    for each in found.signs:
        shares = (each.inside_before, each.inside, each.width, each.off_before, each.off)
        table.add_row(each.sign, str(each.judged), *(f"{s:.1%}" for s in shares))
    return table


@says_errors
def main(
    machines: Annotated[int, typer.Option(min=20, help="Machines of the fleet.")] = 500,
    seed: Annotated[int, typer.Option(help="Seed of the simulated fleet.")] = 2026,
    everything: Annotated[bool, typer.Option("--all", help="Every kind of part.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Measure remaining lives on a simulated fleet over three years."""
    start = time.perf_counter()
    found = measure(machines, seed)
    seconds = time.perf_counter() - start
    if as_json:
        typer.echo(json.dumps({**asdict(found), "aim": AIM, "seed": seed, "seconds": seconds}))
        return
    console = Console()
    for table in as_tables(found, everything):
        console.print(table)
    held = found.held
    console.print(
        f"{held.found} of {held.kinds} kinds of {LEAST_TOLD} parts or more lie within 76 to 84 %. "
        f"Chance alone would leave {held.by_chance:.0f}, what the models know they do not know "
        f"{held.by_belief:.0f}; exact knowledge has {held.exact}."
    )
    console.print(
        f"Dates of parts worn out within a year: P50 off by {found.days_off:.0f} days, the plan's "
        f"life at the recent pace by {found.plan_days_off:.0f} (medians). {seconds:.0f} s. "
        "Aim: 76 to 84 % inside."
    )


if __name__ == "__main__":
    typer.run(main)
