"""What stock and its lack cost."""

from __future__ import annotations

from dataclasses import dataclass

from fleet.stocking import SupplyTerms
from predict.plan.classes import Criticality


@dataclass(frozen=True, slots=True)
class Costs:
    """Of one article, in yuan: a piece held for a day, a piece asked for that its place does not
    have, and what comes on top where no place has it. `level` is what a missed piece counts beyond
    that where a service level counts it once more."""

    held: float
    missed: float
    hurried: float
    level: float

    def missed_at(self, worth: float) -> float:
        """What a missed piece counts where service levels count it `worth` times; from 0 to -1:
        where it counts less than its cost."""
        return self.missed * (1.0 + min(worth, 0.0)) + max(worth, 0.0) * self.level


def costs_of(
    price: float,
    effect: Criticality,
    emergency_days: float,
    terms: SupplyTerms,
    at_once: float = 1.0,
) -> Costs:
    """Costs of an article that machines ask for so many pieces of `at_once`.

    For what is missed a machine waits as long as a transfer takes; what nobody has is hurried,
    takes longer and costs more. A machine that lacks a whole set waits once, so a piece of it costs
    its share of the wait; a service level is a share of pieces, so there every piece counts alike.
    """
    waiting, moved = terms.waiting_day[effect], terms.transfer_days["region"]
    longer = max(emergency_days - moved, 0.0)
    return Costs(
        price * terms.holding_share / 365,
        waiting * moved / at_once,
        price * terms.emergency_premium + waiting * longer / at_once,
        waiting * moved,
    )
