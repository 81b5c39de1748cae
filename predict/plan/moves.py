"""From levels and what is there to what happens now: transfers first, then orders, and what
cannot wait for them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
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
    """So many pieces from one place to another, places by number; `back`: to where they came from,
    since no demand of the place that has them will need them."""

    source: int
    target: int
    quantity: int
    back: bool = False


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


@dataclass(frozen=True, slots=True)
class Shelves:
    """Places as those see them who only move what is there: the source of each (None: the
    supplier, sources first), its own base stock, the demand a day of it and all it serves, and
    pieces that all of them will hardly exceed over the plan's horizon."""

    sources: Sequence[int | None]
    levels: Sequence[int]
    a_day: Sequence[float]
    most: Sequence[float]


@dataclass(frozen=True, slots=True)
class Shifts:
    """What is moved, and as `Moves` has them: what places lack and what they wait for."""

    transfers: list[Transfer]
    lack: list[int]
    waits: list[int]


def moves(tree: Tree, levels: Levels, held: Sequence[Held], supply: Supply) -> Moves:
    """What to move, order and hurry: only what all places together are short of is ordered."""
    done = shifts(shelves(tree, levels), held)
    emergency = _emergencies(tree, held, done.transfers, done.waits, supply)
    short = max(done.lack[0] - sum(emergency), 0)
    order = math.ceil(short / supply.pack) * supply.pack
    return Moves(done.transfers, order, emergency, done.lack, done.waits)


def shelves(tree: Tree, levels: Levels) -> Shelves:
    """The places of a plan's article with their levels."""
    days = levels.cover_days
    a_day = [whole.mean(each) / each for whole, each in zip(tree.whole, days, strict=True)]
    most = [tree.most(number) for number in range(len(tree.places))]
    return Shelves([place.source for place in tree.places], levels.stock, a_day, most)


def shifts(places: Shelves, held: Sequence[Held]) -> Shifts:
    """What to move between places.

    A place is served by its source as far as the source's shelf goes, then by its neighbours out
    of what they have beyond their own levels. What no demand of a place will need goes back to a
    source that is short of it.
    """
    sources = places.sources
    lack = echelon(sources, [n - h.position for n, h in zip(places.levels, held, strict=True)])
    asked = [max(each, 0) for each in lack]
    shelf = [max(each.on_hand - each.owed, 0) for each in held]
    spare = [min(max(-each, 0), there) for each, there in zip(lack, shelf, strict=True)]
    transfers = []
    for target in _most_pressing(places, held, asked):
        source = sources[target]
        neighbours = [n for n, own in enumerate(sources) if own == source and n != target]
        assert source is not None
        for giver, stock in [(source, shelf), *((n, spare) for n in neighbours)]:
            quantity = min(asked[target], stock[giver], shelf[giver])
            if quantity > 0:
                transfers.append(Transfer(giver, target, quantity))
                asked[target] -= quantity
                shelf[giver] -= quantity
                spare[giver] = max(spare[giver] - quantity, 0)
    return Shifts([*transfers, *_back(places, held, transfers, spare)], lack, asked)


def _back(
    places: Shelves, held: Sequence[Held], transfers: Sequence[Transfer], spare: Sequence[int]
) -> Iterator[Transfer]:
    """Pieces beyond all demand of a place, where its source is short of them."""
    there = echelon(places.sources, [each.position for each in held])
    short = [max(n - h.position, 0) for n, h in zip(places.levels, held, strict=True)]
    for each in transfers:
        short[each.source] += each.quantity
        there[each.source] -= 0 if places.sources[each.target] == each.source else each.quantity
    for number, source in enumerate(places.sources):
        if source is not None:
            beyond = there[number] - places.most[number]
            quantity = min(spare[number], short[source], beyond)
            if quantity > 0:
                short[source] -= int(quantity)
                yield Transfer(number, source, int(quantity), back=True)


def echelon(sources: Sequence[int | None], pieces: Sequence[int]) -> list[int]:
    """Pieces of each place together with those of all places it serves."""
    sums = list(pieces)
    for number in range(len(sums) - 1, 0, -1):
        source = sources[number]
        if source is not None:
            sums[source] += sums[number]
    return sums


def lasts(places: Shelves, held: Sequence[Held]) -> list[float]:
    """Days that what each place and those it serves have lasts at the expected demand; below 0
    where machines wait, inf where nothing is asked for."""
    there = echelon(places.sources, [each.position for each in held])
    return [
        pieces / a_day if a_day > 0 else math.inf
        for pieces, a_day in zip(there, places.a_day, strict=True)
    ]


def _most_pressing(places: Shelves, held: Sequence[Held], asked: Sequence[int]) -> list[int]:
    """Places that ask for pieces and have a source, level by level, those first whose stock lasts
    least."""
    days = lasts(places, held)

    def depth(number: int) -> int:
        source = places.sources[number]
        return 0 if source is None else 1 + depth(source)

    served = [n for n, own in enumerate(places.sources) if own is not None and asked[n]]
    return sorted(served, key=lambda n: (depth(n), days[n]))


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
