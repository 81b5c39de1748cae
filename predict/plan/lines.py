"""The plan's lines as they are kept, one per article and warehouse, with what is behind them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import numpy as np

from fleet.plan import ProductPlan
from fleet.season import climate_of
from fleet.wear import WearPart
from predict.plan.article import Article, ArticlePlan, Line, plan_class
from predict.plan.article_class import ArticleClass
from predict.plan.article_demand import ArticleDemand
from predict.plan.classes import Criticality, ValueClass
from predict.plan.costs import costs_of
from predict.plan.known import Known
from predict.plan.levels import Place
from predict.plan.moves import Held, Supply
from predict.plan.network import Network
from predict.plan.rule import seasonal_factor

#: From this chance on of being missed a piece is hurried, where its lack stops a machine.
HURRY = 0.5
#: So many needs are named behind a line, if they are as likely as that within three months.
_MOST_MACHINES, _WORTH_NAMING = 25, 0.01
_SEVERE: tuple[Criticality, ...] = ("stop", "alarm")


def lines_of(
    known: Known, demand: Mapping[str, ArticleDemand], classes: Mapping[str, ArticleClass]
) -> Iterator[list[dict[str, Any]]]:
    """The rows of the plan's lines, article by article; those of one class are planned together."""
    together: dict[tuple[ValueClass, Criticality, float], list[str]] = defaultdict(list)
    for number, kind in classes.items():
        together[kind.value, kind.effect, kind.level].append(number)
    for numbers in together.values():
        made = plan_class([_article(known, demand[n], classes[n]) for n in numbers])
        for each in made:
            number = each.article.number
            plan, part = known.owners[number][0]
            yield [
                _row(known, plan, part, classes[number], each, line, place, demand[number])
                for place, line in enumerate(each.lines)
            ]


def _article(known: Known, demand: ArticleDemand, kind: ArticleClass) -> Article:
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
    return Article(
        demand.number,
        kind.level,
        costs_of(kind.price, kind.effect, supply.emergency_days, terms, demand.at_once()),
        supply,
        terms.review_days,
        terms.refill_days,
        places,
        [_held(known, id_, demand.number) for id_ in net.ids],
        [known.used.get((demand.number, n), np.zeros(1)).tolist() for n in range(len(net.ids))],
        [_season(known, plan, n) for n in range(len(net.ids))],
    )


def _held(known: Known, place: str, number: str) -> Held:
    row = known.stock.get((place, number))
    return Held(row["on_hand"], row["inbound"], row["owed"]) if row else Held()


def _season(known: Known, plan: ProductPlan, place: int) -> float:
    """The simple rule's factor for the coming three months in a place."""
    if plan.season is None or place not in known.lats:
        return 1.0
    months = np.array(plan.season.of(climate_of(known.lats[place])))
    return seasonal_factor(months, known.horizon.at.month - 1)


def _row(
    known: Known,
    plan: ProductPlan,
    part: WearPart,
    kind: ArticleClass,
    made: ArticlePlan,
    line: Line,
    number: int,
    demand: ArticleDemand,
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
        "transfers": [
            {"from": source, "quantity": n, "back": back} for source, n, back in line.transfers
        ],
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
            "refill_days": made.article.refill_days,
            "fill": made.levels.fill,
            "given": line.given,
            "waits": line.waits,
            "most": line.most,
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


def _history(known: Known, number: str, served: Sequence[int]) -> list[float]:
    """Pieces used by past month in a place and all it serves."""
    own = [known.used[number, p] for p in served if (number, p) in known.used]
    return np.sum(own, axis=0).tolist() if own else []


def _returns(demand: ArticleDemand, known: Known, served: Sequence[int]) -> float:
    """Old parts expected back in warranty within the coming month."""
    total = 0.0
    for each in known.gathered.get(demand.number, []):
        if each.kind == "worn":
            mine = np.isin(each.needs.place, served) & (each.warranty > 0)
            chance = each.needs.chance[:, mine, 0].mean(axis=0)
            total += float(chance @ each.needs.quantity[mine])
    return round(total, 4)


def _machines(known: Known, number: str, served: Sequence[int]) -> list[dict[str, Any]]:
    """The needs behind a line, the likeliest within the next three months first."""
    found: list[dict[str, Any]] = []
    for each in known.gathered.get(number, []):
        here = np.flatnonzero(np.isin(each.needs.place, served))
        chance = each.needs.chance[:, here, :3].mean(axis=0)
        within = 1.0 - np.prod(1.0 - chance, axis=1)
        likeliest = np.argsort(-within, kind="stable")[:_MOST_MACHINES]
        found += [
            {
                "kind": each.kind,
                "chance": round(float(within[row]), 4),
                "first_month": round(float(chance[row, 0]), 4),
                "quantity": int(each.needs.quantity[here[row]]),
                **each.who(int(here[row])),
            }
            for row in likeliest[within[likeliest] >= _WORTH_NAMING].tolist()
        ]
    found.sort(key=lambda need: -float(need["chance"]))
    return found[:_MOST_MACHINES]
