"""`python -m benchmarks.stock`: simple rule against the plan at equal fill rate, three years."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table

from benchmarks.stock.study import FILL, Figures, at_fill, cores, medians, run
from fleet.loader import load_catalogue

PRODUCTS = Path(__file__).parents[2] / "products"
AIM = {"stock": -0.40, "waited": -0.50}
#: Fleets that nothing was tuned on.
SEEDS = (20263, 20264, 20265)
Study = dict[str, dict[float, Figures]]


def compared(found: Sequence[Study]) -> dict[str, Figures]:
    """Medians over the fleets of both policies at equal fill rate, and as they come."""
    return {
        f"simple rule at {FILL:.0%}": medians([at_fill(each["rule"]) for each in found]),
        f"plan at {FILL:.0%}": medians([at_fill(each["plan"]) for each in found]),
        "simple rule as in use (3 months)": medians([each["rule"][3.0] for each in found]),
        "plan, a missed piece at its cost": medians([each["plan"][0.0] for each in found]),
    }


def changes(found: Sequence[Study], *, at_cost: bool = False) -> dict[str, list[float]]:
    """What the plan changes against the rule, which serves FILL, as shares, fleet by fleet: at
    equal fill rate, or as the plan's costs have it."""
    pairs = [
        (at_fill(each["rule"]), each["plan"][0.0] if at_cost else at_fill(each["plan"]))
        for each in found
    ]
    return {
        name: [getattr(plan, name) / getattr(rule, name) - 1 if getattr(rule, name) else 0.0
               for rule, plan in pairs]
        for name in ("stock", "dead", "waited")
    }  # fmt: skip


def as_json(found: Sequence[Study], seconds: float, **settings: Any) -> dict[str, Any]:
    """Everything the study found."""
    return {
        "settings": settings,
        "seconds": round(seconds, 1),
        "fill": FILL,
        "aim": AIM,
        "change": changes(found),
        "change_at_cost": changes(found, at_cost=True),
        "medians": {name: asdict(each) for name, each in compared(found).items()},
        "by_scale": [
            {name: [asdict(x) for x in each.values()] for name, each in study.items()}
            for study in found
        ],
    }


def as_table(found: Sequence[Study], title: str) -> Table:
    """The same for people."""
    table = Table(title=title, title_justify="left")
    heads = ("fill rate", "stock, ¥1,000", "dead, ¥1,000", "machine-days waited", "hurried",
             "their premium, ¥1,000", "moved", "scale")  # fmt: skip
    table.add_column("policy")
    for head in heads:
        table.add_column(head, justify="right")
    for name, each in compared(found).items():
        table.add_row(name, f"{each.fill:.2%}", f"{each.stock / 1000:,.0f}",
                      f"{each.dead / 1000:,.0f}", f"{each.waited:,.0f}", f"{each.hurried:,.0f}",
                      f"{each.premium / 1000:,.0f}", f"{each.moved:,.0f}",
                      f"{each.scale:.2f}")  # fmt: skip
    for at_cost, name in ((False, "change at equal fill"), (True, "change, plan at its cost")):
        change = changes(found, at_cost=at_cost).values()
        table.add_row(f"{name}, median", "", *(f"{median(each):+.0%}" for each in change))
        table.add_row("best to worst", "",
                      *(f"{min(each):+.0%} to {max(each):+.0%}" for each in change))  # fmt: skip
    return table


def _advance(bar: Progress, task: TaskID, done: int, share: float) -> None:
    bar.update(task, completed=done + share)


def main(
    machines: Annotated[int, typer.Option(min=10, help="Machines of the fleet.")] = 500,
    days: Annotated[int, typer.Option(min=120, help="Days that are judged.")] = 1080,
    seed: Annotated[list[int] | None, typer.Option(help="Of a fleet; several: medians.")] = None,
    review: Annotated[int, typer.Option(min=1, help="Days between two looks at the stock.")] = 30,
    small: Annotated[bool, typer.Option(help="120 machines, one year: a first look.")] = False,
    as_object: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Simulate both policies at several scales and compare them at equal fill rate."""
    start = time.perf_counter()
    seeds = seed or SEEDS
    machines, days = (120, 360) if small else (machines, days)
    catalogue = load_catalogue(PRODUCTS)
    found: list[Study] = []
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"{machines} machines, {days} days", total=float(len(seeds)))
        for each in seeds:
            found.append(
                run(
                    catalogue,
                    machines,
                    days,
                    each,
                    review,
                    cores(),
                    partial(_advance, bar, task, len(found)),
                )
            )
    seconds = time.perf_counter() - start
    if as_object:
        settings = {"machines": machines, "days": days, "seeds": seeds, "review_days": review}
        typer.echo(json.dumps(as_json(found, seconds, **settings)))
        return
    title = (
        f"{machines} machines, {days} days, seeds {', '.join(map(str, seeds))}, looked at every "
        f"{review} days, {seconds:.0f} s; aim: stock {AIM['stock']:+.0%}, waiting "
        f"{AIM['waited']:+.0%}"
    )
    Console(width=max(150, Console().width)).print(as_table(found, title))


if __name__ == "__main__":
    typer.run(main)
