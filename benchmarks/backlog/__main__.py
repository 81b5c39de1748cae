"""`python -m benchmarks.backlog`: 100 machines hand in a day each while 200 others report live.

Prints how fast the backlog drains, and the time from sending to commit of live samples before and
during it. Live times are those of the sample (which is sent at once) and of the commit in the
ingest log.
"""

from __future__ import annotations

import json
import multiprocessing
import time
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks.backlog.traffic import LATE, LIVE, STEP_MS, day, hand_in, live
from benchmarks.ingest import pumps
from benchmarks.ingest.system import PATIENCE_S, System, ingest, servers, system
from fleet import clock
from fleet.clock import MS_PER_DAY, MS_PER_HOUR
from fleet.errors import IronpulseError
from ironpulse.foreground import says_errors
from store.connection import connect

_QUIET_S = 8.0
_QUESTION_S = 0.1


@dataclass(frozen=True, slots=True)
class Found:
    """Rates in rows per second, latencies of live samples in milliseconds."""

    packed: bool
    message_bytes: int
    rows: int
    drain_s: float
    drain_rows_per_s: float
    live_per_s: float
    before_p50_ms: float
    before_p99_ms: float
    during_p50_ms: float
    during_p99_ms: float
    during_max_ms: float
    late_counted: int


def measure(own: System, samples_in_message: int, *, packed: bool) -> Found:
    """One backlog on a new database."""
    context = multiprocessing.get_context("spawn")
    ending = context.Event()
    end_ms = clock.now_ms() - MS_PER_HOUR
    messages = day(end_ms, samples_in_message, packed=packed)
    rows = LATE * MS_PER_DAY // STEP_MS
    speaker = context.Process(target=live, args=(own.publishers, ending))
    late = context.Process(target=hand_in, args=(own.publishers, messages))
    with ingest(own, 1):
        speaker.start()
        time.sleep(_QUIET_S)  # what is measured before
        began = clock.now_ms()
        late.start()
        ended = _drained(own, rows)
        ending.set()
        speaker.join()
        late.join()
        time.sleep(1.0)
    before = _latencies(own, began - round(_QUIET_S * 700), began)
    during = _latencies(own, began, ended)
    first = _first(own)
    drain_s = (ended - first) / 1000
    return Found(
        packed=packed,
        message_bytes=round(float(np.mean([len(message) for message in messages]))),
        rows=rows,
        drain_s=round(drain_s, 1),
        drain_rows_per_s=round(rows / drain_s),
        live_per_s=round(len(during) / ((ended - began) / 1000), 1),
        before_p50_ms=_at(before, 50),
        before_p99_ms=_at(before, 99),
        during_p50_ms=_at(during, 50),
        during_p99_ms=_at(during, 99),
        during_max_ms=_at(during, 100),
        late_counted=_ask(own, "select sum(late)::bigint as n from machine_ledger")["n"],
    )


def _drained(own: System, rows: int) -> int:
    """When the last row of the backlog was committed, milliseconds since 1970."""
    deadline = clock.monotonic_s() + PATIENCE_S
    names = "','".join(pumps.serial(machine) for machine in range(LATE))
    query = (
        "select coalesce(sum(stored), 0)::bigint as n from machine_ledger join machine on"
        f" machine.id = machine_id where serial in ('{names}')"
    )
    while _ask(own, query)["n"] < rows:
        if clock.monotonic_s() > deadline:
            raise IronpulseError(f"The backlog did not drain within {PATIENCE_S:g} s.")
        time.sleep(_QUESTION_S)
    return clock.now_ms()


def _first(own: System) -> int:
    """When the first rows of the backlog were committed."""
    row = _ask(
        own,
        "select min(extract(epoch from committed_at) * 1000)::bigint as n from ingest_batch"
        " where oldest < received_at - interval '30 minutes'",
    )
    return int(row["n"])


def _latencies(own: System, since_ms: int, until_ms: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """From measuring to commit of the live samples measured in that time."""
    query = (
        "select extract(epoch from committed_at - measured_at)::double precision * 1000 as ms"
        f" from telemetry_{pumps.PRODUCT} join ingest_batch on ingest_batch.id = batch_id"
        " where measured_at >= to_timestamp(%s / 1000.0)"
        " and measured_at < to_timestamp(%s / 1000.0)"
    )
    with connect(own.database_url) as connection:
        found = connection.execute(query, (since_ms, until_ms)).fetchall()
    return np.array([row["ms"] for row in found])


def _at(latencies: np.ndarray[Any, np.dtype[np.float64]], percent: int) -> float:
    return round(float(np.percentile(latencies, percent)), 1)


def _ask(own: System, query: str) -> dict[str, Any]:
    with connect(own.database_url) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return dict(row)


@says_errors
def main(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
    samples: Annotated[int, typer.Option(min=1, help="Samples in a message.")] = 360,
    runs: Annotated[int, typer.Option(min=1, help="Runs of each kind.")] = 1,
) -> None:
    """Measure what a backlog of a day from 100 machines does to 200 live ones."""
    for _ in range(runs):
        for packed in (True, False):
            with servers() as stack, system(stack, LATE + LIVE) as own:
                found = asdict(measure(own, samples, packed=packed))
            if as_json:
                typer.echo(json.dumps(found))
                continue
            for name, value in found.items():
                typer.echo(f"{value!s:>12}  {name.replace('_', ' ')}")
            typer.echo("")


if __name__ == "__main__":
    typer.run(main)
