"""What the fleet teaches its detectors while it lives: learned from what lay before, each time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from fleet.clock import MS_PER_DAY
from fleet.plan import ProductPlan
from rules.compiled import compile_plan
from rules.detectors.fitting import TooLittleToLearn
from rules.detectors.learning import Seen
from rules.detectors.live import Taught
from rules.detectors.past import joined
from rules.detectors.regime import Normal
from rules.detectors.teaching import EVERY_DAYS, MOST_MACHINES, learned, learning_days
from simulators.fleet import FleetMachine


def teachers(specs: Sequence[FleetMachine]) -> list[FleetMachine]:
    """The machines of a product that live would learn from: each model in turn."""
    turn = Counter[str]()
    order = []
    for spec in specs:
        order.append((turn[spec.model], spec.serial, spec))
        turn[spec.model] += 1
    return [spec for _, _, spec in sorted(order, key=lambda one: one[:2])[:MOST_MACHINES]]


def taught_by(
    plan: ProductPlan,
    specs: Sequence[FleetMachine],
    pasts: Sequence[Mapping[str, Seen]],
    start_ms: int,
    days: int,
) -> Taught:
    """The normals of a product, from the days on which live would have learned them too."""
    compiled = compile_plan(plan)
    models = {number: spec.model for number, spec in enumerate(specs)}
    normals: dict[tuple[str, str], list[Normal]] = {}
    for detector in compiled.detectors:
        rule = detector.rule.id
        numbered = [
            replace(past[rule], machine=np.full(len(past[rule].machine), number))
            for number, past in enumerate(pasts)
        ]
        seen = joined(numbered)
        for day in learning_days(days):
            at_ms = start_ms + day * MS_PER_DAY
            recent = seen.where(seen.end_ms > at_ms - EVERY_DAYS * MS_PER_DAY)
            try:
                found = learned(detector, recent, models, at_ms)
            except TooLittleToLearn:
                continue
            for model, normal in found.items():
                normals.setdefault((rule, model), []).append(normal)
    return Taught(normals)
