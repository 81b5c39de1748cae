"""`python -m benchmarks.ingest`: from the publishers to the committed row, on one machine."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from benchmarks.ingest import pumps
from benchmarks.ingest.measure import Load, ceiling, flow
from benchmarks.ingest.peers import PEERS, compare
from benchmarks.ingest.peers import as_table as peer_table
from benchmarks.ingest.report import Run, as_json, as_table, conditions, cost_table
from benchmarks.ingest.system import servers, system
from ironpulse.foreground import says_errors

#: What is demanded, in messages/s of one sample and of ten; latency is taken at half of it.
DEMANDED = {1: 20_000, 10: 10_000}
_HALF_LOAD_S = 6.0
_OVERLOAD_S = 4.0
_CEILING_ROWS = 2_000_000
_STEPS = 6


def run_once(seconds: float, machines: int, workers: int, progress: Progress) -> Run:
    """All measurements on new servers, each in a new database."""
    short = min(seconds, _HALF_LOAD_S)
    task = progress.add_task("starting servers", total=_STEPS)

    def say(what: str) -> None:
        progress.update(task, description=what, advance=1)

    with servers() as stack:
        say(f"one sample per message, {seconds:g} s")
        with system(stack, machines) as own:
            one = flow(own, Load(1, seconds, workers))
        say(f"ten samples per message, {seconds:g} s")
        with system(stack, machines) as own:
            ten = flow(own, Load(10, seconds, workers))
            say("COPY alone")
            copied = ceiling(own, _CEILING_ROWS)
        half = {}
        for samples, most in DEMANDED.items():
            say(f"half load, {samples} per message")
            reached = one.messages_per_s if samples == 1 else ten.messages_per_s
            with system(stack, machines) as own:
                half[samples] = flow(own, Load(samples, short, workers, min(most, reached) / 2))
        say("overload")
        with system(stack, machines) as own:
            overload = flow(own, Load(10, min(seconds, _OVERLOAD_S), workers, flood=True))
    progress.remove_task(task)
    return Run(one, ten, copied, half[1], half[10], overload)


@says_errors
def main(
    as_json_: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    seconds: Annotated[float, typer.Option(min=1, help="How long a rate is sustained.")] = 60.0,
    runs: Annotated[int, typer.Option(min=1, help="Runs, each on new servers.")] = 3,
    machines: Annotated[int, typer.Option(min=4, help="Machines that publish.")] = pumps.MACHINES,
    workers: Annotated[int, typer.Option(min=1, help="Processes of the ingest.")] = 1,
    peers: Annotated[bool, typer.Option(help="Others beside it instead, and kill -9.")] = False,
    messages: Annotated[int, typer.Option(min=1000, help="Messages of --peers.")] = 50_000,
) -> None:
    """Measure the ingest from publisher to hypertable, beside what is demanded of it."""
    if peers:
        _side_by_side(messages, machines, as_json_)
        return
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("runs", total=runs)
        done = []
        for _ in range(runs):
            done.append(run_once(seconds, machines, workers, progress))
            progress.advance(task)
    payloads = [done[0].one.payload_bytes, done[0].ten.payload_bytes]
    given = conditions(seconds, machines, workers, payloads)
    if as_json_:
        typer.echo(json.dumps(as_json(done, given)))
        return
    console = Console()
    console.print(as_table(done, given))
    console.print(cost_table(done))


def _side_by_side(messages: int, machines: int, as_json_: bool) -> None:
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=len(PEERS))
        results = []
        for peer in PEERS:
            progress.update(task, description=peer.name)
            results.append(compare(peer, messages, machines))
            progress.advance(task)
    if as_json_:
        typer.echo(json.dumps([asdict(result) for result in results]))
        return
    Console().print(peer_table(results))


if __name__ == "__main__":
    typer.run(main)
