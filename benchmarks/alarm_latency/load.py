"""What machines of all plans say at work, as payloads with a place for the time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from benchmarks.wire import publish_packet
from fleet.batch import FloatColumn
from fleet.clock import MS_PER_DAY, to_ms
from fleet.plan import ProductPlan
from ingest.topics import telemetry_topic
from simulators.fleet import DemoFleet, FleetMachine
from simulators.history import generate

_DAY = to_ms(datetime(2026, 6, 2, tzinfo=UTC))
#: Machines of one product whose words all others of it use.
_VOICES = 4
#: Different samples that each machine says in turn.
ROUNDS = 4
_TIME = "@ts@"


@dataclass(frozen=True, slots=True)
class Said:
    """A message without its time: what stands before and behind it."""

    topic: str
    before: bytes
    behind: bytes

    def at(self, ms: int) -> bytes:
        """The payload."""
        return self.before + str(ms).encode() + self.behind

    def packet(self, number: int, ms: int) -> bytes:
        """As it is published."""
        return publish_packet(self.topic, number, self.at(ms))


def messages(
    plans: Mapping[str, ProductPlan], machines: Sequence[FleetMachine]
) -> list[list[Said]]:
    """ROUNDS messages of each machine: healthy ones at work, from the simulators."""
    voices = {
        product: [_words(plans[product], said) for said in spoken]
        for product, spoken in at_work(plans, machines).items()
    }
    said = []
    for number, machine in enumerate(machines):
        own = voices[machine.product]
        samples = own[number % len(own)]
        said.append([_said(machine.serial, samples[turn]) for turn in range(ROUNDS)])
    return said


def at_work(
    plans: Mapping[str, ProductPlan], machines: Sequence[FleetMachine]
) -> dict[str, list[FloatColumn]]:
    """By product what the first machines of it say when they say most: ROUNDS samples in a row,
    (ROUNDS, signals), NaN where nothing is said."""
    found = {}
    for product in sorted({machine.product for machine in machines}):
        own = [machine for machine in machines if machine.product == product][:_VOICES]
        found[product] = [_at_work(plans[product], machine) for machine in own]
    return found


def _at_work(plan: ProductPlan, machine: FleetMachine) -> FloatColumn:
    pieces = generate(
        DemoFleet((), (), (), (machine,)), {plan.product: plan}, {machine.serial: 1},
        _DAY, _DAY + 3 * MS_PER_DAY, step_s=60.0, seed=1, illness_rate=0.0,
    )  # fmt: skip
    values = np.concatenate([piece.batch.values for piece in pieces])
    known = (~np.isnan(values)).sum(axis=1)
    together = np.convolve(known, np.ones(ROUNDS), "valid")
    first = int(together.argmax())
    return values[first : first + ROUNDS]


def _words(plan: ProductPlan, said: FloatColumn) -> list[dict[str, float]]:
    return [
        {
            key: float(value)
            for key, value in zip(plan.signal_keys, row, strict=True)
            if not np.isnan(value)
        }
        for row in said
    ]


def _said(serial: str, values: Mapping[str, float]) -> Said:
    text = json.dumps({"ts": _TIME, "values": values}, separators=(",", ":"))
    before, behind = text.split(f'"{_TIME}"')
    return Said(telemetry_topic(serial), before.encode(), behind.encode())
