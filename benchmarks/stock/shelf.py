"""What happens to one article's stock day by day, the same for every policy: demands are served
from the region's shelf or wait; a piece that is missed is brought from wherever one lies, else
hurried from the supplier."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from predict.plan import Held, Supply


@dataclass(frozen=True, slots=True)
class Demand:
    """One machine asks one place for so many pieces on a day."""

    day: int
    place: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Decision:
    """Pieces moved between places now, ordered from the supplier for a place, and hurried."""

    transfers: Sequence[tuple[int, int, int]] = ()
    orders: Sequence[tuple[int, int]] = ()
    emergencies: Sequence[tuple[int, int]] = ()
    waits: Sequence[int] = ()
    """Pieces each place waits for: passed on as soon as they reach its source."""


class Policy(Protocol):
    """Decides on review days, knowing what lies where."""

    def opening(self) -> list[int]:
        """Pieces that lie in each place on the first day."""

    def decide(self, day: int, held: Sequence[Held]) -> Decision:
        """What is moved and ordered on a review day."""

    def refill(self, day: int, held: Sequence[Held]) -> Decision | None:
        """What is moved on days between; None where nobody looks then."""


@dataclass(slots=True)
class Outcome:
    """Sums over the simulated days: pieces asked for and served at once; machine-days waited;
    piece-days on shelves and between them; pieces lying dead at the end; emergency pieces and
    pieces moved."""

    asked: int = 0
    served: int = 0
    waited: float = 0.0
    stock: float = 0.0
    dead: int = 0
    hurried: int = 0
    moved: int = 0


@dataclass(slots=True)
class _Waiting:
    day: int
    missing: int


@dataclass(slots=True)
class Shelves:
    """The state of one article: pieces per place, machines waiting, pieces under way."""

    supply: Supply
    transfer_days: int
    on_hand: list[int]
    waiting: list[deque[_Waiting]] = field(init=False)
    arrivals: dict[int, list[tuple[int, int, bool]]] = field(init=False)
    inbound: list[int] = field(init=False)
    travelling: int = 0
    waits: list[int] = field(init=False)
    outcome: Outcome = field(default_factory=Outcome)

    def __post_init__(self) -> None:
        places = len(self.on_hand)
        self.waiting = [deque() for _ in range(places)]
        self.arrivals = defaultdict(list)
        self.inbound = [0] * places
        self.waits = [0] * places

    def held(self) -> list[Held]:
        """What lies in each place, comes to it, and is owed there."""
        return [
            Held(shelf, coming, sum(each.missing for each in queue))
            for shelf, coming, queue in zip(self.on_hand, self.inbound, self.waiting, strict=True)
        ]

    def send(self, day: int, source: int, target: int, quantity: int) -> None:
        """Move pieces between places."""
        self.on_hand[source] -= quantity
        self._coming(day + self.transfer_days, target, quantity, moved=True)
        self.outcome.moved += quantity

    def order(self, day: int, place: int, quantity: int, days: float) -> None:
        """Order from the supplier; what is not for the first place takes its transfer as well."""
        extra = self.transfer_days if place else 0
        self._coming(day + max(round(days), 1) + extra, place, quantity, moved=False)

    def arrive(self, day: int) -> None:
        """Take in what arrives, pass on what was waited for, serve machines that wait."""
        for place, quantity, moved in self.arrivals.pop(day, ()):
            self.inbound[place] -= quantity
            self.on_hand[place] += quantity
            self.travelling -= quantity if moved else 0
            self._serve(day, place)
        for place in range(1, len(self.on_hand)):
            quantity = min(self.waits[place], self.on_hand[0])
            if quantity > 0:
                self.waits[place] -= quantity
                self.send(day, 0, place, quantity)

    def ask(self, day: int, demand: Demand) -> None:
        """A machine asks; what is missing is sought elsewhere or hurried."""
        served = min(self.on_hand[demand.place], demand.quantity)
        self.on_hand[demand.place] -= served
        self.outcome.asked += demand.quantity
        self.outcome.served += served
        missing = demand.quantity - served
        if not missing:
            return
        owed = sum(each.missing for each in self.waiting[demand.place])
        self.waiting[demand.place].append(_Waiting(day, missing))
        missing = max(missing - max(self._soon(day, demand.place) - owed, 0), 0)
        for source in sorted(range(len(self.on_hand)), key=lambda p: -self.on_hand[p]):
            taken = min(self.on_hand[source], missing)
            if taken > 0:
                self.send(day, source, demand.place, taken)
                missing -= taken
        if missing:
            self.hurry(day, demand.place, missing)

    def hurry(self, day: int, place: int, quantity: int) -> None:
        """An emergency order straight to a place."""
        self.outcome.hurried += quantity
        self._coming(day + max(round(self.supply.emergency_days), 1), place, quantity, moved=False)

    def count(self, price_days: float = 1.0) -> None:
        """Add a day's stock."""
        self.outcome.stock += (sum(self.on_hand) + self.travelling) * price_days

    def _soon(self, day: int, place: int) -> int:
        """Pieces that come to a place no later than an emergency order would."""
        until = day + max(round(self.supply.emergency_days), 1)
        return sum(
            quantity
            for when in range(day + 1, until + 1)
            for target, quantity, _ in self.arrivals.get(when, ())
            if target == place
        )

    def _coming(self, day: int, place: int, quantity: int, *, moved: bool) -> None:
        self.arrivals[day].append((place, quantity, moved))
        self.inbound[place] += quantity
        self.travelling += quantity if moved else 0

    def _serve(self, day: int, place: int) -> None:
        queue = self.waiting[place]
        while queue and self.on_hand[place] > 0:
            first = queue[0]
            given = min(first.missing, self.on_hand[place])
            first.missing -= given
            self.on_hand[place] -= given
            if not first.missing:
                self.outcome.waited += day - first.day
                queue.popleft()


def simulate(
    policy: Policy,
    demands: Sequence[Demand],
    days: int,
    supply: Supply,
    transfer_days: int,
    review_days: int,
    refill_days: float,
) -> Outcome:
    """Run a policy over `days` days of demands, sorted by day."""
    shelves = Shelves(supply, transfer_days, policy.opening())
    by_day: dict[int, list[Demand]] = defaultdict(list)
    for demand in demands:
        by_day[demand.day].append(demand)
    for day in range(days):
        shelves.arrive(day)
        for demand in by_day.get(day, ()):
            shelves.ask(day, demand)
        if day % review_days == 0:
            _act(shelves, day, policy.decide(day, shelves.held()))
        elif day % round(refill_days) == 0 and (moved := policy.refill(day, shelves.held())):
            _act(shelves, day, moved)
        shelves.count()
    for queue in shelves.waiting:
        shelves.outcome.waited += sum(days - each.day for each in queue)
    shelves.outcome.dead = _dead(shelves, demands, days)
    return shelves.outcome


def _act(shelves: Shelves, day: int, decision: Decision) -> None:
    for source, target, quantity in decision.transfers:
        shelves.send(day, source, target, quantity)
    for place, quantity in decision.orders:
        shelves.order(day, place, quantity, shelves.supply.days)
    for place, quantity in decision.emergencies:
        shelves.hurry(day, place, quantity)
    shelves.waits = list(decision.waits) or [0] * len(shelves.on_hand)


def _dead(shelves: Shelves, demands: Sequence[Demand], days: int) -> int:
    """Pieces at the end beyond what the place, the first one: all places, gave out in the last
    twelve months."""
    used = [0] * len(shelves.on_hand)
    for demand in demands:
        if demand.day >= days - 365:
            used[demand.place] += demand.quantity
            used[0] += demand.quantity if demand.place else 0
    return sum(max(n - m, 0) for n, m in zip(shelves.on_hand, used, strict=True))
