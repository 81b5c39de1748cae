"""How many pieces of one article each warehouse should have: base stocks of a tree of places.

Sherbrooke's METRIC: a place waits for its source as long as the source's own shortage makes it
wait (Little's law), and piece after piece goes where it takes away most waiting, until the share
of demand served from the shelf reaches the target. In a review period of R days after a delivery
of L days with level S, the pieces not served are E(D[L+R] - S)+ - E(D[L] - S)+.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from fleet.batch import FloatColumn
from predict.demand.fleet import together
from predict.plan.window import MONTH_DAYS, Window

#: A month's demand is given out in about so many steps.
MOST_STEPS = 40
#: A piece that takes away less waiting than this helps nobody.
LEAST_GAIN = 1e-12
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
    lot: int = field(init=False)
    """Pieces given at a time: less than what every need takes a multiple of helps nobody, and of
    hundreds a month a fortieth more or less is the same."""
    _served: list[list[int]] = field(init=False)

    def __post_init__(self) -> None:
        self._served = [
            [n for n, place in enumerate(self.places) if place.source == source]
            for source in range(len(self.places))
        ]
        asked = [np.flatnonzero(pmf > 0) for place in self.places for pmf in place.months]
        self.horizon = float(MONTH_DAYS * len(self.places[0].months))
        whole_set = max(int(np.gcd.reduce(np.concatenate(asked))), 1)
        sums = [list(place.months) for place in self.places]
        for number in range(len(self.places) - 1, -1, -1):
            source = self.places[number].source
            if source is not None:
                sums[source] = [together(pair) for pair in zip(sums[source], sums[number],
                                                               strict=True)]  # fmt: skip
        self.own = [Window(place.months) for place in self.places]
        self.whole = [
            own if not self.served_by(number) else Window(each)
            for number, (own, each) in enumerate(zip(self.own, sums, strict=True))
        ]
        a_month = sum(own.mean(self.horizon) for own in self.own) * MONTH_DAYS / self.horizon
        self.lot = whole_set * max(round(a_month / MOST_STEPS / whole_set), 1)
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
                delay = self._delay(place.source, days[place.source], stock[place.source])
            days.append(place.days + min(delay, MOST_DELAY_DAYS))
        return days

    def _delay(self, source: int, days: float, level: int) -> float:
        """Mean days that a source lets those it serves wait, by Little's law.

        All look at their stock on the same day and ask for what was used since. The order that the
        source gave `periods` looks ago has come just before, so it lacks what was asked for in
        those periods beyond its level; after `rest` days the next order comes.
        """
        whole, review = self.whole[source], self.review_days
        a_day = whole.mean(review) / review
        if a_day <= 0:
            return 0.0
        periods = max(math.ceil(days / review), 1)
        rest = days - (periods - 1) * review
        before = whole.short(periods * review, level) * rest
        after = whole.short((periods - 1) * review, level) * (review - rest)
        return (before + after) / review / a_day

    def missed(self, number: int, days: float, level: int) -> float:
        """Expected pieces that a place's own machines wait for: the mean of the middle and the end
        of a review period that a delivery of `days` comes before."""
        whole, middle = self.whole[number], days + self.review_days / 2
        both = whole.short(middle, level) + whole.short(days + self.review_days, level)
        return self.share[number] * both / 2

    def waiting(self, stock: Sequence[int]) -> float:
        """Expected pieces that machines wait for, over all places."""
        days = self.delivery(stock)
        return sum(
            self.missed(number, each, stock[number])
            for number, each in enumerate(days)
            if self.share[number]
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
        int(whole.mean(place.days) // tree.lot) * tree.lot
        for whole, place in zip(tree.whole, tree.places, strict=True)
    ]
    found: dict[float, Levels] = {}
    for target in sorted(set(targets)):
        while tree.fill(stock) < target:
            helped = _where_it_helps_most(tree, stock)
            if helped is None:
                break
            stock[helped] += tree.lot
        cover = [each + tree.review_days for each in tree.delivery(stock)]
        found[target] = Levels(list(stock), tree.fill(stock), tree.waiting(stock), cover)
    return [found[target] for target in targets]


def _where_it_helps_most(tree: Tree, stock: list[int]) -> int | None:
    """The place whose next piece takes away most waiting; None where none takes any. A piece in a
    place that serves no other changes nothing elsewhere."""
    days = tree.delivery(stock)
    now = tree.waiting(stock)
    gains = []
    for number, each in enumerate(days):
        more = stock[number] + tree.lot
        if tree.served_by(number):
            tried = [more if n == number else level for n, level in enumerate(stock)]
            gains.append(now - tree.waiting(tried))
        else:
            less = tree.missed(number, each, stock[number]) - tree.missed(number, each, more)
            gains.append(less)
    best = int(np.argmax(gains))
    return best if gains[best] > LEAST_GAIN else None
