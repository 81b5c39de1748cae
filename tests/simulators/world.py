"""What the tests of this folder share: the real plans, small fleets, short histories."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np

from fleet.batch import SampleBatch
from fleet.clock import MS_PER_DAY
from fleet.loader import load_plan
from fleet.plan import ProductPlan
from simulators.fleet import DemoFleet, demo_fleet
from simulators.history import Past, Piece, generate
from simulators.physics import PHYSICS

PRODUCTS = Path(__file__).parents[2] / "products"
TODAY = date(2026, 6, 20)
#: 2026-06-20 00:00 UTC; pumps and pavers are busy everywhere.
END_MS = 1_781_913_600_000


@cache
def plans() -> dict[str, ProductPlan]:
    """The plans of all products that can be simulated."""
    return {name: load_plan(PRODUCTS / name, PRODUCTS / "common") for name in PHYSICS}


@cache
def fleet(count: int = 10, seed: int = 1) -> DemoFleet:
    """A demonstration fleet of `count` machines."""
    return demo_fleet(plans(), count, seed=seed, today=TODAY)


def ids(of: DemoFleet) -> dict[str, int]:
    """Machine ids as a registry would give them."""
    return {machine.serial: i for i, machine in enumerate(of.machines, start=1)}


def history(
    of: DemoFleet, days: float, *, seed: int = 1, illness_rate: float = 0.0, step_s: float = 180.0
) -> list[Piece]:
    """The last `days` of a fleet."""
    start = END_MS - round(days * MS_PER_DAY)
    return list(
        generate(
            of, plans(), ids(of), start, END_MS,
            step_s=step_s, seed=seed, illness_rate=illness_rate,
        )
    )  # fmt: skip


def batches(pieces: list[Piece]) -> dict[str, SampleBatch]:
    """All samples by product, machines after each other."""
    parts: dict[str, list[SampleBatch]] = defaultdict(list)
    for piece in pieces:
        parts[piece.batch.product].append(piece.batch)
    return {product: _joined(each) for product, each in parts.items()}


def pasts(pieces: list[Piece]) -> dict[str, Past]:
    """What is known of each machine at the end."""
    return {piece.serial: piece.past for piece in pieces if piece.past is not None}


def _joined(parts: list[SampleBatch]) -> SampleBatch:
    return SampleBatch(
        parts[0].product,
        parts[0].signals,
        np.concatenate([p.machine_id for p in parts]),
        np.concatenate([p.measured_at for p in parts]),
        np.concatenate([p.received_at for p in parts]),
        np.asfortranarray(np.concatenate([p.values for p in parts])),
    )
