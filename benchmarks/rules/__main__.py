"""`python -m benchmarks.rules`: samples a second through the rules of all plans.

One worker judges samples that wait in the store, as it does live: it reads the ingest log and the
samples, folds them, and writes states, what is known of machines, alarms and its cursor. Beside it
the fold alone, of the same samples in the same portions.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.ingest.system import servers
from benchmarks.rules.fill import Crew, commits, crews, store
from benchmarks.rules.fold import fold_alone
from benchmarks.rules.past import PERIOD_MS, costs
from fleet import clock
from fleet.clock import MS_PER_HOUR
from fleet.loader import load_catalogue
from fleet.plan import Catalogue
from ironpulse.demo import registry
from ironpulse.foreground import says_errors
from ironpulse.stack.postgres import make_database
from rules.live.worker import Worker
from simulators.fleet import demo_fleet
from store.connection import Connection, Database, connect
from store.migrate import migrate

ROOT = Path(__file__).parents[2]
#: What rules are to keep up with: twice what the ingestion is to take, samples a second.
AIMS = {"one sample in a message": 40_000, "ten samples in a message": 200_000}
#: Samples in a commit of the ingestion at its full rate, in 50 ms.
_IN_COMMIT = {"one sample in a message": 1_000, "ten samples in a message": 5_000}
_WARM_ROUNDS, _WARM_PERIOD_MS = 20, 1_000


@dataclass(frozen=True, slots=True)
class Found:
    """Samples a second; `worker_share` is how much of the live time the worker's own processor was
    busy: the rest it waited for the database."""

    said: str
    samples: int
    live: float
    worker_share: float
    fold: float
    aim: int


@says_errors
def main(
    machines: Annotated[int, typer.Option(min=50, help="Machines of all products.")] = 2_000,
    samples: Annotated[int, typer.Option(min=1_000, help="Samples that wait, of each kind.")] = (
        300_000
    ),
    past: Annotated[
        int, typer.Option(min=0, help="Instead: the cost of windows after so many hours.")
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Measure on new servers; windows that have a past, without any."""
    if past:
        _print_costs(past, as_json=as_json)
        return
    with servers() as stack, Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=len(AIMS))
        found: list[Found] = []
        for said in AIMS:
            progress.update(task, description=said)
            base = stack.addresses.database_url.rsplit("/", 1)[0]
            name = f"rules_{len(found)}"
            make_database(f"{base}/postgres", name)
            found.append(_measure(f"{base}/{name}", said, machines, samples))
            progress.advance(task)
    if as_json:
        for one in found:
            typer.echo(json.dumps(asdict(one)))
        return
    Console().print(_table(found, machines))


def _print_costs(hours: int, *, as_json: bool) -> None:
    catalogue = load_catalogue(ROOT / "products")
    fleet = demo_fleet(catalogue.plans, 500, today=datetime(2026, 6, 1).date())
    ids = {machine.serial: number for number, machine in enumerate(fleet.machines, start=1)}
    found = costs(catalogue, crews(catalogue, fleet.machines, ids), fleet.machines, ids, hours)
    if as_json:
        for one in found:
            typer.echo(json.dumps(asdict(one)))
        return
    table = Table(title=f"Machines that have reported every {PERIOD_MS // 1000} s for {hours} h")
    for name in ("", "us a sample", "MB held a machine"):
        table.add_column(name, justify="right" if name else "left")
    for one in found:
        table.add_row(one.product, f"{one.sample_us:,.0f}", f"{one.bytes_held / 1e6:.2f}")
    Console().print(table)


def _measure(url: str, said: str, machines: int, samples: int) -> Found:
    with connect(url) as connection:
        connection.execute("create extension if not exists timescaledb")
    catalogue = load_catalogue(ROOT / "products")
    migrate(url, catalogue)
    fleet = demo_fleet(catalogue.plans, machines, today=datetime(2026, 6, 1).date())
    own = crews(catalogue, fleet.machines, registry.register(url, fleet))
    start, in_commit = clock.now_ms() - MS_PER_HOUR, _IN_COMMIT[said]
    rounds = max(samples // machines, 1)
    # A machine speaks as often as it must for the messages of all to be 20,000 a second.
    period_ms = max(machines // 20, 1)
    after = start + _WARM_ROUNDS * _WARM_PERIOD_MS
    with connect(url) as connection, Database(url) as database:
        worker = Worker(database)
        _fill(connection, catalogue, own, start, _WARM_ROUNDS, _WARM_PERIOD_MS, 10 * in_commit)
        _judge(worker)  # states are in memory, as they are live
        waiting = _fill(connection, catalogue, own, after, rounds, period_ms, in_commit)
        wall_s, cpu_s = _judge(worker)
        warm = commits(own, start, _WARM_ROUNDS, _WARM_PERIOD_MS, 10 * in_commit)
        timed = commits(own, after, rounds, period_ms, in_commit)
        fold_s = fold_alone(connection, catalogue, warm, timed)
    return Found(said, waiting, waiting / wall_s, cpu_s / wall_s, waiting / fold_s, AIMS[said])


def _fill(
    connection: Connection, catalogue: Catalogue, own: dict[str, Crew],
    start_ms: int, rounds: int, period_ms: int, in_commit: int,
) -> int:  # fmt: skip
    made = commits(own, start_ms, rounds, period_ms, in_commit)
    return sum(store(connection, catalogue, commit) for commit in made)


def _judge(worker: Worker) -> tuple[float, float]:
    """Seconds on the wall, and of this process, until nothing waits."""
    began, cpu = clock.monotonic_s(), time.process_time()
    while worker.step():
        pass
    return clock.monotonic_s() - began, time.process_time() - cpu


def _table(found: list[Found], machines: int) -> Table:
    table = Table(title=f"One worker, {machines:,} machines of five products, samples a second")
    for name in ("", "live", "of the aim", "worker at work", "fold alone"):
        table.add_column(name, justify="right" if name else "left")
    for one in found:
        table.add_row(
            one.said, f"{one.live:,.0f}", f"{one.live / one.aim:.2f} of {one.aim:,}",
            f"{one.worker_share:.0%}", f"{one.fold:,.0f}",
        )  # fmt: skip
    return table


if __name__ == "__main__":
    typer.run(main)
