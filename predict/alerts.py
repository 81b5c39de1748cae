"""Which fitted parts the parts team must see to: the chance of needing one before it could be
there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from fleet.plan import ProductPlan
from fleet.wear import WearPart
from fleet.words import LEAD_DAYS
from predict.outlook import Outlook

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


def needs(plan: ProductPlan, part: WearPart, ahead: Outlook, now: datetime) -> Sequence[Need]:
    """The need of n fitted parts of one kind with their outlook.

    `needed_by` is the date at which the chance reaches the threshold; `order_by` lies the longest
    delivery before it.
    """
    threshold = threshold_of(plan, part)
    delivery = LEAD_DAYS[part.lead_class]
    days = delivery + PLANNING_DAYS
    chances = ahead.within(np.array([float(days)]))[:, 0]
    reached = ahead.day_at(threshold)
    return [
        _need(chance, threshold, days, at, delivery, now)
        for chance, at in zip(chances.tolist(), reached.tolist(), strict=True)
    ]


def _need(
    chance: float, threshold: float, days: int, reached: float, delivery: int, now: datetime
) -> Need:
    needed: bool | None = None
    if chance >= threshold:
        needed = True
    elif chance < WITHDRAW_SHARE * threshold:
        needed = False
    needed_by = now + timedelta(days=reached if math.isfinite(reached) else days)
    return Need(needed, chance, threshold, days, needed_by, needed_by - timedelta(days=delivery))
