"""How many pieces of one article each warehouse should have: base stocks of a tree of places.

Sherbrooke's METRIC: a place waits for its source as long as the source's own shortage makes it
wait (Little's law). Piece after piece goes where it saves most, as long as it saves more than it
costs to hold: fewer machines wait, fewer pieces are hurried. In a period of R days after a
delivery of L days with level S, the pieces not served are E(D[L+R] - S)+ - E(D[L] - S)+.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from fleet.batch import FloatColumn
from predict.demand.fleet import together
from predict.plan.costs import Costs
from predict.plan.window import MONTH_DAYS, Window

#: A month's demand is given out in about so many steps.
MOST_STEPS = 40
#: The time between two orders is looked at in the middle of its thirds.
PHASES = (1 / 6, 1 / 2, 5 / 6)
#: How often a missed piece may count beyond its cost, for a class to reach its service level.
WORTHS = (0.0, *(2.0 ** (n / 2) for n in range(-4, 15)))
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
    pieces a day that no place has; the days each place's stock has to last."""

    stock: list[int]
    fill: float
    lost: float
    cover_days: list[float]


@dataclass(slots=True)
class Tree:
    """Places with their windows: own demand, and that of all they have to serve."""

    places: Sequence[Place]
    review_days: float
    refill_days: float
    own: list[Window] = field(init=False)
    whole: list[Window] = field(init=False)
    share: list[float] = field(init=False)
    horizon: float = field(init=False)
    lot: int = field(init=False)
    """Pieces given at a time: less than what every need takes a multiple of helps nobody, and of
    hundreds a month a fortieth more or less is the same."""
    _served: list[list[int]] = field(init=False)
    _below: list[list[int]] = field(init=False)
    # What was worked out: by place and the stock from it upwards.
    _days: dict[tuple[int, tuple[int, ...], float], float] = field(default_factory=dict)
    _misses: dict[tuple[int, tuple[int, ...]], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._served = [
            [n for n, place in enumerate(self.places) if place.source == source]
            for source in range(len(self.places))
        ]
        self._below = [[n] for n in range(len(self.places))]
        for number in range(len(self.places) - 1, 0, -1):
            source = self.places[number].source
            if source is not None:
                self._below[source] += self._below[number]
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

    def forget(self) -> None:
        """Drop what was worked out; it comes again when it is asked for."""
        for window in (*self.own, *self.whole):
            window.forget()
        self._days.clear()
        self._misses.clear()

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

    def delivery(self, number: int, above: tuple[int, ...], phase: float) -> float:
        """Days until a place gets what it asks for, its source's own shortage included, when so
        much of the time between two orders has passed, 0 to 1: just before the next delivery a
        source lacks most. `above` is the stock of its source, its source's source, and so on."""
        place = self.places[number]
        if place.source is None:
            return place.days
        key = (number, above, phase)
        if key not in self._days:
            days = self.delivery(place.source, above[1:], phase)
            delay = self._delay(place.source, days, above[0], phase)
            self._days[key] = place.days + min(delay, MOST_DELAY_DAYS)
        return self._days[key]

    def _delay(self, source: int, days: float, level: int, phase: float) -> float:
        """Mean days that a source lets those it serves wait, by Little's law: what it lacks, by
        what it is asked for a day."""
        whole, period = self.whole[source], self._period(source)
        a_day = whole.mean(period) / period
        return whole.short(days + period * phase, level) / a_day if a_day > 0 else 0.0

    def _period(self, number: int) -> float:
        """Days between two deliveries to a place: orders come as often as the plan is made,
        shelves are filled up from their source in between."""
        return self.review_days if self.places[number].source is None else self.refill_days

    def covers(self, stock: Sequence[int]) -> list[float]:
        """Days that the stock of each place has to last."""
        found = []
        for number in range(len(self.places)):
            above = self._chain(number, stock)[1:]
            days = [self.delivery(number, above, phase) for phase in PHASES]
            found.append(sum(days) / len(days) + self._period(number))
        return found

    def gains(self, stock: Sequence[int]) -> list[float]:
        """Missed pieces a day that the next lot in each place takes away: there, and in the places
        it serves."""
        found = []
        for number in range(len(self.places)):
            tried = [*stock[:number], stock[number] + self.lot, *stock[number + 1 :]]
            concerned = self._below[number]
            found.append(sum(self._missed(n, stock) - self._missed(n, tried) for n in concerned))
        return found

    def misses(self, stock: Sequence[int]) -> float:
        """Expected pieces a day that machines ask for and their place does not have."""
        return sum(self._missed(number, stock) for number in range(len(self.places)))

    def _missed(self, number: int, stock: Sequence[int]) -> float:
        """Pieces a day missed in one place: a matter of its own stock and of that above it."""
        if not self.share[number]:
            return 0.0
        chain = self._chain(number, stock)
        key = (number, chain)
        if key not in self._misses:
            whole, period = self.whole[number], self._period(number)
            missed = 0.0
            for phase in PHASES:
                days = self.delivery(number, chain[1:], phase)
                missed += whole.short(days + period, chain[0]) - whole.short(days, chain[0])
            self._misses[key] = self.share[number] * missed / period / len(PHASES)
        return self._misses[key]

    def _chain(self, number: int, stock: Sequence[int]) -> tuple[int, ...]:
        """The stock of a place, of its source, and so on."""
        chain = [stock[number]]
        while (source := self.places[number].source) is not None:
            chain.append(stock[source])
            number = source
        return tuple(chain)

    def lost(self, total: int) -> float:
        """Expected pieces a day that no place has, with so many in all places together."""
        whole, days = self.whole[0], self.places[0].days
        lost = whole.short(days + self.review_days, total) - whole.short(days, total)
        return lost / self.review_days

    def asked(self) -> float:
        """Expected pieces a day that machines ask for."""
        return self.whole[0].mean(self.horizon) / self.horizon

    def most(self, number: int) -> int:
        """Pieces that a place and those it serves will hardly exceed over the horizon: more than
        these lie dead."""
        mean = self.whole[number].mean(self.horizon)
        return math.ceil(mean + 2.0 * math.sqrt(mean)) if mean > 0 else 0

    def fill(self, stock: Sequence[int]) -> float:
        """Expected share of the machines' demand that is served from the shelf."""
        asked = self.asked()
        return 1.0 - min(self.misses(stock) / asked, 1.0) if asked > 0 else 1.0


def base_stocks_at(tree: Tree, costs: Costs, worths: Sequence[float]) -> list[Levels]:
    """The levels where a missed piece counts so many times beyond its cost: one that counts more
    goes on where one that counts less stopped."""
    stock = [
        int(whole.mean(place.days) // tree.lot) * tree.lot
        for whole, place in zip(tree.whole, tree.places, strict=True)
    ]
    found: dict[float, Levels] = {}
    for worth in sorted(set(worths)):
        while (best := _best_place(tree, stock, costs, worth)) is not None:
            stock[best] += tree.lot
        found[worth] = Levels(
            list(stock), tree.fill(stock), tree.lost(sum(stock)), tree.covers(stock)
        )
    return [found[worth] for worth in worths]


def _best_place(tree: Tree, stock: list[int], costs: Costs, worth: float) -> int | None:
    """The place whose next piece saves most beyond what it costs to hold; None where none does."""
    total = sum(stock)
    nobody = tree.lost(total) - tree.lost(total + tree.lot)
    gains = [costs.missed_at(worth) * each for each in tree.gains(stock)]
    best = int(np.argmax(gains))
    return best if gains[best] + costs.hurried * nobody > costs.held * tree.lot else None
