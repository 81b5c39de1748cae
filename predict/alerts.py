"""Which fitted parts the parts team must see to: the chance of needing one before it could be
there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from fleet.batch import FloatColumn
from fleet.plan import ProductPlan, WearPart
from fleet.words import LEAD_DAYS
from predict.life import LifeModel
from predict.remaining import chance_within, dates

PLANNING_DAYS = 14
#: Chance from which a part is worth ordering: a cheap one early, a dear one when it is likely.
THRESHOLDS = {"A": 0.10, "B": 0.15, "C": 0.25, "D": 0.40, "E": 0.50}
#: By the severity of the worst failure the part leads to.
CRITICALITY = {1: 1.0, 2: 1.0, 3: 0.8, 4: 0.5}
#: An alert is withdrawn once the chance is clearly below its threshold.
WITHDRAW_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Need:
    """Whether a fitted part is `needed` (True), clearly not (False) or neither (None); chance
    within `days`, and the dates that follow from it."""

    needed: bool | None
    chance: float
    threshold: float
    days: int
    needed_by: datetime
    order_by: datetime


def threshold_of(plan: ProductPlan, part: WearPart) -> float:
    """The chance of wearing out from which the part is ordered."""
    severities = [plan.failure_mode[mode].severity for mode in part.failure_modes]
    return THRESHOLDS[part.price_class] * CRITICALITY[max(severities, default=2)]


def needs(
    plan: ProductPlan,
    part: WearPart,
    model: LifeModel,
    used: FloatColumn,
    per_day: FloatColumn,
    now: datetime,
) -> Sequence[Need]:
    """The need of n fitted parts of one kind, used so far and per day (n,).

    `needed_by` is the date at which the chance reaches the threshold; `order_by` lies the longest
    delivery before it.
    """
    threshold = threshold_of(plan, part)
    delivery = LEAD_DAYS[part.lead_class]
    days = delivery + PLANNING_DAYS
    chances = chance_within(model, used, per_day, days)
    reached = dates(model.quantiles(used, threshold), per_day, now)
    return [
        _need(float(chance), threshold, days, at, delivery, now)
        for chance, at in zip(np.asarray(chances), reached, strict=True)
    ]


def _need(
    chance: float,
    threshold: float,
    days: int,
    at: datetime | None,
    delivery: int,
    now: datetime,
) -> Need:
    needed: bool | None = None
    if at is not None and chance >= threshold:
        needed = True
    elif chance < WITHDRAW_SHARE * threshold:
        needed = False
    needed_by = at or now + timedelta(days=days)
    return Need(needed, chance, threshold, days, needed_by, needed_by - timedelta(days=delivery))
