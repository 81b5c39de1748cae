"""What stock and its lack cost."""

from __future__ import annotations

from dataclasses import dataclass

from fleet.stocking import SupplyTerms
from predict.plan.classes import Criticality


@dataclass(frozen=True, slots=True)
class Costs:
    """Of one article, in yuan: a piece held for a day, a piece asked for that its place does not
    have, and what comes on top where no place has it."""

    held: float
    missed: float
    hurried: float


def costs_of(price: float, effect: Criticality, emergency_days: float, terms: SupplyTerms) -> Costs:
    """Costs of an article: for a missed piece a machine waits as long as a transfer takes; one that
    nobody has is hurried, takes longer and costs more."""
    waiting, moved = terms.waiting_day[effect], terms.transfer_days["region"]
    longer = max(emergency_days - moved, 0.0)
    return Costs(
        price * terms.holding_share / 365,
        waiting * moved,
        price * terms.emergency_premium + waiting * longer,
    )
