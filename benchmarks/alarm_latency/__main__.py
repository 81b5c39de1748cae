"""`python -m benchmarks.alarm_latency`: from publishing to the API's answer, at a rate."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from benchmarks.alarm_latency.measure import GRACE_S, POLL_S, RULE, Offer, Result, measure
from ironpulse.foreground import says_errors

AIM_P99_MS = 1000.0


@says_errors
def main(
    machines: Annotated[int, typer.Option(min=50, help="Machines of all products.")] = 2_000,
    rate: Annotated[float, typer.Option(min=1, help="Messages a second.")] = 5_000,
    seconds: Annotated[float, typer.Option(min=5, help="How long they are published.")] = 90,
    alarms: Annotated[int, typer.Option(min=5, help="Alarms at scripted moments.")] = 200,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Measure on new servers, with broker, ingest, rules and API as they run in production."""
    with Progress(console=Console(stderr=True), transient=True) as progress:
        found = measure(Offer(machines, rate, seconds, alarms), progress)
    if as_json:
        quantiles = {"p50_ms": found.quantile(0.5), "p99_ms": found.quantile(0.99)}
        typer.echo(json.dumps(asdict(found) | {"unseen": found.unseen} | quantiles))
        return
    _print(found, machines)


def _print(found: Result, machines: int) -> None:
    console = Console()
    console.print(
        f"{machines:,} machines of five products, {found.rate:,.0f} messages/s published, "
        f"{found.judged:,.0f} samples/s judged meanwhile, {found.behind:,} waiting for the rules "
        "at the end"
    )
    console.print(
        f"{len(found.latencies_ms)} alarms ({RULE}), from publishing to the API's answer, asked "
        f"every {POLL_S * 1000:.0f} ms: p50 {found.quantile(0.5):.0f} ms, p99 "
        f"{found.quantile(0.99):.0f} ms (aim {AIM_P99_MS:.0f}), {found.unseen} not seen within "
        f"{GRACE_S:.0f} s of the end"
    )
    committed, taken, answered = found.stages_ms
    console.print(
        f"medians on the way: to the commit {committed:.0f} ms, until the rules take it up "
        f"{taken:.0f} ms, judged, written and asked for {answered:.0f} ms"
    )
    busy = ", ".join(f"{name} {cores:.2f}" for name, cores in found.cores.items())
    console.print(
        f"processors kept busy: {busy}; {sum(found.cores.values()):.2f} of {os.cpu_count()}"
    )


if __name__ == "__main__":
    typer.run(main)
