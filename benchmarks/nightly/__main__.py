"""`python -m benchmarks.nightly`: everything that follows from use, for a whole fleet at once."""

from __future__ import annotations

import json
import resource
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from benchmarks.ingest.system import servers
from benchmarks.nightly.fleet import fill, trimmed
from fleet.clock import now_ms
from fleet.loader import load_catalogue
from ironpulse.foreground import says_errors
from ironpulse.stack import LocalStack
from ironpulse.stack.postgres import make_database
from predict.assess import Learned, assess
from predict.worker import CHUNK
from store import wear
from store.connection import Database, connect
from store.migrate import migrate

AIM_MINUTES, AIM_GB = 10, 2


@says_errors
def main(
    machines: Annotated[int, typer.Option(min=1, help="Machines of the fleet.")] = 10_000,
    places: Annotated[int, typer.Option(min=1, help="Fitted parts on each, at most.")] = 12,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Measure the nightly run on a private database."""
    with servers() as stack:
        found = _measure(stack, machines, places)
    if as_json:
        typer.echo(json.dumps({**found, "aim": {"minutes": AIM_MINUTES, "gb": AIM_GB}}))
        return
    typer.echo(
        f"{machines:,} machines, {found['parts']:,} fitted parts: learned in "
        f"{found['learning_s']:.0f} s, assessed in {found['assessing_s']:.0f} s, "
        f"{found['memory_mb']:.0f} MB, {found['findings']:,} findings. "
        f"Aim: {AIM_MINUTES} min, {AIM_GB} GB."
    )


def _measure(stack: LocalStack, machines: int, places: int) -> dict[str, float]:
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
    learned, findings = Learned(), 0
    with Database(url, max_size=1) as database, Progress(console=Console(stderr=True)) as bar:
        begun = time.perf_counter()
        with database.transaction() as connection:
            learned.learn(connection, catalogue, now)
            waiting = [row["id"] for row in wear.machines_to_assess(connection, None)]
            parts = len(wear.live_parts(connection, waiting))
        learning_s = time.perf_counter() - begun
        task = bar.add_task(f"{machines:,} machines", total=len(waiting))
        begun = time.perf_counter()
        for start in range(0, len(waiting), CHUNK):
            chunk = waiting[start : start + CHUNK]
            with database.transaction() as connection:
                findings += len(assess(connection, catalogue, chunk, now, learned))
            bar.advance(task, len(chunk))
    return {
        "machines": machines,
        "parts": parts,
        "learning_s": learning_s,
        "assessing_s": time.perf_counter() - begun,
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "findings": findings,
    }


if __name__ == "__main__":
    typer.run(main)
