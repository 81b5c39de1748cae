"""Years of a fleet, day by day: how much each part was used, when it was worn out, and what of it
was seen. Coarse, so that hundreds of machines take seconds: no telemetry, only daily use.

Season, duty and lives are those of the simulators. What a plan cannot know is drawn beside them:
how far each part's true life lies from the plan's, how models, regions and single machines differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from fleet.batch import FloatColumn
from fleet.plan import ProductPlan
from fleet.wear import WearPart
from simulators.fleet import FleetMachine, demo_fleet
from simulators.season import Holiday, activity
from simulators.seeds import generator
from simulators.wear import PER_DAY, draw_life
from simulators.work import SHIFTS

_MONTH_DAYS = 30.44
#: Spread (sigma of the log) of what no plan knows: of a kind of part, by model, region, machine.
_OF_PART, _OF_MODEL, _OF_REGION, _OF_MACHINE = 0.2, 0.1, 0.1, 0.08
#: Machines and jobs differ in how busy and how hard they are, sigma of the log.
_BUSY, _JOB, _HARD = 0.25, 0.2, 0.15
_JOB_DAYS = (20, 90)
#: Share of parts replaced before they are worn out, and after which share of their life.
_EARLY, _EARLY_SHARE = 0.2, (0.6, 0.95)
#: Share of worn-out parts that broke before anybody looked.
_BROKE = 0.3


@dataclass(frozen=True, slots=True)
class YearsOfMachine:
    """One machine: operating `hours` (days,) and `use` (days,) by part, in the driver's unit with
    its severity; every position of a part is used alike."""

    spec: FleetMachine
    hours: FloatColumn
    use: Mapping[str, FloatColumn]


@dataclass(frozen=True, slots=True)
class FittedLife:
    """One fitted part of the `machine`-th machine. Days count from the first; one fitted before
    has a negative day and was `used_before`. `life` is the use at which it is worn out, known to
    nobody, and `factor` times as long as the plan has it for such parts; `removed_day` None: still
    there at the end."""

    machine: int
    part: str
    position: str
    fitted_day: int
    used_before: float
    life: float
    factor: float
    removed_day: int | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class FleetYears:
    """A fleet over `days` days from `start` on, machines in order of their number."""

    start: date
    days: int
    machines: tuple[YearsOfMachine, ...]
    lives: tuple[FittedLife, ...]


def simulate_years(
    plans: Mapping[str, ProductPlan], count: int, days: int, start: date, seed: int
) -> FleetYears:
    """`count` machines over `days` days; the same for the same arguments."""
    fleet = demo_fleet(plans, count, seed=seed, today=start)
    machines: list[YearsOfMachine] = []
    lives: list[FittedLife] = []
    for number, spec in enumerate(fleet.machines):
        plan = plans[spec.product]
        machine = _machine(spec, plan, days, start, seed)
        machines.append(machine)
        lives += _lives(number, machine, plan, start, seed)
    return FleetYears(start, days, tuple(machines), tuple(lives))


def _machine(
    spec: FleetMachine, plan: ProductPlan, days: int, start: date, seed: int
) -> YearsOfMachine:
    rng = generator(seed, spec.serial, "years")
    shifts, rates = SHIFTS[spec.product], PER_DAY[spec.product]
    holiday = Holiday(int(rng.integers(5, 12)), int(rng.integers(7, 16)))
    level = np.array(
        [
            activity(spec.product, spec.climate, start + timedelta(days=d), holiday)
            for d in range(days)
        ]
    )
    busy = float(np.exp(_BUSY * rng.standard_normal())) * _by_job(rng, days, _JOB)
    works = rng.random(days) < np.minimum(0.97, level * busy * shifts.day_chance)
    hours = np.where(works, rng.uniform(*shifts.hours, days), 0.0)
    pace = _by_job(rng, days, _JOB) * np.exp(0.2 * rng.standard_normal(days))
    hard = float(np.exp(_HARD * rng.standard_normal())) * _by_job(rng, days, _HARD)
    use = {}
    for part in plan.parts:
        if part.driver.age:
            use[part.id] = np.full(days, 1 / _MONTH_DAYS)
            continue
        amount = hours * rates[part.driver.unit] / rates["h"]
        if part.driver.unit != "h":
            amount = amount * pace
        use[part.id] = amount * hard if part.driver.factor else amount
    return YearsOfMachine(spec, hours, use)


def _by_job(rng: np.random.Generator, days: int, sigma: float) -> FloatColumn:
    """A factor that stays for one job and changes with the next."""
    lengths = rng.integers(*_JOB_DAYS, size=days // _JOB_DAYS[0] + 1)
    factors = np.exp(sigma * rng.standard_normal(len(lengths)))
    return np.repeat(factors, lengths)[:days]


def _lives(
    number: int, machine: YearsOfMachine, plan: ProductPlan, start: date, seed: int
) -> Iterator[FittedLife]:
    spec = machine.spec
    rng = generator(seed, spec.serial, "lives")
    own = float(np.exp(_OF_MACHINE * rng.standard_normal()))
    age_days = (start - spec.commissioned_on).days
    for part in plan.parts:
        factor = own * _hidden_factor(seed, spec, part)
        reached = np.concatenate([[0.0], np.cumsum(machine.use[part.id])])
        for position in part.positions:
            yield from _one_place(number, part, position.id, factor, reached, age_days, rng)


def _hidden_factor(seed: int, spec: FleetMachine, part: WearPart) -> float:
    names: Sequence[tuple[float, tuple[str, ...]]] = (
        (_OF_PART, (spec.product, part.id)),
        (_OF_MODEL, (spec.product, part.id, spec.model)),
        (_OF_REGION, (spec.product, part.id, spec.region)),
    )
    drawn = (sigma * generator(seed, "true life", *name).standard_normal() for sigma, name in names)
    return float(np.exp(sum(drawn)))


def _one_place(
    number: int,
    part: WearPart,
    position: str,
    factor: float,
    reached: FloatColumn,
    age_days: int,
    rng: np.random.Generator,
) -> Iterator[FittedLife]:
    """The parts that stood in one place one after the other; `reached` (days + 1,) is the use of
    the place since the first day, at each day's begin."""
    per_day = max(float(reached[-1]) / (len(reached) - 1), 1e-9)
    used, life = _found(part, factor, per_day * age_days, rng)
    fitted_day, from_use = -round(used / per_day), -used
    while True:
        early = rng.random() < _EARLY
        share = float(rng.uniform(*_EARLY_SHARE)) if early else 1.0
        until = from_use + max(share * life, used)
        day = int(np.searchsorted(reached, until))
        if day >= len(reached):
            yield FittedLife(number, part.id, position, fitted_day, used, life, factor, None, None)
            return
        reason = "early" if early else "failed" if rng.random() < _BROKE else "worn"
        yield FittedLife(number, part.id, position, fitted_day, used, life, factor, day, reason)
        fitted_day, from_use, used = day, float(reached[day]), 0.0
        life = draw_life(part.life, rng) * factor


def _found(
    part: WearPart, factor: float, most: float, rng: np.random.Generator
) -> tuple[float, float]:
    """Use and life of the part that stands in a place on the first day, at most `most` used.

    Whoever looks at a random moment meets long lives more often, each anywhere in its course; a
    machine too young for that still has its first part.
    """
    lives = np.array([draw_life(part.life, rng) for _ in range(8)]) * factor
    life = float(rng.choice(lives, p=lives / lives.sum()))
    used = float(rng.uniform(0.0, 1.0)) * life
    if used <= most:
        return used, life
    lasting = lives[lives > most]
    return most, float(lasting[0] if len(lasting) else life)
