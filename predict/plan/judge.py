"""Who was right: what plan, manager and simple rule had on the shelf, against what was asked for.

Judged by pinball loss at the line's service level, times the price: a piece too many costs its
price's share once, a missing one as often as the service level says it must not happen. Mean
absolute errors are never used: they reward "order nothing".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Party = Literal["plan", "override", "rule"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one party would have had, missed and had too much of, in pieces; its `cost` in
    yuan-weighted pinball loss."""

    had: int
    missed: int
    over: int
    cost: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcomes of all parties of one line, and who lost least; several when they tie."""

    asked: int
    outcomes: dict[Party, Outcome]
    best: tuple[Party, ...]


def judge(
    position: int,
    quantities: dict[Party, int],
    asked: int,
    service_level: float,
    price: float,
) -> Verdict:
    """Judge a line: `position` was there, each party adds its quantity, `asked` came."""
    outcomes = {
        party: _outcome(position + quantity, asked, service_level, price)
        for party, quantity in quantities.items()
    }
    least = min(outcome.cost for outcome in outcomes.values())
    best = tuple(p for p, o in outcomes.items() if o.cost <= least + 1e-9)
    return Verdict(asked, outcomes, best)


def _outcome(had: int, asked: int, level: float, price: float) -> Outcome:
    missed, over = max(asked - had, 0), max(had - asked, 0)
    return Outcome(had, missed, over, price * (level * missed + (1.0 - level) * over))
