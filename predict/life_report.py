"""What the fleet's replacements say about the life of parts, for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fleet.wear import WearPart
from predict.fleet_life import FleetLife, doubted_plan
from predict.kinds import Kinds
from predict.life import LifeModel
from predict.life_checks import Check, check_life
from predict.lifefit import LifeFit, TooFew

#: Shares of parts that last longer, for the life curve.
_CURVE = (0.99, 0.975, 0.95, *(round(0.95 - 0.05 * n, 2) for n in range(1, 19)), 0.025, 0.01)


@dataclass(frozen=True, slots=True)
class LearnedLife:
    """A life learned from the fleet: the fit, the kinds it has factors for, the model."""

    fit: LifeFit
    kinds: Kinds
    model: FleetLife


@dataclass(frozen=True, slots=True)
class LearnedPart:
    """What was learned of one kind of part: of `total` lives `ended` were seen to end; P10, P50
    and P90 of a new part's life in the driver's unit; its `curve`, (use, share that lasts longer);
    factors on life by kind of machine; what speaks for and against it, or that too little is
    known."""

    product: str
    part: WearPart
    ended: int
    total: int
    p10: float
    p50: float
    p90: float
    curve: list[tuple[float, float]]
    factors: dict[str, float]
    checks: list[Check]


def report_of(product: str, part: WearPart, learned: LearnedLife | TooFew) -> LearnedPart:
    """One kind of part, as people are told of it."""
    life: LifeModel
    if isinstance(learned, TooFew):
        life, factors = doubted_plan(part.life), {}
        checks = [Check("enough", False, learned.text)]
        ended, total = learned.failures, learned.total
    else:
        # A factor compares with the machine that is like most.
        life, factors = learned.model, dict(_factors(learned))
        checks = check_life(learned.fit, part.life)
        ended, total = learned.fit.lives.failures, learned.fit.lives.total
    new = np.zeros(1)
    p10, p50, p90 = (float(life.quantiles(new, q)[0]) for q in (0.1, 0.5, 0.9))
    curve = [(float(life.quantiles(new, 1 - share)[0]), share) for share in _CURVE]
    return LearnedPart(product, part, ended, total, p10, p50, p90, curve, factors, checks)


def as_row(report: LearnedPart) -> dict[str, Any]:
    """The report as the store keeps it."""
    return {
        "product": report.product,
        "part": report.part.id,
        "ended": report.ended,
        "lives": report.total,
        "p10": report.p10,
        "p50": report.p50,
        "p90": report.p90,
        "curve": [[round(use, 3), share] for use, share in report.curve],
        "factors": report.factors,
        "checks": [
            {"name": check.name, "passed": check.passed, "text": check.text.model_dump()}
            for check in report.checks
        ],
    }


def _factors(learned: LearnedLife) -> list[tuple[str, float]]:
    """By kind, how much longer its parts last than at the mean of all that was learned from."""
    fit = learned.fit
    alone = np.tile(fit.centre, (len(fit.lives.names), 1))
    for place, name in enumerate(fit.lives.names):
        group = name.partition(":")[0]
        same = [other for other, each in enumerate(fit.lives.names) if each.startswith(f"{group}:")]
        alone[place, same] = 0.0
        alone[place, place] = 1.0
    return list(zip(fit.lives.names, fit.factor(alone).tolist(), strict=True))
