"""`python -m benchmarks.stock`: simple rule against the plan at equal fill rate, three years."""

from __future__ import annotations

import os

# The work is spread over processes already; threads of the linear algebra would only fight.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import json  # noqa: E402
import time  # noqa: E402
from dataclasses import asdict  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Annotated, Any  # noqa: E402

import typer  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.progress import Progress  # noqa: E402
from rich.table import Table  # noqa: E402

from benchmarks.stock.study import FILL, Figures, at_fill, cores, run  # noqa: E402
from fleet.loader import load_catalogue  # noqa: E402

PRODUCTS = Path(__file__).parents[2] / "products"
AIM = {"stock": -0.40, "waited": -0.50}
Study = dict[str, dict[float, Figures]]


def changes(found: Study) -> dict[str, float]:
    """What the plan changes against the rule at equal fill rate, as shares."""
    rule, plan = at_fill(found["rule"]), at_fill(found["plan"])
    return {
        name: getattr(plan, name) / getattr(rule, name) - 1 if getattr(rule, name) else 0.0
        for name in ("stock", "dead", "waited")
    }


def as_json(found: Study, seconds: float, **settings: Any) -> dict[str, Any]:
    """Everything the study found."""
    return {
        "settings": settings,
        "seconds": round(seconds, 1),
        "fill": FILL,
        "aim": AIM,
        "change": {name: round(each, 4) for name, each in changes(found).items()},
        "at_fill": {name: asdict(at_fill(each)) for name, each in found.items()},
        "by_scale": {name: [asdict(x) for x in each.values()] for name, each in found.items()},
    }


def as_table(found: Study, title: str) -> Table:
    """The same for people."""
    table = Table(title=title, title_justify="left")
    heads = ("fill rate", "stock, ¥1,000", "dead, ¥1,000", "machine-days waited", "hurried",
             "moved", "scale")  # fmt: skip
    table.add_column("policy")
    for head in heads:
        table.add_column(head, justify="right")
    rows = [("simple rule as in use (3 months)", found["rule"][3.0])]
    rows += [("plan at the product plans' levels", found["plan"][1.0])]
    rows += [(f"simple rule at {FILL:.0%}", at_fill(found["rule"]))]
    rows += [(f"plan at {FILL:.0%}", at_fill(found["plan"]))]
    for name, each in rows:
        table.add_row(name, f"{each.fill:.2%}", f"{each.stock / 1000:,.0f}",
                      f"{each.dead / 1000:,.0f}", f"{each.waited:,.0f}", f"{each.hurried:,.0f}",
                      f"{each.moved:,.0f}", f"{each.scale:.2f}")  # fmt: skip
    change = changes(found)
    table.add_row("change", "", *(f"{change[name]:+.0%}" for name in ("stock", "dead", "waited")))
    return table


def main(
    machines: Annotated[int, typer.Option(min=10, help="Machines of the fleet.")] = 500,
    days: Annotated[int, typer.Option(min=120, help="Days that are judged.")] = 1080,
    seed: Annotated[int, typer.Option(help="Of the fleet; none was tuned on.")] = 20263,
    review: Annotated[int, typer.Option(min=1, help="Days between two looks at the stock.")] = 30,
    as_object: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Simulate both policies at several scales and compare them at equal fill rate."""
    start = time.perf_counter()
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"{machines} machines, {days} days", total=1.0)
        found = run(load_catalogue(PRODUCTS), machines, days, seed, review, cores(),
                    lambda share: bar.update(task, completed=share))  # fmt: skip
    seconds = time.perf_counter() - start
    if as_object:
        settings = {"machines": machines, "days": days, "seed": seed, "review_days": review}
        typer.echo(json.dumps(as_json(found, seconds, **settings)))
        return
    title = (
        f"{machines} machines, {days} days, looked at every {review} days, {seconds:.0f} s; "
        f"aim: stock {AIM['stock']:+.0%}, waiting {AIM['waited']:+.0%}"
    )
    Console(width=max(132, Console().width)).print(as_table(found, title))


if __name__ == "__main__":
    typer.run(main)
