"""The stock study: the shelf by hand, and a small fleet on which the plan must do better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.stock.shelf import Decision, Demand, simulate
from benchmarks.stock.study import Figures, at_fill, run
from fleet.loader import load_catalogue
from predict.plan import Held, Supply

PRODUCTS = Path(__file__).parents[2] / "products"


@dataclass
class Scripted:
    """Opens with some stock and decides by day."""

    stock: list[int]
    script: dict[int, Decision]

    def opening(self) -> list[int]:
        return list(self.stock)

    def decide(self, day: int, held: Sequence[Held]) -> Decision:
        return self.script.get(day, Decision())

    def refill(self, day: int, held: Sequence[Held]) -> None:
        """Nobody looks in between."""


def test_a_missed_piece_is_brought_from_elsewhere_else_hurried() -> None:
    demands = [Demand(2, 1, 1), Demand(4, 1, 1), Demand(6, 1, 1)]
    policy = Scripted([1, 1, 0], {})
    done = simulate(policy, demands, 30, Supply(10, 4), 3, 10, 5)
    assert (done.asked, done.served) == (3, 1)
    assert done.waited == 3 + 4, "three days from the headquarters, four for the emergency"
    assert (done.moved, done.hurried) == (1, 1)


def test_what_is_waited_for_is_passed_on_when_it_arrives() -> None:
    policy = Scripted([0, 0], {0: Decision(orders=[(0, 2)], waits=[0, 2])})
    done = simulate(policy, [Demand(14, 1, 1)], 20, Supply(10, 4), 3, 10, 5)
    assert (done.served, done.hurried, done.moved) == (1, 0, 2)
    # Days 10 to 12 on their way, 13 both there, then one is left for the six days from 14 on.
    assert done.stock == 2 * 4 + 6
    assert done.dead == 0


def test_figures_at_a_fill_rate_lie_between_their_neighbours() -> None:
    low, high = (Figures(s, 0, 0, f, 0, 0, 0, s) for s, f in ((100.0, 0.96), (200.0, 0.99)))
    assert at_fill({1.0: low, 2.0: high}, 0.98).stock == pytest.approx(100 + 200 / 3)
    assert at_fill({1.0: low, 2.0: high}, 0.999) == high


def test_on_a_small_fleet_the_plan_needs_less_and_waits_less() -> None:
    """Parts that come in ten days and in sixty: the rule has one number of months for both."""
    catalogue = load_catalogue(PRODUCTS)
    crane = catalogue.plans["truck_crane"]
    names = ("winch", "boom_pad", "lmi_length_cable", "drum")
    few = tuple(part for part in crane.parts if part.id in names)
    plans = {"truck_crane": crane.model_copy(update={"parts": few})}
    found = run(catalogue.model_copy(update={"plans": plans}), 60, 360, 5, 30, 1)
    rule, plan = at_fill(found["rule"], 0.95), at_fill(found["plan"], 0.95)
    assert plan.fill == pytest.approx(rule.fill) == 0.95
    assert plan.stock < 0.6 * rule.stock
    assert plan.waited < rule.waited
    fills = [each.fill for each in found["plan"].values()]
    assert max(fills[:3]) < min(fills[-2:]), "a stricter plan serves more"
