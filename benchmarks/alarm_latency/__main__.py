"""`python -m benchmarks.alarm_latency`: from publishing to the API's answer, at a rate."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from benchmarks.alarm_latency.measure import POLL_S, RULE, Offer, Result, measure
from ironpulse.foreground import says_errors

AIM_P99_MS = 1000.0
#: Messages a second that the ingestion is to take, one sample each.
INGEST_RATE = 20_000


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
        typer.echo(json.dumps(asdict(found) | quantiles))
        return
    _print(found, machines)


def _print(found: Result, machines: int) -> None:
    console = Console()
    console.print(
        f"{machines:,} machines of five products, {found.rate:,.0f} messages/s published, "
        f"{found.behind:,} samples waiting for the rules at the end"
    )
    console.print(
        f"{len(found.latencies_ms)} alarms ({RULE}), from publishing to the API's answer, asked "
        f"every {POLL_S * 1000:.0f} ms: p50 {found.quantile(0.5):.0f} ms, p99 "
        f"{found.quantile(0.99):.0f} ms (aim {AIM_P99_MS:.0f}), most {max(found.latencies_ms):.0f}"
    )
    console.print(
        f"one worker of the rules judges a backlog at {found.rules_rate:,.0f} samples/s: "
        f"{found.rules_rate / found.rate:.1f} times the rate published, "
        f"{found.rules_rate / INGEST_RATE:.2f} times the {INGEST_RATE:,}/s of the ingestion"
    )


if __name__ == "__main__":
    typer.run(main)
