"""The two that are compared: the simple rule, each region for itself, and the plan.

Both look at the stock on the same days, and both are scaled until they serve the same share of
demand from the shelf: the rule by its months of use, the plan by what a missed piece counts. In
between the plan's shelves are filled up from the headquarters; the rule knows no such shelf.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.stock.shelf import Decision, Demand
from benchmarks.stock.world import World, fitted_rows, lives_seen
from fleet.clock import to_ms
from fleet.season import climate_of
from fleet.wear import WearPart
from predict.demand.fleet import together
from predict.demand.needs import distribution, mixed
from predict.fleet_lives import learned_of
from predict.life_report import LearnedLife
from predict.lifefit import TooFew
from predict.plan import Costs, Held, Levels, Place, Supply, Tree, base_stocks_at, moves
from predict.plan.gather import fitted_needs
from predict.plan.horizon import Horizon
from predict.plan.lives import Stays
from predict.plan.rule import rule_level, rule_order, seasonal_factor
from simulators.places import STATIONS

MONTH_DAYS = 30
MONTHS_AHEAD = 4
LEARN_EVERY_DAYS = 360


@dataclass(frozen=True, slots=True)
class Simple:
    """order = months x mean monthly use x seasonal factor - stock, in every region."""

    the: World
    product: str
    history: Sequence[Sequence[int]]
    first: int
    months: float

    def opening(self) -> list[int]:
        """What the rule would have."""
        return [rule_order(each, 0) for each in self._levels(0)]

    def decide(self, day: int, held: Sequence[Held]) -> Decision:
        """Every region orders for itself."""
        levels = self._levels(day)
        orders = [
            (place, quantity)
            for place, (level, each) in enumerate(zip(levels, held, strict=True))
            if (quantity := rule_order(level, each.position))
        ]
        return Decision(orders=orders)

    def refill(self, day: int, held: Sequence[Held]) -> None:
        """Nobody looks between two orders."""

    def _levels(self, day: int) -> list[float]:
        """`history[place][m]` is use in month m, month 0 beginning a year before day 0."""
        until = 12 + day // MONTH_DAYS
        season = self.the.catalogue.plans[self.product].season
        month = self.the.at(self.first + day).month - 1
        levels = []
        for place, use in enumerate(self.history):
            factor = 1.0
            if season is not None and place:
                months = np.array(season.of(_climate(self.the, place)))
                factor = seasonal_factor(months, month)
            levels.append(rule_level(list(use[:until]), factor, self.months))
        return levels


def _climate(the: World, place: int) -> str:
    lats = [row[4] for row in STATIONS if row[1] == the.network.regions[place]]
    return climate_of(float(np.mean(lats)))


@dataclass(frozen=True, slots=True)
class Planned:
    """The product's plan with its levels of each month."""

    trees: Sequence[Tree]
    levels: Sequence[Levels]
    supply: Supply

    def opening(self) -> list[int]:
        """The levels of the first month."""
        return list(self.levels[0].stock)

    def decide(self, day: int, held: Sequence[Held]) -> Decision:
        """What the plan's moves say."""
        month = min(day // MONTH_DAYS, len(self.trees) - 1)
        done = moves(self.trees[month], self.levels[month], held, self.supply)
        return Decision(
            [(each.source, each.target, each.quantity) for each in done.transfers],
            [(0, done.order)] if done.order else [],
            [(place, quantity) for place, quantity in enumerate(done.emergency) if quantity],
            [0, *done.waits[1:]],
        )

    def refill(self, day: int, held: Sequence[Held]) -> Decision:
        """Shelves are filled up as far as others can; ordered is once a month."""
        return replace(self.decide(day, held), orders=(), emergencies=())


def trees(
    the: World,
    owners: Sequence[tuple[str, WearPart]],
    supply: Supply,
    first: int,
    days: int,
    review_days: int,
) -> list[Tree]:
    """What the plan expects each month, from the fleet as it was known on that day."""
    found = []
    learned: Mapping[tuple[str, str], LearnedLife | TooFew | None] = {}
    for month in range(-(-days // MONTH_DAYS)):
        day = first + month * MONTH_DAYS
        if month * MONTH_DAYS % LEARN_EVERY_DAYS == 0:
            now_ms = to_ms(the.at(day))
            learned = {
                (product, part.id): learned_of(
                    product, part, lives_seen(the, product, part, day), now_ms
                )
                for product, part in owners
            }
        found.append(_tree(the, owners, Stays(learned), supply, day, review_days))
    return found


def _tree(
    the: World,
    owners: Sequence[tuple[str, WearPart]],
    stays: Stays,
    supply: Supply,
    day: int,
    review_days: int,
) -> Tree:
    horizon = Horizon(the.at(day), MONTHS_AHEAD)
    rows = [row for product, part in owners for row in fitted_rows(the, product, part, day)]
    gathered = list(fitted_needs(rows, the.catalogue, stays, the.network, horizon))
    places = []
    for place, source in enumerate(the.network.sources):
        mine = [each.needs.at(place) for each in gathered]
        months = []
        for month in range(MONTHS_AHEAD):
            kinds = [distribution(needs, month) for needs in mine]
            scenarios = [together(pmfs) for pmfs in zip(*kinds, strict=True)]
            months.append(mixed(scenarios))
        wait = supply.days if source is None else the.network.transfer_days[place]
        places.append(Place(the.network.ids[place], source, wait, months))
    return Tree(places, review_days, the.catalogue.supply.refill_days)


def planned(
    forest: Sequence[Tree], supply: Supply, costs: Costs, worths: Sequence[float]
) -> list[Planned]:
    """The plan at several worths of a missed piece."""
    by_month = [base_stocks_at(tree, costs, worths) for tree in forest]
    return [Planned(forest, levels, supply) for levels in zip(*by_month, strict=True)]


def monthly(demand: Sequence[Demand], places: int, months: int) -> list[list[int]]:
    """Use by place and month of 30 days, day 0 being the first."""
    found = [[0] * months for _ in range(places)]
    for each in demand:
        month = each.day // MONTH_DAYS
        if month < months:
            found[each.place][month] += each.quantity
    return found
