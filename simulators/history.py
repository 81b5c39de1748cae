"""Months of a fleet's past, machine by machine, as fast as columns allow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from fleet.batch import FaultReport, SampleBatch
from fleet.clock import MS_PER_DAY, MS_PER_HOUR
from fleet.plan import ProductPlan
from simulators.fleet import DemoFleet, FleetMachine
from simulators.life import Life, ServiceDone
from simulators.machine import Machine, MachineState, Stretch
from simulators.moments import Moments, reporting, steady
from simulators.seeds import generator
from simulators.sensors import Sensors
from simulators.transport import PROFILES, Coverage
from simulators.truth import Episode, episode, faulty_sensor, gale
from simulators.wear import Fitted

#: Machines live so long before history, so that it does not find them cold at work.
_WARM_UP_MS = 6 * MS_PER_HOUR
#: Failures begin, parts wear and are replaced in pieces of this length.
_PIECE_MS = 4 * MS_PER_DAY
#: Services due within this time of the end are left for the living to do.
_OPEN_SERVICES_MS = 5 * MS_PER_DAY


@dataclass(frozen=True)
class Past:
    """What is known of a machine at the end of history.

    `parts` are all parts ever fitted in it, those on the machine last; `state` goes on live.
    """

    parts: tuple[Fitted, ...]
    services: tuple[ServiceDone, ...]
    episodes: tuple[Episode, ...]
    state: MachineState


@dataclass(frozen=True)
class Piece:
    """Some days of one machine; `past` stands in its last piece."""

    serial: str
    batch: SampleBatch
    faults: tuple[FaultReport, ...]
    past: Past | None


def generate(
    fleet: DemoFleet,
    plans: Mapping[str, ProductPlan],
    machine_ids: Mapping[str, int],
    start_ms: int,
    end_ms: int,
    *,
    step_s: float = 180.0,
    seed: int = 1,
    illness_rate: float = 1.0,
    sensor_rate: float = 0.0,
    awake_share: float = 0.0,
    profile: str = "clean",
) -> Iterator[Piece]:
    """The history of `fleet` in [start_ms, end_ms): machine after machine, each in order of time.

    Working machines are sampled every `step_s` seconds, resting ones as rarely as their plan
    says. `illness_rate` scales the base rates of failures (0: a healthy fleet in calm weather),
    `sensor_rate` those of sensors, which may then say what no ingest would take for true.
    `awake_share` of the machines work through the last hours whatever the time of day, so that a
    live fleet is warm when it takes over. Samples are received a second after they are measured,
    or when the gap in coverage ends that `profile` made them fall into.
    """
    for spec in fleet.machines:
        storms = illness_rate > 0 and spec.product == "tower_crane"
        machine = Machine(spec, plans[spec.product], seed, start_ms, gales=storms)
        duty = machine.duty
        machine.advance(steady(duty, start_ms - _WARM_UP_MS, start_ms, None))
        awake = machine.state.awake_from_ms = awake_from(spec, seed, end_ms, awake_share)
        life = Life(machine, illness_rate)
        timeline = duty.timeline(start_ms, end_ms, awake)
        rest_s = machine.plan.report.off_s if duty.rest == "off" else 1800.0
        everything = reporting(timeline, duty, start_ms, end_ms, step_s, rest_s)
        coverage = Coverage(PROFILES[profile], seed, spec.serial, start_ms)
        sensors = Sensors(machine.plan, seed, spec.serial, start_ms, end_ms, sensor_rate)
        machine_id = machine_ids[spec.serial]
        yield from _pieces(machine, life, everything, machine_id, end_ms, coverage, sensors)


def awake_from(spec: FleetMachine, seed: int, present_ms: int, awake_share: float) -> int | None:
    """Since when a machine works without going home before `present_ms`; None for the others."""
    rng = generator(seed, spec.serial, "awake")
    if float(rng.random()) >= awake_share:
        return None
    return present_ms - round(float(rng.uniform(2.0, 5.0)) * MS_PER_HOUR)


def _pieces(
    machine: Machine,
    life: Life,
    everything: Moments,
    machine_id: int,
    end_ms: int,
    coverage: Coverage,
    sensors: Sensors,
) -> Iterator[Piece]:
    edges = np.arange(everything.at_ms[0], end_ms, _PIECE_MS)
    cuts = [*np.searchsorted(everything.at_ms, edges).tolist(), len(everything)]
    for first, last in pairwise(cuts):
        if first == last:
            continue
        part = everything.part(first, last)
        life.before(part)
        stretch = machine.advance(part)
        life.after(part, stretch, end_ms - _OPEN_SERVICES_MS)
        told = replace(stretch, values=sensors.told(stretch.at_ms, stretch.values))
        past = _past(machine, life, sensors) if last == len(everything) else None
        yield _piece(machine, told, machine_id, coverage, past)


def _piece(
    machine: Machine, stretch: Stretch, machine_id: int, coverage: Coverage, past: Past | None
) -> Piece:
    plan = machine.plan
    batch = SampleBatch(
        product=plan.product,
        signals=plan.signal_keys,
        machine_id=np.full(len(stretch.at_ms), machine_id, dtype=np.int64),
        measured_at=stretch.at_ms,
        received_at=coverage.received(stretch.at_ms) + 1000,
        values=stretch.values,
    )
    faults = tuple(
        FaultReport(machine_id, at_ms, at_ms + 1000, codes) for at_ms, codes in stretch.codes
    )
    return Piece(machine.spec.serial, batch, faults, past)


def _past(machine: Machine, life: Life, sensors: Sensors) -> Past:
    serial, plan, state = machine.spec.serial, machine.plan, machine.state
    episodes = [episode(serial, plan, item) for item in [*life.past, *state.illnesses]]
    episodes += [gale(serial, plan, *storm) for storm in life.storms]
    episodes += [faulty_sensor(serial, plan, fault) for fault in sensors.faults]
    return Past(
        parts=(*life.removed, *state.parts),
        services=tuple(life.services),
        episodes=tuple(episodes),
        state=state,
    )
