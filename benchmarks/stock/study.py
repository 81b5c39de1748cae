"""The study: every article over three years by the rule at several scales and by the plan at
several service levels; then both at the same fill rate."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from datetime import date

from benchmarks.stock.policies import MONTH_DAYS, Simple, monthly, planned, trees
from benchmarks.stock.shelf import Outcome, simulate
from benchmarks.stock.world import World, demands, world
from fleet.plan import Catalogue, ProductPlan
from fleet.wear import WearPart
from predict.plan import Supply
from predict.plan.classes import criticality, value_classes
from simulators.years import simulate_years

FILL = 0.98
START = date(2022, 1, 1)
#: The year before the first simulated day, from which both learn.
HISTORY_DAYS = 360
RULE_MONTHS = (0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 12.0, 18.0, 27.0, 40.0)
#: How often the plan may miss, as multiples of what the product plans allow.
MISSES = (3.0, 2.0, 1.4, 1.0, 0.7, 0.5, 0.3, 0.15)
HURRY = 0.5


@dataclass(frozen=True, slots=True)
class Figures:
    """What a policy came to: mean stock in yuan, dead stock at the end in yuan, machine-days
    waited, fill rate, emergency pieces, pieces moved, and the scale it was reached at."""

    stock: float
    dead: float
    waited: float
    fill: float
    hurried: float
    moved: float
    scale: float


@dataclass(frozen=True, slots=True)
class Case:
    """One article: what it costs, how it comes, who has it, what its shelf is to serve."""

    number: str
    price: float
    supply: Supply
    service_level: float
    owners: tuple[tuple[str, str], ...]


Results = Mapping[float, Outcome]
_WORLD: World | None = None
_DAYS, _REVIEW = 0, 0


def run(
    catalogue: Catalogue,
    machines: int,
    days: int,
    seed: int,
    review_days: int,
    workers: int,
    progress: Callable[[float], None] = lambda share: None,
) -> dict[str, dict[float, Figures]]:
    """Figures of both policies by scale."""
    global _WORLD, _DAYS, _REVIEW
    years = simulate_years(catalogue.plans, machines, HISTORY_DAYS + days, START, seed)
    _WORLD, _DAYS, _REVIEW = world(catalogue, years), days, review_days
    cases = list(_cases(_WORLD))
    found = []
    # Forked, so that the years are there already.
    with ProcessPoolExecutor(workers, multiprocessing.get_context("fork")) as pool:
        for done, result in enumerate(pool.map(_one, cases)):
            found.append(result)
            progress((done + 1) / len(cases))
    prices = [case.price for case in cases]
    return {
        name: {
            scale: _figures([each[name][scale] for each in found], prices, days, scale)
            for scale in found[0][name]
        }
        for name in ("rule", "plan")
    }


def at_fill(by_scale: Mapping[float, Figures], fill: float = FILL) -> Figures:
    """The figures at a fill rate, linear between the two scales about it; the nearest end where
    it is not reached."""
    ordered = sorted(by_scale.values(), key=lambda each: each.fill)
    above = next((n for n, each in enumerate(ordered) if each.fill >= fill), None)
    if above is None:
        return ordered[-1]
    if above == 0:
        return ordered[0]
    low, high = ordered[above - 1], ordered[above]
    share = (fill - low.fill) / (high.fill - low.fill)
    names = [each.name for each in fields(Figures)]
    mixed = {n: getattr(low, n) * (1 - share) + getattr(high, n) * share for n in names}
    return Figures(**mixed)


def _cases(the: World) -> list[Case]:
    """All articles, in classes by what they were used for in the year of history."""
    owners: dict[str, list[tuple[ProductPlan, WearPart]]] = {}
    for plan in the.catalogue.plans.values():
        for part in plan.parts:
            owners.setdefault(part.number, []).append((plan, part))
    terms = the.catalogue.supply
    prices = {n: terms.prices[own[0][1].price_class] for n, own in owners.items()}
    used = {
        number: sum(
            each.quantity
            for plan, part in own
            for each in demands(the, plan.product, part, 0)
            if each.day < HISTORY_DAYS
        )
        for number, own in owners.items()
    }
    cases = []
    for number, own in owners.items():
        levels = []
        for plan, part in own:
            value = {p.number: prices[p.number] * used[p.number] for p in plan.parts}
            kind = value_classes(value, plan.stocking)[number]
            levels.append(plan.stocking.service_levels[kind][criticality(plan, part)])
        days = terms.supply_days[own[0][1].lead_class]
        effects = {criticality(plan, part) for plan, part in own}
        hurry = HURRY if effects & {"stop", "alarm"} else None
        supply = Supply(days, max(days * terms.emergency_share, 1.0), 1, hurry)
        names = tuple((plan.product, part.id) for plan, part in own)
        cases.append(Case(number, prices[number], supply, max(levels), names))
    return cases


def _one(case: Case) -> dict[str, Results]:
    the = _WORLD
    assert the is not None
    own = [(product, the.catalogue.plans[product].part[part]) for product, part in case.owners]
    everything = sorted(
        (each for product, part in own for each in demands(the, product, part, 0)),
        key=lambda each: each.day,
    )
    asked = sorted(
        (each for product, part in own for each in demands(the, product, part, HISTORY_DAYS)),
        key=lambda each: each.day,
    )
    months = (HISTORY_DAYS + _DAYS) // MONTH_DAYS + 1
    history = monthly(everything, len(the.network.ids), months)
    transfer = round(the.catalogue.supply.transfer_days["region"])
    forest = trees(the, own, case.supply, HISTORY_DAYS, _DAYS, _REVIEW)
    rule = {
        scale: simulate(
            Simple(the, own[0][0], history, HISTORY_DAYS, scale),
            asked, _DAYS, case.supply, transfer, _REVIEW,
        )
        for scale in RULE_MONTHS
    }  # fmt: skip
    levels = [max(1 - miss * (1 - case.service_level), 0.5) for miss in MISSES]
    plan = {
        miss: simulate(policy, asked, _DAYS, case.supply, transfer, _REVIEW)
        for miss, policy in zip(MISSES, planned(forest, case.supply, levels), strict=True)
    }
    return {"rule": rule, "plan": plan}


def _figures(
    outcomes: Sequence[Outcome], prices: Sequence[float], days: int, scale: float
) -> Figures:
    pairs = list(zip(outcomes, prices, strict=True))
    return Figures(
        sum(each.stock * price for each, price in pairs) / days,
        sum(each.dead * price for each, price in pairs),
        sum(each.waited for each in outcomes),
        sum(each.served for each in outcomes) / max(sum(each.asked for each in outcomes), 1),
        sum(each.hurried for each in outcomes),
        sum(each.moved for each in outcomes),
        scale,
    )


def cores() -> int:
    """Processes that help."""
    return len(os.sched_getaffinity(0))
