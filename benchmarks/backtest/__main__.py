"""`python -m benchmarks.backtest`: samples of 20 signals through 10 rules, per minute and core.

A core-minute is a minute of processor time, of all processes together: it does not depend on what
else the machine is doing, and the time on the wall stands beside it. A quarter of the history goes
first: the memory of both shows how far it grows with the length of history.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.backtest.history import write_history, write_product
from fleet import clock

AIM_MILLIONS = 5.0


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the command: seconds on the wall and of processors, the most memory that one of
    its processes used (MB), and a digest of its report."""

    source: str
    workers: int
    samples: int
    wall_s: float
    cpu_s: float
    memory_mb: float
    digest: str

    @property
    def millions_per_core_minute(self) -> float:
        return self.samples / self.cpu_s * 60 / 1e6

    @property
    def millions_per_minute(self) -> float:
        return self.samples / self.wall_s * 60 / 1e6


def main(
    samples: Annotated[int, typer.Option(min=1000, help="Rows of history.")] = 5_000_000,
    machines: Annotated[int, typer.Option(min=1, help="Machines they are of.")] = 200,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of a table.")] = False,
) -> None:
    """Measure the command itself, from its start to its end, on CSV and Parquet."""
    runs = []
    cores = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        product = write_product(folder)
        for ending in ("csv", "parquet"):
            path = folder / f"history.{ending}"
            for count, crews in ((samples // 4, {cores}), (samples, {1, cores})):
                write_history(path, count, machines, seed=1)
                runs += [_run(product, path, workers, count) for workers in sorted(crews)]
            path.unlink()
    if as_json:
        told = [
            {**asdict(run), "millions_per_core_minute": run.millions_per_core_minute}
            for run in runs
        ]
        typer.echo(json.dumps(told, indent=1))
    else:
        Console(width=120).print(_table(runs))


def _run(product: Path, history: Path, workers: int, samples: int) -> Run:
    out = product.parent / "report.json"
    command = [sys.executable, "-m", "ironpulse", "backtest", "rules"]
    command += ["--product", str(product), "--csv", str(history), "--workers", str(workers)]
    begun = clock.monotonic_s()
    with subprocess.Popen(
        [*command, "--json", "--out", str(out)], stderr=subprocess.DEVNULL
    ) as process:
        # Of this run alone: what getrusage says of children is the most of all runs so far.
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    wall_s = clock.monotonic_s() - begun
    cpu_s = used.ru_utime + used.ru_stime
    found = json.loads(out.read_text(encoding="utf-8"))
    assert found["samples"] >= samples, "the report does not account for every sample"
    found["source"].pop("file")
    digest = hashlib.sha256(json.dumps(found).encode()).hexdigest()[:8]
    return Run(
        history.suffix[1:], workers, found["samples"], wall_s, cpu_s,
        used.ru_maxrss / 1024, digest,
    )  # fmt: skip


def _table(runs: list[Run]) -> Table:
    title = f"Backtest of 20 signals and 10 rules; aim {AIM_MILLIONS:g} million per core-minute"
    table = Table(title=title, title_justify="left")
    for name in ("source", "workers", "samples", "wall s", "cpu s", "M/min on the wall",
                 "M/core-minute", "memory MB", "report"):  # fmt: skip
        table.add_column(name, justify="right", overflow="fold")
    for run in runs:
        table.add_row(
            run.source, str(run.workers), f"{run.samples:,}", f"{run.wall_s:.1f}",
            f"{run.cpu_s:.1f}", f"{run.millions_per_minute:.1f}",
            f"{run.millions_per_core_minute:.1f}", f"{run.memory_mb:.0f}", run.digest,
        )  # fmt: skip
    return table


if __name__ == "__main__":
    typer.run(main)
