"""One run of the parts plan: reads the store, has the plan made, and writes it down."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from scipy.stats import nbinom

from fleet.batch import FloatColumn
from fleet.plan import Catalogue, ProductPlan
from fleet.season import climate_of
from fleet.wear import WearPart
from predict.demand import forecast_demand
from predict.demand.fleet import quantiles_of, together
from predict.demand.needs import BUSY_YEARS, distribution, mixed, of_quantiles
from predict.plan.article import Article, ArticlePlan, Line, plan_article
from predict.plan.classes import Criticality, ValueClass, criticality, value_classes
from predict.plan.gather import (
    Gathered,
    Horizon,
    fitted_needs,
    month_starts,
    months_known,
    new_machine_needs,
    service_needs,
    use_by_month,
)
from predict.plan.levels import Place
from predict.plan.lives import learn_stays
from predict.plan.moves import Held, Supply
from predict.plan.network import Network, network
from predict.plan.rule import seasonal_factor
from predict.plan.window import MONTH_DAYS
from store import part_plans, stock
from store.connection import Connection

MONTHS_AHEAD = 6
#: History is read so many months back.
MONTHS_BACK = 36
#: Levels at which demand is kept, and those the history's forecast is asked for.
LEVELS = np.array([0.1, 0.5, 0.8, 0.9, 0.95, 0.99])
_ASKED = np.array([0.05, 0.25, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99])
#: From this chance on of being missed a piece is hurried, where its lack stops a machine.
HURRY = 0.5
_MOST_MACHINES = 25
_SEVERE: tuple[Criticality, ...] = ("stop", "alarm")
ALL_REASONS = {"wear", "service", "repair", "sale"}
#: What no model of wear or service explains.
UNEXPLAINED = {"repair", "sale"}

Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class _Known:
    """What a run knows before it plans."""

    catalogue: Catalogue
    network: Network
    horizon: Horizon
    gathered: Mapping[str, list[Gathered]]
    used: Mapping[tuple[str, int], FloatColumn]
    others: Mapping[tuple[str, int], list[FloatColumn]]
    supply: Mapping[str, Any]
    stock: Mapping[tuple[str, str], Any]
    owners: Mapping[str, list[tuple[ProductPlan, WearPart]]]
    lats: Mapping[int, float]


def run_plan(
    connection: Connection,
    catalogue: Catalogue,
    at: datetime,
    made_by: str,
    progress: Progress = lambda share: None,
) -> int:
    """Make the plan as of a moment and keep it; returns its number. Call it in a transaction.

    Raises NetworkError where no warehouses are known.
    """
    known = _read(connection, catalogue, at)
    numbers = sorted({*known.gathered, *(n for n, _ in known.used), *_stocked(known)})
    demand = {}
    for done, number in enumerate(numbers):
        demand[number] = _Demand(known, number)
        progress(0.6 * (done + 1) / len(numbers))
    classes = _classes(known, demand)
    rows_of_demand: list[dict[str, Any]] = []
    lines: list[dict[str, Any]] = []
    for done, number in enumerate(numbers):
        rows_of_demand += demand[number].rows()
        lines += _lines(known, demand[number], classes[number])
        progress(0.6 + 0.4 * (done + 1) / len(numbers))
    run = {
        "month": at.date().replace(day=1),
        "as_of": at,
        "made_by": made_by,
        "version": "+".join(sorted(plan.version for plan in catalogue.plans.values())) or "-",
        "settings": _settings(catalogue),
        "summary": _summary(lines),
    }
    return part_plans.put_run(connection, run, rows_of_demand, lines)


def _read(connection: Connection, catalogue: Catalogue, at: datetime) -> _Known:
    horizon = Horizon(at, MONTHS_AHEAD)
    tree = network(stock.warehouses(connection), catalogue.supply)
    fitted = part_plans.fitted(connection, at)
    stays = learn_stays(connection, catalogue, at)
    gathered: dict[str, list[Gathered]] = defaultdict(list)
    sold = stock.sales(connection, at.date().replace(day=1))
    for each in (
        *fitted_needs(fitted, catalogue, stays, tree, horizon),
        *service_needs(part_plans.services(connection), catalogue, tree, horizon),
        *new_machine_needs(sold, fitted, catalogue, stays, tree, horizon),
    ):
        gathered[each.number].append(each)
    issues = stock.issues(connection, at - timedelta(days=MONTHS_BACK * MONTH_DAYS), at)
    months = months_known(issues, at, MONTHS_BACK)
    owners: dict[str, list[tuple[ProductPlan, WearPart]]] = defaultdict(list)
    for plan in catalogue.plans.values():
        for part in plan.parts:
            owners[part.number].append((plan, part))
    lats: dict[int, list[float]] = defaultdict(list)
    for row in fitted:
        lats[tree.serving(row["station"], row["region"])].append(row["lat"])
    return _Known(
        catalogue,
        tree,
        horizon,
        gathered,
        use_by_month(issues, at, max(months, 1), ALL_REASONS, tree),
        _others(use_by_month(issues, at, max(months, 1), UNEXPLAINED, tree), months),
        stock.supply(connection),
        stock.stock(connection),
        owners,
        {place: float(np.mean(each)) for place, each in lats.items()},
    )


def _others(
    used: Mapping[tuple[str, int], FloatColumn], months: int
) -> dict[tuple[str, int], list[FloatColumn]]:
    """Demand that no model explains, learned from its history."""
    if months == 0 or not used:
        return {}
    if months == 1:
        return {key: [_after_one(float(each[0]))] * MONTHS_AHEAD for key, each in used.items()}
    quantiles = forecast_demand(np.stack(list(used.values())), MONTHS_AHEAD, _ASKED)
    return {
        key: [of_quantiles(_ASKED, month) for month in each]
        for key, each in zip(used, quantiles, strict=True)
    }


def _after_one(pieces: float) -> FloatColumn:
    """What a month will bring when one is known: Poisson about a mean that is as uncertain as one
    count leaves it (Jeffreys)."""
    most = int(4 * pieces) + 20
    return np.asarray(nbinom.pmf(np.arange(most), pieces + 0.5, 0.5))


def _stocked(known: _Known) -> set[str]:
    return {number for _, number in known.stock if number in known.owners}


class _Demand:
    """Demand of one article by place and by region."""

    def __init__(self, known: _Known, number: str) -> None:
        self.number = number
        self._known = known
        places, months = len(known.network.ids), known.horizon.months
        nothing = [[np.ones(1)] * len(BUSY_YEARS)] * months
        self._scenarios = [nothing for _ in range(places)]
        self.means = np.zeros((places, months, 3))
        parts = known.gathered.get(number, [])
        for place in range(places):
            mine = [(each, np.flatnonzero(each.needs.place == place)) for each in parts]
            mine = [(each, rows) for each, rows in mine if len(rows)]
            if mine:
                self._scenarios[place] = [self._month(mine, place, m) for m in range(months)]

    def _month(
        self, mine: Sequence[tuple[Gathered, np.ndarray]], place: int, month: int
    ) -> list[FloatColumn]:
        sums = [np.ones(1)] * len(BUSY_YEARS)
        for each, rows in mine:
            needs = each.needs.where(rows)
            expected = needs.chance[:, :, month].mean(axis=0) @ needs.quantity
            self.means[place, month, ("worn", "service", "new").index(each.kind)] += expected
            sums = [together(pair) for pair in zip(sums, distribution(needs, month), strict=True)]
        return sums

    def other(self, place: int) -> list[FloatColumn]:
        """What history shows beside it, by month."""
        nothing = [np.ones(1)] * self._known.horizon.months
        return self._known.others.get((self.number, place), nothing)

    def months(self, place: int) -> list[FloatColumn]:
        """Distributions of a place's own demand by month."""
        return self._sum([place])

    def _sum(self, places: Sequence[int]) -> list[FloatColumn]:
        found = []
        for month in range(self._known.horizon.months):
            scenarios = [
                together([self._scenarios[place][month][number] for place in places])
                for number in range(len(BUSY_YEARS))
            ]
            others = [self.other(place)[month] for place in places]
            found.append(together([mixed(scenarios), *others]))
        return found

    def year_use(self) -> float:
        """Expected pieces a year."""
        expected = sum(
            float(pmf @ np.arange(len(pmf)))
            for place in range(len(self._scenarios))
            for pmf in self.months(place)
        )
        return expected * 12 / self._known.horizon.months

    def rows(self) -> list[dict[str, Any]]:
        """The demand of all regions together and of each, by month, for the store."""
        net = self._known.network
        groups: dict[str | None, list[int]] = {None: list(range(len(net.ids)))}
        for place, region in enumerate(net.regions):
            if region is not None:
                groups.setdefault(region, []).append(place)
        starts = month_starts(self._known.horizon.at, self._known.horizon.months)
        return [
            self._row(region, places, start, month, pmf)
            for region, places in groups.items()
            for month, (start, pmf) in enumerate(zip(starts, self._sum(places), strict=True))
        ]

    def _row(
        self, region: str | None, places: list[int], start: object, month: int, pmf: FloatColumn
    ) -> dict[str, Any]:
        mean = float(pmf @ np.arange(len(pmf)))
        worn, service, new = self.means[places, month].sum(axis=0).tolist()
        last = int(np.searchsorted(np.cumsum(pmf), 1 - 1e-6)) + 1
        return {
            "number": self.number,
            "region": region,
            "month": start,
            "mean": mean,
            "sources": {
                "worn": worn,
                "service": service,
                "new": new,
                "other": max(mean - worn - service - new, 0.0),
            },
            "quantiles": quantiles_of(pmf, LEVELS).tolist(),
            "chances": np.round(pmf[:last], 6).tolist(),
        }


@dataclass(frozen=True, slots=True)
class _Class:
    price: float
    priced: str
    value: ValueClass
    effect: Criticality
    level: float


def _classes(known: _Known, demand: Mapping[str, _Demand]) -> dict[str, _Class]:
    """Price, classes and service level of each article: where several products share it, the one
    that asks for most decides."""
    prices = {number: _price(known, number) for number in demand}
    value = {number: prices[number][0] * each.year_use() for number, each in demand.items()}
    found: dict[str, _Class] = {}
    for number in demand:
        best: _Class | None = None
        for plan, part in known.owners[number]:
            mine = {n: v for n, v in value.items() if _has(plan, n)}
            kind = value_classes(mine, plan.stocking)[number]
            effect = criticality(plan, part)
            level = plan.stocking.service_levels[kind][effect]
            if best is None or level > best.level:
                best = _Class(*prices[number], kind, effect, level)
        assert best is not None, f"{number} belongs to no plan"
        found[number] = best
    return found


def _has(plan: ProductPlan, number: str) -> bool:
    return any(part.number == number for part in plan.parts)


def _price(known: _Known, number: str) -> tuple[float, str]:
    if number in known.supply:
        return float(known.supply[number]["price"]), "imported"
    part = known.owners[number][0][1]
    return known.catalogue.supply.prices[part.price_class], f"class {part.price_class}"


def _lines(known: _Known, demand: _Demand, kind: _Class) -> list[dict[str, Any]]:
    plan, part = known.owners[demand.number][0]
    net, terms = known.network, known.catalogue.supply
    stated = known.supply.get(demand.number)
    days = stated["supply_days"] if stated else terms.supply_days[part.lead_class]
    supply = Supply(
        days,
        max(days * terms.emergency_share, 1.0),
        stated["pack"] if stated else 1,
        HURRY if kind.effect in _SEVERE else None,
    )
    places = [
        Place(id_, source, days if source is None else own_days, demand.months(number))
        for number, (id_, source, own_days) in enumerate(
            zip(net.ids, net.sources, net.transfer_days, strict=True)
        )
    ]
    article = Article(
        demand.number,
        kind.level,
        supply,
        terms.review_days,
        places,
        [_held(known, id_, demand.number) for id_ in net.ids],
        [known.used.get((demand.number, n), np.zeros(1)).tolist() for n in range(len(net.ids))],
        [_season(known, plan, n) for n in range(len(net.ids))],
    )
    made = plan_article(article)
    return [
        _row(known, plan, part, kind, made, line, number, demand)
        for number, line in enumerate(made.lines)
    ]


def _held(known: _Known, place: str, number: str) -> Held:
    row = known.stock.get((place, number))
    return Held(row["on_hand"], row["inbound"], row["owed"]) if row else Held()


def _season(known: _Known, plan: ProductPlan, place: int) -> float:
    """The simple rule's factor for the coming three months in a place."""
    if plan.season is None or place not in known.lats:
        return 1.0
    months = np.array(plan.season.of(climate_of(known.lats[place])))
    return seasonal_factor(months, known.horizon.at.month - 1)


def _row(
    known: _Known,
    plan: ProductPlan,
    part: WearPart,
    kind: _Class,
    made: ArticlePlan,
    line: Line,
    number: int,
    demand: _Demand,
) -> dict[str, Any]:
    served = _subtree(known.network, number)
    at = known.horizon.at.date()
    next_order = line.order_in_days if number == 0 and not line.order else None
    return {
        "number": demand.number,
        "product": plan.product,
        "part": part.id,
        "warehouse": line.place.id,
        "value_class": kind.value,
        "service_level": kind.level,
        "price": kind.price,
        "on_hand": line.held.on_hand,
        "inbound": line.held.inbound,
        "owed": line.held.owed,
        "position": line.position,
        "level": line.level,
        "own_level": line.own_level,
        "cover_days": line.cover_days,
        "expected": line.expected,
        "high": line.high,
        "order_quantity": line.order,
        "emergency_quantity": line.emergency,
        "transfers": [{"from": source, "quantity": n} for source, n in line.transfers],
        "surplus": line.surplus,
        "order_on": at + timedelta(days=next_order) if next_order else None,
        "rule_quantity": line.rule_quantity,
        "returns": _returns(demand, known, served),
        "reasons": {
            "effect": kind.effect,
            "price": kind.priced,
            "supply_days": made.article.supply.days,
            "emergency_days": made.article.supply.emergency_days,
            "pack": made.article.supply.pack,
            "review_days": made.article.review_days,
            "fill": made.levels.fill,
            "given": line.given,
            "waits": line.waits,
            "season": made.article.season[number],
            "history": _history(known, demand.number, served),
            "sources": demand.means[served].sum(axis=(0, 1)).round(4).tolist(),
            "machines": _machines(known, demand.number, served),
        },
    }  # fmt: skip


def _subtree(net: Network, number: int) -> list[int]:
    found = [number]
    for place in range(number + 1, len(net.ids)):
        if net.sources[place] in found:
            found.append(place)
    return found


def _history(known: _Known, number: str, served: Sequence[int]) -> list[float]:
    """Pieces used by past month in a place and all it serves."""
    own = [known.used[number, p] for p in served if (number, p) in known.used]
    return np.sum(own, axis=0).tolist() if own else []


def _returns(demand: _Demand, known: _Known, served: Sequence[int]) -> float:
    """Old parts expected back in warranty within the coming month."""
    total = 0.0
    for each in known.gathered.get(demand.number, []):
        if each.kind == "worn":
            mine = np.isin(each.needs.place, served) & (each.warranty > 0)
            chance = each.needs.chance[:, mine, 0].mean(axis=0)
            total += float(chance @ each.needs.quantity[mine])
    return round(total, 4)


def _machines(known: _Known, number: str, served: Sequence[int]) -> list[dict[str, Any]]:
    """The needs behind a line, the likeliest within the next three months first."""
    found: list[dict[str, Any]] = []
    for each in known.gathered.get(number, []):
        for row in np.flatnonzero(np.isin(each.needs.place, served)):
            chance = each.needs.chance[:, row, :3].mean(axis=0)
            within = float(1.0 - np.prod(1.0 - chance))
            if within >= 0.01:
                found.append(
                    {
                        "kind": each.kind,
                        "chance": round(within, 4),
                        "first_month": round(float(chance[0]), 4),
                        "quantity": int(each.needs.quantity[row]),
                        **each.who[row],
                    }
                )
    found.sort(key=lambda need: -float(need["chance"]))
    return found[:_MOST_MACHINES]


def _settings(catalogue: Catalogue) -> dict[str, Any]:
    return {
        "levels": LEVELS.tolist(),
        "months": MONTHS_AHEAD,
        "month_days": MONTH_DAYS,
        "busy_years": list(BUSY_YEARS),
        "supply": catalogue.supply.model_dump(mode="json"),
    }


def _summary(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    heads: dict[str, Mapping[str, Any]] = {}
    for line in lines:
        heads.setdefault(line["number"], line)
    return {
        "articles": len(heads),
        "stock_value": sum(each["price"] * each["on_hand"] for each in lines),
        "level_value": sum(each["price"] * each["own_level"] for each in lines),
        "orders": sum(1 for each in lines if each["order_quantity"]),
        "order_value": sum(each["price"] * each["order_quantity"] for each in lines),
        "transfers": sum(len(each["transfers"]) for each in lines),
        "emergencies": sum(1 for each in lines if each["emergency_quantity"]),
        "surplus_value": sum(each["price"] * each["surplus"] for each in heads.values()),
        "rule_value": sum(each["price"] * each["rule_quantity"] for each in heads.values()),
    }
