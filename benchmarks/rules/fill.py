"""A store with samples as the ingestion commits them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.alarm_latency.load import ROUNDS, at_work
from fleet.batch import FloatColumn, SampleBatch
from fleet.plan import Catalogue
from simulators.fleet import FleetMachine
from store import ingest_log, telemetry
from store.connection import Connection
from store.ingest_log import NewEntry


@dataclass(frozen=True, slots=True)
class Crew:
    """The machines of one product: ids, and what each says in turn, (machines, ROUNDS, signals)."""

    signals: tuple[str, ...]
    machine_id: np.ndarray[tuple[int], np.dtype[np.int64]]
    words: np.ndarray[tuple[int, int, int], np.dtype[np.float64]]


def crews(
    catalogue: Catalogue, machines: Sequence[FleetMachine], ids: Mapping[str, int]
) -> dict[str, Crew]:
    """The machines by product, with healthy words at work from the simulators."""
    voices = at_work(catalogue.plans, machines)
    found = {}
    for product, words in voices.items():
        own = [ids[machine.serial] for machine in machines if machine.product == product]
        said = np.stack([words[number % len(words)] for number in range(len(own))])
        found[product] = Crew(catalogue.plans[product].signal_keys, np.array(own), said)
    return found


def commits(
    crews: Mapping[str, Crew], start_ms: int, rounds: int, period_ms: int, in_commit: int
) -> Iterator[list[SampleBatch]]:
    """`rounds` samples of every machine, one each `period_ms`, evenly spread in time, as commits
    of about `in_commit` samples, each with a batch per product that has any."""
    machines = sum(len(crew.machine_id) for crew in crews.values())
    span_ms = max(period_ms * in_commit / machines, 1.0)
    last = start_ms + rounds * period_ms
    whole = {product: _whole(product, crew, start_ms, rounds, period_ms)
             for product, crew in crews.items()}  # fmt: skip
    for number in range(int(np.ceil((last - start_ms) / span_ms))):
        since, until = start_ms + number * span_ms, start_ms + (number + 1) * span_ms
        cut = []
        for batch in whole.values():
            low, high = np.searchsorted(batch.measured_at, [since, until])
            if high > low:
                cut.append(batch.take(np.arange(low, high)))
        if cut:
            yield cut


def _whole(product: str, crew: Crew, start_ms: int, rounds: int, period_ms: int) -> SampleBatch:
    """All samples of a product, in order of time."""
    count = len(crew.machine_id)
    offset = (np.arange(count) * period_ms) // count
    times = (start_ms + offset[None, :] + period_ms * np.arange(rounds)[:, None]).ravel()
    turn = np.repeat(np.arange(rounds) % ROUNDS, count)
    machine = np.tile(np.arange(count), rounds)
    values: FloatColumn = np.asfortranarray(crew.words[machine, turn])
    return SampleBatch(product, crew.signals, crew.machine_id[machine], times, times, values)


def store(connection: Connection, catalogue: Catalogue, commit: Sequence[SampleBatch]) -> int:
    """Write one commit as the ingestion does; how many samples."""
    with connection.transaction():
        entries = []
        for batch in commit:
            number = ingest_log.next_id(connection)
            telemetry.write(connection, catalogue.plans[batch.product], batch, number)
            oldest, newest = int(batch.measured_at.min()), int(batch.measured_at.max())
            entries.append(
                NewEntry(number, "telemetry", batch.product, len(batch), oldest, newest, newest)
            )
        ingest_log.append(connection, entries)
    return sum(len(batch) for batch in commit)
