"""`python -m benchmarks.nightly`: everything that follows from use, for a whole fleet at once, and
the parts plan that is made of it."""

from __future__ import annotations

import json
import os
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from benchmarks.ingest.processes import peak_bytes, tree
from benchmarks.ingest.system import servers
from benchmarks.nightly.fleet import fill, trimmed
from benchmarks.nightly.planned import planned
from fleet.clock import now_ms
from fleet.loader import load_catalogue
from ironpulse.assess import assess_fleet
from ironpulse.backtest.spread import Crew, crew_of
from ironpulse.foreground import says_errors
from ironpulse.stack import LocalStack
from ironpulse.stack.postgres import make_database
from predict.nightly import begin
from store import wear
from store.connection import connect
from store.migrate import migrate

AIM_MINUTES, AIM_GB = 10, 2


@says_errors
def main(
    machines: Annotated[int, typer.Option(min=1, help="Machines of the fleet.")] = 10_000,
    places: Annotated[int, typer.Option(min=1, help="Fitted parts on each, at most.")] = 12,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; as many as there are cores.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler on this machine.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Measure the nightly run on a private database."""
    with servers() as stack, crew_of(workers, scheduler) as crew:
        found = _measure(stack, crew, machines, places)
    if as_json:
        typer.echo(json.dumps({**found, "aim": {"minutes": AIM_MINUTES, "gb": AIM_GB}}))
        return
    typer.echo(
        f"{machines:,} machines, {found['parts']:,} fitted parts: learned in "
        f"{found['learning_s']:.0f} s, assessed in {found['assessing_s']:.0f} s by "
        f"{found['processes']} processes, "
        f"{found['memory_mb']:.0f} MB, {found['findings']:,} findings. Parts plan in "
        f"{found['plan_s']:.0f} s and {found['plan_mb']:.0f} MB. "
        f"Aim: {AIM_MINUTES} min, {AIM_GB} GB."
    )


def _measure(stack: LocalStack, crew: Crew, machines: int, places: int) -> dict[str, float]:
    catalogue = trimmed(load_catalogue(Path(__file__).parents[2] / "products"), places)
    base = stack.addresses.database_url.rsplit("/", 1)[0]
    make_database(f"{base}/postgres", "nightly")
    url = f"{base}/nightly"
    with connect(url) as connection:
        connection.execute("create extension if not exists timescaledb")
    migrate(url, catalogue)
    now = now_ms()
    with connect(url) as connection, connection.transaction():
        fill(connection, catalogue, machines, now)
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task(f"{machines:,} machines", total=machines)
        begun = time.perf_counter()
        night, portions = begin(url, now)
        learning_s = time.perf_counter() - begun
        begun = time.perf_counter()
        found = assess_fleet(crew, night, portions, lambda done: bar.advance(task, done))
    assessing_s = time.perf_counter() - begun
    servers_own = {each for pid in stack.pids.values() for each in tree(pid)}
    with ProcessPoolExecutor(1, get_context("spawn")) as alone:
        plan_s, plan_bytes = alone.submit(planned, url, now).result()
    with connect(url) as connection:
        parts = len(wear.live_parts(connection, [m for portion in portions for m in portion]))
    return {
        "machines": machines,
        "parts": parts,
        "learning_s": learning_s,
        "assessing_s": assessing_s,
        "processes": crew.size,
        "memory_mb": peak_bytes(set(tree(os.getpid())) - servers_own) / 2**20,
        "findings": found.findings,
        "plan_s": plan_s,
        "plan_mb": plan_bytes / 2**20,
    }


if __name__ == "__main__":
    typer.run(main)
