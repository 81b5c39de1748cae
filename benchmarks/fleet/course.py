"""The life of one simulated machine, and what rules and policy make of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from fleet.plan import Catalogue
from ingest.quality import judged, limits_of
from rules.backtest.course import alarms_of, begin, go_on
from rules.backtest.visits import Decided, visits
from rules.compiled import compile_plan
from rules.condition import Identity
from rules.detectors.learning import Seen
from rules.detectors.live import Taught
from rules.detectors.past import joined, past_of
from simulators.fleet import DemoFleet, FleetMachine
from simulators.history import Piece, generate
from simulators.truth import Episode

MACHINE_ID = 1


@dataclass(frozen=True, slots=True)
class Setup:
    """What all machines of a run share: history in [start_ms, end_ms), a sample of a working
    machine every `step_s` seconds, and how often failures come to machines and to their sensors
    (1: the domain's rates)."""

    start_ms: int
    end_ms: int
    step_s: float
    seed: int
    illness_rate: float = 1.0
    sensor_rate: float = 0.0


@dataclass(frozen=True, slots=True)
class Course:
    """One machine's past: what really happened, what every alarm became, how many samples."""

    spec: FleetMachine
    episodes: tuple[Episode, ...]
    decided: tuple[Decided, ...]
    samples: int


def past(catalogue: Catalogue, spec: FleetMachine, setup: Setup) -> dict[str, Seen]:
    """What detectors see of a machine in a setup's time, for the fleet to learn from; stretches
    over the edge of a piece are left out."""
    compiled = compile_plan(catalogue.plans[spec.product])
    seen: dict[str, list[Seen]] = {}
    for piece in pieces(catalogue, spec, setup):
        for rule, part in past_of(compiled, piece.batch).items():
            seen.setdefault(rule, []).append(part)
    return {rule: joined(parts) for rule, parts in seen.items()}


def live_through(catalogue: Catalogue, spec: FleetMachine, setup: Setup, taught: Taught) -> Course:
    """Simulate a machine and judge what it says, piece by piece; a pure function."""
    plan = catalogue.plans[spec.product]
    compiled = compile_plan(plan)
    identities: Mapping[int, Identity] = {MACHINE_ID: Identity(spec.serial, spec.model, "")}
    course = begin(compiled, [MACHINE_ID])
    episodes: tuple[Episode, ...] = ()
    for piece in pieces(catalogue, spec, setup):
        course = go_on(compiled, identities, course, piece.batch, piece.faults, taught)
        if piece.past is not None:
            episodes = piece.past.episodes
    tier = catalogue.tiers[spec.tier]
    decided = tuple(visits(plan, tier, alarms_of(course.changes)))
    return Course(spec, episodes, decided, course.samples)


def pieces(catalogue: Catalogue, spec: FleetMachine, setup: Setup) -> Iterator[Piece]:
    """What the machine says, some days at a time, as ingest takes it."""
    told = generate(
        DemoFleet((), (), (), (spec,)),
        {spec.product: catalogue.plans[spec.product]},
        {spec.serial: MACHINE_ID},
        setup.start_ms,
        setup.end_ms,
        step_s=setup.step_s,
        seed=setup.seed,
        illness_rate=setup.illness_rate,
        sensor_rate=setup.sensor_rate,
    )
    limits = limits_of(catalogue.plans[spec.product])
    for piece in told:
        batch, _ = judged(piece.batch, limits)
        yield replace(piece, batch=batch)
