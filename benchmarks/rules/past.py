"""What windows of machine time cost once machines have a past, of which they keep the rows."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.rules.fill import Crew
from fleet.batch import SampleBatch
from fleet.clock import MS_PER_HOUR
from fleet.plan import Catalogue
from rules.compiled import compile_plan
from rules.condition import Identity
from rules.engine import fold
from rules.state import Memory, empty_state
from simulators.fleet import FleetMachine

#: As often as plans have machines at work report.
PERIOD_MS = 10_000
#: Machines of each product, and steps with one sample of each that are timed.
_MACHINES, _STEPS = 50, 20
_START_MS = 1_780_000_000_000


@dataclass(frozen=True, slots=True)
class Cost:
    """Processor time of a sample, microseconds, and what a machine's past takes, bytes."""

    product: str
    sample_us: float
    bytes_held: int


def costs(
    catalogue: Catalogue, crews: Mapping[str, Crew], machines: Sequence[FleetMachine],
    ids: Mapping[str, int], hours: int,
) -> list[Cost]:  # fmt: skip
    """Of each product, after so many hours of samples every PERIOD_MS."""
    who = {ids[one.serial]: Identity(one.serial, one.model, one.region) for one in machines}
    return [_cost(catalogue, product, crew, who, hours) for product, crew in crews.items()]


def _cost(
    catalogue: Catalogue, product: str, crew: Crew, who: Mapping[int, Identity], hours: int
) -> Cost:
    compiled, own = compile_plan(catalogue.plans[product]), sorted(crew.machine_id[:_MACHINES])
    states = Memory(compiled)
    states.put(empty_state(compiled, own))

    def judge(start_ms: int, rounds: int) -> None:
        after, _ = fold(compiled, who, states.take(own), _batch(product, crew, start_ms, rounds))
        states.put(after)

    for hour in range(hours):
        judge(_START_MS + hour * MS_PER_HOUR, MS_PER_HOUR // PERIOD_MS)
    began, at = time.process_time(), _START_MS + hours * MS_PER_HOUR
    for step in range(_STEPS):
        judge(at + step * PERIOD_MS, 1)
    took_s = time.process_time() - began
    held = sum(recent.nbytes for recent in states.take(own).recent)
    return Cost(product, took_s / _STEPS / len(own) * 1e6, held // len(own))


def _batch(product: str, crew: Crew, start_ms: int, rounds: int) -> SampleBatch:
    """`rounds` samples of every machine, ordered by machine and time."""
    machines = np.arange(min(_MACHINES, len(crew.machine_id)))
    times = np.tile(start_ms + PERIOD_MS * np.arange(rounds), len(machines))
    turn = np.tile(np.arange(rounds) % crew.words.shape[1], len(machines))
    machine = np.repeat(machines, rounds)
    values = np.asfortranarray(crew.words[machine, turn])
    return SampleBatch(product, crew.signals, crew.machine_id[machine], times, times, values)
