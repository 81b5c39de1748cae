"""The pure fold of the rules over samples in memory, in the portions that a worker takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from fleet import clock
from fleet.batch import SampleBatch
from fleet.plan import Catalogue
from rules.compiled import CompiledPlan, compile_plan
from rules.condition import Identity
from rules.engine import fold
from rules.live.known_before import identities_of
from rules.live.worker import MOST_ENTRIES, MOST_SAMPLES
from rules.state import Memory, empty_state
from store.connection import Connection

Commit = list[SampleBatch]


def fold_alone(
    connection: Connection, catalogue: Catalogue, warm: Iterable[Commit], timed: Iterable[Commit]
) -> float:
    """Seconds to fold `timed`, after `warm`."""
    compiled = {product: compile_plan(plan) for product, plan in catalogue.plans.items()}
    states = {product: Memory(plan) for product, plan in compiled.items()}
    who: dict[int, Identity] = {}
    began = 0.0
    for commits in (warm, timed):
        portions = [_joined(portion) for portion in _portions(commits)]
        for portion in portions:
            for product, batch in portion.items():
                new = sorted(set(batch.machine_id.tolist()) - who.keys())
                if new:
                    who |= identities_of(connection, catalogue.plans[product], new)
                    states[product].put(empty_state(compiled[product], new))
        began = clock.monotonic_s()
        for portion in portions:
            _fold(compiled, states, who, portion)
    return clock.monotonic_s() - began


def _fold(
    compiled: Mapping[str, CompiledPlan],
    states: Mapping[str, Memory],
    who: Mapping[int, Identity],
    portion: Mapping[str, SampleBatch],
) -> None:
    for product, batch in portion.items():
        before = states[product].take(np.unique(batch.machine_id).tolist())
        after, _ = fold(compiled[product], who, before, batch)
        states[product].put(after)


def _portions(commits: Iterable[Commit]) -> Iterator[Commit]:
    taken: Commit = []
    rows = 0
    for commit in commits:
        own = sum(len(batch) for batch in commit)
        if taken and (rows + own > MOST_SAMPLES or len(taken) + len(commit) > MOST_ENTRIES):
            yield taken
            taken, rows = [], 0
        taken += commit
        rows += own
    if taken:
        yield taken


def _joined(batches: Commit) -> dict[str, SampleBatch]:
    """One batch per product, ordered by machine and time."""
    found = {}
    for product in {batch.product for batch in batches}:
        own = [batch for batch in batches if batch.product == product]
        found[product] = SampleBatch(
            product,
            own[0].signals,
            np.concatenate([batch.machine_id for batch in own]),
            np.concatenate([batch.measured_at for batch in own]),
            np.concatenate([batch.received_at for batch in own]),
            np.asfortranarray(np.concatenate([batch.values for batch in own])),
        ).sorted()
    return found
