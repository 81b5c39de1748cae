"""How a working day goes: which regime for how long, by product (domain 2.2, 3.2, 4.2).

A pattern yields the steps of one working day without end; whoever uses it stops when the shift
is over. Shares of the day follow the domain reference, minutes are judgement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

#: A step of work: regime, minutes, and whether a new job (pour, section) begins with it.
Step = tuple[str, float, bool]


class Dice:
    """Random numbers drawn in blocks, as single draws cost more than the work itself."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._rest: list[float] = []

    def between(self, low: float, high: float) -> float:
        """A number between `low` and `high`, all alike."""
        if not self._rest:
            self._rest = self._rng.random(256).tolist()
        return low + (high - low) * self._rest.pop()

    def chance(self, share: float) -> bool:
        """True in `share` of all calls."""
        return self.between(0.0, 1.0) < share


def _pour(dice: Dice) -> Iterator[Step]:
    yield "prime", dice.between(2, 4), False
    for _ in range(int(dice.between(6, 22))):
        yield "pump", dice.between(5, 13), False
        if dice.chance(0.07):
            yield "reverse", dice.between(0.4, 1.2), False
            yield "pump", dice.between(2, 5), False
        wait = dice.between(14, 26) if dice.chance(0.12) else dice.between(3, 12)
        yield "idle_wait", wait, False
    yield "clean", dice.between(28, 45), False


def boom_pump(dice: Dice) -> Iterator[Step]:
    """Drive, set up, pour truck by truck, clean, fold, drive on."""
    while True:
        yield "travel", dice.between(30, 75), True
        yield "setup", dice.between(20, 40), True
        yield from _pour(dice)
        yield "fold", dice.between(12, 22), False


def trailer_pump(dice: Dice) -> Iterator[Step]:
    """Stands on one site for weeks: warm up, pour, clean, wait for the next pour."""
    while True:
        yield "idle_wait", dice.between(8, 25), True
        yield from _pour(dice)


def truck_crane(dice: Dice) -> Iterator[Step]:
    """Drive, set the outriggers, lift for hours with long waits, stow."""
    while True:
        yield "travel", dice.between(25, 60), True
        yield "setup", dice.between(20, 40), True
        for _ in range(int(dice.between(10, 26))):
            long = dice.chance(0.12)
            yield "idle", dice.between(24, 40) if long else dice.between(2, 9), True
            yield "lift", dice.between(4.2, 7), False
            yield "hold", dice.between(12, 22) if dice.chance(0.1) else dice.between(0.5, 4), False
            yield "lower", dice.between(2.9, 4.2), False
        yield "stow", dice.between(15, 25), False


def tower_crane(dice: Dice) -> Iterator[Step]:
    """Lift cycles of three to seven minutes; pauses; now and then the mast is climbed."""
    while True:
        if dice.chance(0.02):
            yield "climb", dice.between(90, 180), True
        for _ in range(int(dice.between(20, 40))):
            yield "ready", dice.between(0.5, 3.5), True
            yield "lift_loaded", dice.between(0.8, 2.2), False
            yield "slew", dice.between(0.6, 1.3), False
            if dice.chance(0.5):
                yield "trolley", dice.between(0.6, 1.2), False
            yield "hold", dice.between(11, 16) if dice.chance(0.04) else dice.between(0.3, 1), False
            yield "lift_empty", dice.between(0.6, 1.6), False
        yield "ready", dice.between(10, 30), False


def paver(dice: Dice) -> Iterator[Step]:
    """Heat the screed, pave load by load with waits for mix, clean, cool down."""
    while True:
        if dice.chance(0.06):
            yield "transport", dice.between(40, 90), True
        yield "travel_site", dice.between(4, 12), True
        yield "preheat", dice.between(25, 40), False
        for _ in range(int(dice.between(12, 26))):
            yield "docking", dice.between(0.7, 2.0), False
            yield "pave", dice.between(8, 22), False
            yield "wait_mix", dice.between(3, 8), False
            if dice.chance(0.08):
                yield "relocate", dice.between(4, 10), True
        yield "clean", dice.between(20, 35), False
        yield "cool", dice.between(10, 20), False


@dataclass(frozen=True)
class Shifts:
    """When a product works: chance of a working day at mean activity, hours of a shift, share of
    night shifts, the regime a shift ends with, and the one without which no work can begin."""

    pattern: Callable[[Dice], Iterator[Step]]
    regimes: tuple[str, ...]
    day_chance: float
    hours: tuple[float, float]
    night_share: float
    last_step: str = ""
    warms_up: str = ""


SHIFTS: dict[str, Shifts] = {
    "concrete_boom_pump": Shifts(
        boom_pump,
        (
            "off",
            "travel",
            "setup",
            "idle_wait",
            "prime",
            "pump",
            "reverse",
            "blocked",
            "clean",
            "fold",
        ),
        0.62,
        (6.0, 12.0),
        0.25,
        "travel",
    ),
    "trailer_pump": Shifts(
        trailer_pump,
        ("off", "idle_wait", "prime", "pump", "reverse", "blocked", "clean"),
        0.58,
        (5.0, 11.0),
        0.25,
    ),
    "truck_crane": Shifts(
        truck_crane,
        ("off", "travel", "setup", "idle", "lift", "hold", "lower", "stow"),
        0.72,
        (5.0, 9.5),
        0.08,
        "travel",
    ),
    "tower_crane": Shifts(
        tower_crane,
        (
            "off",
            "ready",
            "lift_loaded",
            "lift_empty",
            "slew",
            "trolley",
            "hold",
            "weathervane",
            "climb",
            "wind_stop",
        ),
        0.85,
        (8.0, 14.0),
        0.10,
    ),
    "asphalt_paver": Shifts(
        paver,
        (
            "off",
            "transport",
            "travel_site",
            "preheat",
            "wait_mix",
            "pave",
            "docking",
            "relocate",
            "clean",
            "cool",
        ),
        0.50,
        (6.0, 12.0),
        0.20,
        warms_up="preheat",
    ),
}
