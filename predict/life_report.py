"""What the fleet's replacements say about the life of parts, for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from fleet.plan import Catalogue, WearPart
from predict.fleet_life import FleetLife, learned_fit
from predict.fleet_lives import kinds_that_ended, lives_of, plan_life
from predict.life import LifeModel
from predict.life_checks import Check, check_life
from predict.lifefit import TooFew
from store.connection import Connection


@dataclass(frozen=True, slots=True)
class LearnedPart:
    """What was learned of one kind of part: of `total` lives `ended` were seen to end; P10, P50
    and P90 of a new part's life in the driver's unit; factors on life by machine model; what speaks
    for and against it, or that too little is known."""

    product: str
    part: WearPart
    ended: int
    total: int
    p10: float
    p50: float
    p90: float
    factors: dict[str, float]
    checks: list[Check]


def learned_parts(
    connection: Connection, catalogue: Catalogue, now_ms: int
) -> Iterator[LearnedPart]:
    """Every kind of part of which one has worn out or failed, one after the other."""
    new = np.array([0.0])
    life: LifeModel
    factors: dict[str, float]
    for product, part, fitted in kinds_that_ended(connection, catalogue):
        data, _ = lives_of(part, fitted, now_ms)
        fit = learned_fit(data, part.life)
        if isinstance(fit, TooFew):
            life, factors = plan_life(part.life), {}
            checks = [Check("enough", False, fit.text)]
        else:
            life, factors, checks = FleetLife(fit), fit.effects, check_life(fit, part.life)
        p10, p50, p90 = (float(life.quantiles(new, q)[0]) for q in (0.1, 0.5, 0.9))
        yield LearnedPart(product, part, data.failures, data.total, p10, p50, p90, factors, checks)
