"""The demo's machines as they were: their pasts, simulated in other processes.

Some of a product at a time, so that a fleet of any size fits into memory.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import zip_longest

import numpy as np

from fleet.batch import FaultReport, SampleBatch
from fleet.plan import Catalogue, ProductPlan
from ironpulse.stack.processes import end_with
from simulators.fleet import DemoFleet, FleetMachine
from simulators.history import Past, generate
from simulators.machine import Machine
from simulators.wear import Fitted

#: Machines of a product whose past is in memory at a time; those to come are made meanwhile.
GROUP = 40
#: Working machines are sampled this often in history; live they report every few seconds.
STEP_S = 180.0
#: Machines that work through the end of history, so that a live fleet takes over warm.
AWAKE_SHARE = 0.85

#: A fleet that is looked after: fewer failures than the base rates of the domain reference.
ILLNESS_RATE = 0.3
#: Their sensors fail as those of others do.
SENSOR_RATE = 1.0


@dataclass(frozen=True, slots=True)
class History:
    """One machine's past, as another process made it."""

    serial: str
    batch: SampleBatch
    faults: tuple[FaultReport, ...]
    fitted: tuple[Fitted, ...]
    past: Past


def groups(fleet: DemoFleet, catalogue: Catalogue) -> Iterator[Sequence[FleetMachine]]:
    """Machines of one product whose past is replayed together."""
    for product in catalogue.plans:
        machines = [machine for machine in fleet.machines if machine.product == product]
        for first in range(0, len(machines), GROUP):
            yield machines[first : first + GROUP]


def simulate(
    chosen: Sequence[Sequence[FleetMachine]],
    catalogue: Catalogue,
    ids: Mapping[str, int],
    start_ms: int,
    end_ms: int,
    seed: int,
) -> Iterator[tuple[str, list[History]]]:
    """Group after group with its product, while the next one is being made."""
    with ProcessPoolExecutor(os.cpu_count(), None, end_with, (os.getpid(),)) as pool:

        def begun(group: Sequence[FleetMachine]) -> list[Future[History]]:
            plan = catalogue.plans[group[0].product]
            return [
                pool.submit(
                    simulate_machine, machine, plan, ids[machine.serial], start_ms, end_ms, seed
                )
                for machine in group
            ]

        try:
            coming = begun(chosen[0])
            for group, following in zip_longest(chosen, chosen[1:]):
                ready, coming = coming, begun(following) if following else []
                yield group[0].product, [future.result() for future in ready]
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def simulate_machine(
    spec: FleetMachine, plan: ProductPlan, machine_id: int, start_ms: int, end_ms: int, seed: int
) -> History:
    """The past of one machine; a pure function of its arguments."""
    fitted = Machine(spec, plan, seed, start_ms).state.parts
    alone = DemoFleet((), (), (), (spec,))
    pieces = list(
        generate(
            alone,
            {plan.product: plan},
            {spec.serial: machine_id},
            start_ms,
            end_ms,
            step_s=STEP_S,
            seed=seed,
            awake_share=AWAKE_SHARE,
            illness_rate=ILLNESS_RATE,
            sensor_rate=SENSOR_RATE,
        )
    )
    past = pieces[-1].past
    assert past is not None, "the last piece of a machine carries its past"
    faults = tuple(report for piece in pieces for report in piece.faults)
    batch = _joined([piece.batch for piece in pieces])
    return History(spec.serial, batch, faults, tuple(fitted), past)


def between(batches: Sequence[SampleBatch], since_ms: int, until_ms: int) -> SampleBatch:
    """The samples of a span of time of batches in order of time, in order of time."""
    pieces = []
    for batch in batches:
        first, last = np.searchsorted(batch.measured_at, [since_ms, until_ms])
        pieces.append(
            replace(
                batch,
                machine_id=batch.machine_id[first:last],
                measured_at=batch.measured_at[first:last],
                received_at=batch.received_at[first:last],
                values=batch.values[first:last],
            )
        )
    joined = _joined(pieces)
    return joined.take(np.argsort(joined.measured_at, kind="stable"))


def _joined(batches: Sequence[SampleBatch]) -> SampleBatch:
    return replace(
        batches[0],
        machine_id=np.concatenate([batch.machine_id for batch in batches]),
        measured_at=np.concatenate([batch.measured_at for batch in batches]),
        received_at=np.concatenate([batch.received_at for batch in batches]),
        values=np.asfortranarray(np.concatenate([batch.values for batch in batches])),
    )
