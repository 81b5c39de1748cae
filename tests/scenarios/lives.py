"""Simulated hours of one machine, the same values on every day a test runs.

A machine lives through a fixed summer day (so that weather and season never change a verdict)
and its times are moved to where the test wants them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import cache

import numpy as np

from fleet.batch import FaultCode
from fleet.clock import MS_PER_DAY, MS_PER_HOUR
from fleet.registry import NewMachine
from simulators.fleet import FleetMachine
from simulators.history import generate
from simulators.illness import Illness
from simulators.machine import Machine
from simulators.moments import moments, steady
from simulators.script import scripted
from simulators.sensors import Kind, broken
from simulators.truth import Episode, episode, faulty_sensor
from tests.simulators.world import END_MS, fleet, ids, plans

MINUTE_MS = 60_000
#: On this day no product of the demonstration fleet had a day off.
WORKING_DAY_MS = END_MS - 2 * MS_PER_DAY
STEP_MS = 10_000

Sample = tuple[int, dict[str, float]]


@dataclass(frozen=True)
class Life:
    """What a machine says, in order, and the truth that no detector sees."""

    serial: str
    samples: tuple[Sample, ...]
    faults: tuple[tuple[int, tuple[FaultCode, ...]], ...]
    truth: tuple[Episode, ...]

    @property
    def reports(self) -> int:
        """How many there are, as the ledger counts them."""
        return len(self.samples) + len(self.faults)

    def of(self, serial: str) -> Life:
        """The same life, lived by another machine."""
        return replace(self, serial=serial)

    def ending(self, end_ms: int) -> Life:
        """The same life, its last sample at `end_ms`."""
        shift = end_ms - self.samples[-1][0]
        return replace(
            self,
            samples=tuple((at + shift, values) for at, values in self.samples),
            faults=tuple((at + shift, codes) for at, codes in self.faults),
        )

    def until_minute(self, minute: float) -> Life:
        """Its first minutes."""
        end = self.samples[0][0] + round(minute * MINUTE_MS)
        return replace(
            self,
            samples=tuple(each for each in self.samples if each[0] < end),
            faults=tuple(each for each in self.faults if each[0] < end),
        )


def machine_of(product: str) -> FleetMachine:
    """The first machine of the product in the demonstration fleet."""
    return next(machine for machine in fleet(10).machines if machine.product == product)


def registered(serial: str, product: str) -> NewMachine:
    """A twin of `machine_of(product)` for the registry, under another serial."""
    return NewMachine(**{**asdict(machine_of(product)), "serial": serial,
                         "site": machine_of(product).site})  # fmt: skip


@cache
def ill_life(product: str, mode: str) -> Life:
    """Two hours of work: falls ill after 30 minutes, has failed 20 later, is repaired at 70."""
    start = END_MS - 2 * MS_PER_HOUR
    illness = scripted(mode, start + 30 * MINUTE_MS, grow_s=1200, last_s=1200)
    life = _worked(product, illness)
    return replace(life, truth=(episode(life.serial, plans()[product], illness),))


@cache
def life_with_sensor(product: str, kind: Kind, key: str, from_minute: float) -> Life:
    """Two hours of work of a sound machine, one of whose sensors is at fault from a minute on."""
    plan, sound = plans()[product], _worked(product)
    begin = sound.samples[0][0] + round(from_minute * MINUTE_MS)
    fault = broken(plan, kind, key, begin, END_MS)
    at_ms = np.array([at for at, _ in sound.samples])
    column = np.array([values.get(key, np.nan) for _, values in sound.samples])
    fault.distort(at_ms, column)
    samples = []
    for (at, values), told in zip(sound.samples, column.tolist(), strict=True):
        others = {name: value for name, value in values.items() if name != key}
        samples.append((at, others if np.isnan(told) else {**others, key: told}))
    return replace(sound, samples=tuple(samples), truth=(faulty_sensor(sound.serial, plan, fault),))


def _worked(product: str, *illnesses: Illness) -> Life:
    spec, plan = machine_of(product), plans()[product]
    start = END_MS - 2 * MS_PER_HOUR
    machine = Machine(spec, plan, 7, start)
    warm_from = start - 2 * MS_PER_HOUR
    machine.advance(steady(machine.duty, warm_from, start, warm_from))
    machine.state.illnesses += illnesses
    at_ms = np.arange(start, END_MS, STEP_MS, dtype=np.int64)
    timeline = machine.duty.timeline(start, END_MS, warm_from)
    told = machine.advance(moments(timeline, at_ms, start - STEP_MS))
    samples = _samples(plan.signal_keys, told.at_ms, told.values)
    return Life(spec.serial, samples, tuple(told.codes), ())


@cache
def healthy_day(product: str) -> Life:
    """A working day and its night of a sound machine, as it would report them."""
    spec = machine_of(product)
    alone = replace(fleet(10), machines=(spec,))
    start, end = WORKING_DAY_MS, WORKING_DAY_MS + MS_PER_DAY
    pieces = list(
        generate(alone, plans(), ids(alone), start, end, step_s=STEP_MS / 1000, illness_rate=0.0)
    )
    samples = [s for p in pieces for s in _samples(p.batch.signals, p.batch.measured_at,
                                                   p.batch.values)]  # fmt: skip
    faults = tuple((f.measured_at, f.active) for piece in pieces for f in piece.faults)
    return Life(spec.serial, tuple(samples), faults, ())


def _samples(keys: tuple[str, ...], times: np.ndarray, values: np.ndarray) -> tuple[Sample, ...]:
    said = ~np.isnan(values)
    return tuple(
        (int(at), {key: float(row[i]) for i, key in enumerate(keys) if told[i]})
        for at, row, told in zip(times, values, said, strict=True)
    )
