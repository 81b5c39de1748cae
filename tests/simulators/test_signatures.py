"""Every failure that a plan calls detectable moves the signals that the plan says it moves."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest

from fleet.batch import FloatColumn
from fleet.failure import FailureMode, Symptom
from simulators.illness import Illness, is_sudden
from simulators.machine import Machine
from simulators.moments import moments
from simulators.physics import PHYSICS
from tests.simulators.world import END_MS, fleet, plans

_HOURS = 20
#: Share of moments in which a failure has to show.
_SEEN = 0.005
_SIDES = re.compile(r"(_z\d|_l\d|_\d|_[lr]|_f[lr]|_r[lr])(?=_|$)")

Case = tuple[str, str, str]


def _cases() -> list[Case]:
    cases = []
    for product, plan in plans().items():
        for mode in plan.failure_modes:
            able = [m.id for m in plan.models if PHYSICS[product].can_have(m.id, mode.id)]
            if mode.detectable:
                assert able, f"no model of {product} can have {mode.id}"
                cases.append((product, mode.id, able[-1]))
    return cases


def _lived(product: str, model: str, mode: FailureMode | None) -> tuple[Machine, FloatColumn]:
    """Signals of 20 hours, work and then rest, of a machine that is sound or has nearly failed."""
    spec = next(m for m in fleet().machines if m.product == product)
    start = END_MS - _HOURS * 3_600_000
    machine = Machine(replace(spec, model=model), plans()[product], 7, start)
    timeline = machine.duty.timeline(start, END_MS, start)
    at_ms = np.arange(start, END_MS, 10_000, dtype=np.int64)
    lived = moments(timeline, at_ms, start - 10_000)
    rest = machine.duty.regimes.index(machine.duty.rest)
    resting = at_ms >= END_MS - 3 * 3_600_000
    since = np.where(resting, (at_ms - at_ms[np.argmax(resting)]) / 1000.0, lived.since_s)
    lived = replace(lived, regime=np.where(resting, rest, lived.regime), since_s=since)
    if mode is not None:
        illness = Illness(mode.id, start, 1e6, np.inf, is_sudden(mode), grown=0.97)
        machine.state.illnesses.append(illness)
    return machine, machine.advance(lived).values


def _moved(symptom: Symptom, ill: FloatColumn, sound: FloatColumn) -> bool:
    """Both lives have the same noise, so what differs is the failure's doing."""
    both = ~np.isnan(ill) & ~np.isnan(sound)
    change = np.abs(ill[both]) - np.abs(sound[both])
    more, less = float(np.mean(change > 0)), float(np.mean(change < 0))
    match symptom.direction:
        case "up":
            return more - less > _SEEN
        case "down":
            return less - more > _SEEN
        case _:
            return more + less > _SEEN


@pytest.mark.parametrize("case", _cases(), ids=lambda case: "-".join(case[:2]))
def test_a_failure_moves_the_signals_its_plan_names(case: Case) -> None:
    product, mode_id, model = case
    plan = plans()[product]
    mode = plan.failure_mode[mode_id]
    _, sound = _lived(product, model, None)
    _, ill = _lived(product, model, mode)
    groups: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for symptom in mode.signature:
        i = plan.signal_keys.index(symptom.signal)
        # One zone, side or leg of many is enough: that is where it broke.
        stem = _SIDES.sub("", symptom.signal)
        groups[stem, symptom.direction].append(_moved(symptom, ill[:, i], sound[:, i]))
    still = [f"{stem} {direction}" for (stem, direction), moved in groups.items() if not any(moved)]
    assert not still, f"{mode_id} leaves unmoved: {', '.join(still)}"


def test_a_sound_machine_repeats_itself() -> None:
    _, one = _lived("truck_crane", "TC50", None)
    _, two = _lived("truck_crane", "TC50", None)
    np.testing.assert_array_equal(one, two)
