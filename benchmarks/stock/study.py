"""The study: every article over three years by the rule at several scales and by the plan at
several worths of a missed piece; then both at the same fill rate."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from datetime import date
from statistics import median

import numpy as np

from benchmarks.stock.policies import MONTH_DAYS, Simple, monthly, planned, trees
from benchmarks.stock.shelf import Outcome, simulate
from benchmarks.stock.world import World, demands, world
from fleet.plan import Catalogue, ProductPlan
from fleet.wear import WearPart
from predict.plan import Costs, Supply, costs_of
from predict.plan.classes import criticality
from simulators.years import simulate_years

FILL = 0.98
START = date(2022, 1, 1)
#: The year before the first simulated day, from which both learn.
HISTORY_DAYS = 360
RULE_MONTHS = (2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 8.0, 12.0)
#: How often a missed piece counts beyond its cost in the plan, for all articles alike. The plan
#: never falls below 0; less than that only shows what the same fill rate as the rule's would take.
WORTH = (-0.75, -0.5, -0.25, 0.0, 0.25, 1.0, 4.0)
HURRY = 0.5


@dataclass(frozen=True, slots=True)
class Figures:
    """What a policy came to: mean stock in yuan, dead stock at the end in yuan, machine-days
    waited, fill rate, emergency pieces and the yuan they cost beyond their price, pieces moved, and
    the scale it was reached at."""

    stock: float
    dead: float
    waited: float
    fill: float
    hurried: float
    premium: float
    moved: float
    scale: float


@dataclass(frozen=True, slots=True)
class Case:
    """One article: what it costs, how it comes, who has it, what stock and its lack cost."""

    number: str
    price: float
    supply: Supply
    costs: Costs
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
    premium = catalogue.supply.emergency_premium
    return {
        name: {
            scale: _figures([each[name][scale] for each in found], prices, premium, days, scale)
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


def medians(each: Sequence[Figures]) -> Figures:
    """The median of every figure over several fleets."""
    return Figures(*(median(getattr(one, f.name) for one in each) for f in fields(Figures)))


def _cases(the: World) -> list[Case]:
    """All articles."""
    owners: dict[str, list[tuple[ProductPlan, WearPart]]] = {}
    for plan in the.catalogue.plans.values():
        for part in plan.parts:
            owners.setdefault(part.number, []).append((plan, part))
    terms = the.catalogue.supply
    cases = []
    for number, own in owners.items():
        price, days = terms.prices[own[0][1].price_class], terms.supply_days[own[0][1].lead_class]
        effects = {criticality(plan, part) for plan, part in own}
        effect = max(effects, key=lambda each: terms.waiting_day[each])
        hurry = None if effect == "other" else HURRY
        supply = Supply(days, max(days * terms.emergency_share, 1.0), 1, hurry)
        at_once = float(np.mean([part.quantity for _, part in own]))
        costs = costs_of(price, effect, supply.emergency_days, terms, at_once)
        names = tuple((plan.product, part.id) for plan, part in own)
        cases.append(Case(number, price, supply, costs, names))
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
    terms = the.catalogue.supply
    forest = trees(the, own, case.supply, HISTORY_DAYS, _DAYS, _REVIEW)
    rule = {
        scale: simulate(
            Simple(the, own[0][0], history, HISTORY_DAYS, scale),
            asked, _DAYS, case.supply, transfer, _REVIEW, terms.refill_days,
        )
        for scale in RULE_MONTHS
    }  # fmt: skip
    plan = {
        worth: simulate(policy, asked, _DAYS, case.supply, transfer, _REVIEW, terms.refill_days)
        for worth, policy in zip(
            WORTH, planned(forest, case.supply, case.costs, WORTH), strict=True
        )
    }
    return {"rule": rule, "plan": plan}


def _figures(
    outcomes: Sequence[Outcome], prices: Sequence[float], premium: float, days: int, scale: float
) -> Figures:
    pairs = list(zip(outcomes, prices, strict=True))
    return Figures(
        sum(each.stock * price for each, price in pairs) / days,
        sum(each.dead * price for each, price in pairs),
        sum(each.waited for each in outcomes),
        sum(each.served for each in outcomes) / max(sum(each.asked for each in outcomes), 1),
        sum(each.hurried for each in outcomes),
        premium * sum(each.hurried * price for each, price in pairs),
        sum(each.moved for each in outcomes),
        scale,
    )


def cores() -> int:
    """Processes that help."""
    return len(os.sched_getaffinity(0))
