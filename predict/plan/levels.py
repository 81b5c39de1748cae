"""How many pieces of one article each warehouse should have: base stocks of a tree of places.

Sherbrooke's METRIC: a place waits for its source as long as the source's own shortage makes it
wait (Little's law), and piece after piece goes where it takes away most waiting, until the share
of demand served from the shelf reaches the target. In a review period of R days after a delivery
of L days with level S, the pieces not served are E(D[L+R] - S)+ - E(D[L] - S)+.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from fleet.batch import FloatColumn
from predict.demand.fleet import together
from predict.plan.window import MONTH_DAYS, Window

#: More pieces than this above the pipeline are never right, however high the target.
MOST_PIECES = 5000
#: Waiting for the source is reckoned up to so many days.
MOST_DELAY_DAYS = 45.0


@dataclass(frozen=True, slots=True)
class Place:
    """A warehouse as one article sees it: its source (None: the supplier), days from there, and
    the demand of the machines it serves itself by coming month. Sources come before those they
    serve."""

    id: str
    source: int | None
    days: float
    months: Sequence[FloatColumn]


@dataclass(frozen=True, slots=True)
class Levels:
    """Base stock of each place; expected share of demand `fill` that the shelf serves; expected
    pieces that machines wait for at any time; the days each place's stock has to last."""

    stock: list[int]
    fill: float
    waiting: float
    cover_days: list[float]


@dataclass(slots=True)
class Tree:
    """Places with their windows: own demand, and that of all they have to serve."""

    places: Sequence[Place]
    review_days: float
    own: list[Window] = field(init=False)
    whole: list[Window] = field(init=False)
    share: list[float] = field(init=False)
    horizon: float = field(init=False)
    _served: list[list[int]] = field(init=False)

    def __post_init__(self) -> None:
        self._served = [
            [n for n, place in enumerate(self.places) if place.source == source]
            for source in range(len(self.places))
        ]
        longest = max(place.days for place in self.places)
        self.horizon = float(MONTH_DAYS * len(self.places[0].months))
        days = max(longest + self.review_days + MOST_DELAY_DAYS, self.horizon)
        sums = [list(place.months) for place in self.places]
        for number in range(len(self.places) - 1, -1, -1):
            source = self.places[number].source
            if source is not None:
                sums[source] = [together(pair) for pair in zip(sums[source], sums[number],
                                                               strict=True)]  # fmt: skip
        self.own = [Window(place.months, days) for place in self.places]
        self.whole = [
            own if not self.served_by(number) else Window(each, days)
            for number, (own, each) in enumerate(zip(self.own, sums, strict=True))
        ]
        self.share = [
            own.mean(self.horizon) / total if (total := whole.mean(self.horizon)) > 0 else 0.0
            for own, whole in zip(self.own, self.whole, strict=True)
        ]

    def served_by(self, source: int) -> list[int]:
        """The places that get their pieces from one."""
        return self._served[source]

    def way(self, number: int) -> list[int]:
        """A place and those between it and the supplier, without the first place of all."""
        steps = []
        while (source := self.places[number].source) is not None:
            steps.append(number)
            number = source
        return steps

    def depth(self, number: int) -> int:
        """How many places lie between one and the supplier."""
        return len(self.way(number))

    def delivery(self, stock: Sequence[int]) -> list[float]:
        """Days until a place gets what it asks for, its source's own shortage included."""
        days: list[float] = []
        for place in self.places:
            delay = 0.0
            if place.source is not None:
                whole, source = self.whole[place.source], place.source
                a_day = whole.mean(self.review_days) / self.review_days
                if a_day > 0:
                    until = days[source] + self.review_days / 2
                    delay = whole.short(until, stock[source]) / a_day
            days.append(place.days + min(delay, MOST_DELAY_DAYS))
        return days

    def waiting(self, stock: Sequence[int]) -> float:
        """Expected pieces that machines wait for, over all places."""
        days = self.delivery(stock)
        return sum(
            share * whole.short(each + self.review_days / 2, level)
            for share, whole, each, level in zip(self.share, self.whole, days, stock, strict=True)
            if share
        )

    def fill(self, stock: Sequence[int]) -> float:
        """Expected share of the machines' demand that is served from the shelf."""
        asked = missed = 0.0
        for share, whole, days, level in zip(self.share, self.whole, self.delivery(stock), stock,
                                             strict=True):  # fmt: skip
            end = days + self.review_days
            asked += share * (whole.mean(end) - whole.mean(days))
            missed += share * (whole.short(end, level) - whole.short(days, level))
        return 1.0 - missed / asked if asked > 0 else 1.0


def base_stocks(tree: Tree, target: float) -> Levels:
    """The levels at which the share `target` (0 to 1) of demand is served from the shelf."""
    return base_stocks_at(tree, [target])[0]


def base_stocks_at(tree: Tree, targets: Sequence[float]) -> list[Levels]:
    """The levels for several targets: a higher one goes on where a lower one stopped."""
    stock = [
        int(whole.mean(place.days)) for whole, place in zip(tree.whole, tree.places, strict=True)
    ]
    demanded = sum(own.mean(tree.horizon) for own in tree.own)
    found: dict[float, Levels] = {}
    for target in sorted(set(targets)):
        for _ in range(MOST_PIECES if demanded > 0 else 0):
            if tree.fill(stock) >= target:
                break
            stock[_where_it_helps_most(tree, stock)] += 1
        cover = [each + tree.review_days for each in tree.delivery(stock)]
        found[target] = Levels(list(stock), tree.fill(stock), tree.waiting(stock), cover)
    return [found[target] for target in targets]


def _where_it_helps_most(tree: Tree, stock: list[int]) -> int:
    """The place whose next piece takes away most waiting. A piece in a place that serves no other
    changes nothing elsewhere."""
    days = [each + tree.review_days / 2 for each in tree.delivery(stock)]
    now = tree.waiting(stock)
    gains = []
    for number, whole in enumerate(tree.whole):
        if tree.served_by(number):
            stock[number] += 1
            gains.append(now - tree.waiting(stock))
            stock[number] -= 1
        else:
            less = whole.short(days[number], stock[number]) - whole.short(
                days[number], stock[number] + 1
            )
            gains.append(tree.share[number] * less)
    return int(np.argmax(gains))
