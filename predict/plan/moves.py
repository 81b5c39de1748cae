"""From levels and what is there to what happens now: transfers first, then orders, and what
cannot wait for them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from predict.plan.levels import Levels, Tree


@dataclass(frozen=True, slots=True)
class Held:
    """Pieces of one article in one place: on the shelf, on their way, owed to machines."""

    on_hand: int = 0
    inbound: int = 0
    owed: int = 0

    @property
    def position(self) -> int:
        """What is there or coming and not owed."""
        return self.on_hand + self.inbound - self.owed


@dataclass(frozen=True, slots=True)
class Transfer:
    """So many pieces from one place to another, places by number."""

    source: int
    target: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Supply:
    """How an article is ordered: in packs of `pack` pieces, `days` to arrive, `emergency_days`
    when it is hurried; `hurry` is the chance of missing a piece from which it is hurried, None
    where the article is worth no emergency."""

    days: float
    emergency_days: float
    pack: int = 1
    hurry: float | None = None


@dataclass(frozen=True, slots=True)
class Moves:
    """What is to be done now, pieces per place. `order` goes from the supplier to the first
    place, `emergency` straight to where it is missed. `lack` is what a place and those it serves
    are short of their levels (negative: too much), `waits` what nobody can give it until the
    order is there."""

    transfers: list[Transfer]
    order: int
    emergency: list[int]
    lack: list[int]
    waits: list[int]


def moves(tree: Tree, levels: Levels, held: Sequence[Held], supply: Supply) -> Moves:
    """What to move, order and hurry.

    A place is served by its source as far as the source's shelf goes, then by its neighbours out
    of what they have beyond their own levels; only what all places together are short of is
    ordered.
    """
    lack = echelon(tree, [n - h.position for n, h in zip(levels.stock, held, strict=True)])
    asked = [max(each, 0) for each in lack]
    shelf = [max(each.on_hand - each.owed, 0) for each in held]
    spare = [min(max(-each, 0), there) for each, there in zip(lack, shelf, strict=True)]
    transfers = []
    for target in _most_pressing(tree, held):
        source = tree.places[target].source
        assert source is not None
        neighbours = [n for n in tree.served_by(source) if n != target]
        for giver, stock in [(source, shelf), *((n, spare) for n in neighbours)]:
            quantity = min(asked[target], stock[giver], shelf[giver])
            if quantity > 0:
                transfers.append(Transfer(giver, target, quantity))
                asked[target] -= quantity
                shelf[giver] -= quantity
                spare[giver] = max(spare[giver] - quantity, 0)
    emergency = _emergencies(tree, held, transfers, asked, supply)
    short = max(lack[0] - sum(emergency), 0)
    return Moves(transfers, math.ceil(short / supply.pack) * supply.pack, emergency, lack, asked)


def echelon(tree: Tree, pieces: Sequence[int]) -> list[int]:
    """Pieces of each place together with those of all places it serves."""
    sums = list(pieces)
    for number in range(len(sums) - 1, 0, -1):
        source = tree.places[number].source
        if source is not None:
            sums[source] += sums[number]
    return sums


def _most_pressing(tree: Tree, held: Sequence[Held]) -> list[int]:
    """Places that have a source, level by level, those first that will most likely miss a
    piece."""

    def chance(number: int) -> float:
        place = tree.places[number]
        return tree.whole[number].exceeds(place.days + tree.review_days, held[number].position)

    served = [n for n, place in enumerate(tree.places) if place.source is not None]
    return sorted(served, key=lambda n: (tree.depth(n), -chance(n)))


def _emergencies(
    tree: Tree,
    held: Sequence[Held],
    transfers: Sequence[Transfer],
    waits: Sequence[int],
    supply: Supply,
) -> list[int]:
    """Pieces per place that machines will ask for before an order is there, with a chance of
    `supply.hurry` or more, and that nobody has."""
    found = [0] * len(held)
    if supply.hurry is None or supply.emergency_days >= supply.days:
        return found
    for number, own in enumerate(tree.own):
        got = sum(each.quantity for each in transfers if each.target == number)
        given = sum(each.quantity for each in transfers if each.source == number)
        there = held[number].position + got - given
        until = supply.days + sum(tree.places[n].days for n in tree.way(number))
        while found[number] < waits[number] and (
            own.exceeds(until, there + found[number]) >= supply.hurry
        ):
            found[number] += 1
    return found
