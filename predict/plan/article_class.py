"""Price, classes and service level of every article."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fleet.plan import ProductPlan
from predict.plan.article_demand import ArticleDemand
from predict.plan.classes import Criticality, ValueClass, criticality, value_classes
from predict.plan.known import Known


@dataclass(frozen=True, slots=True)
class ArticleClass:
    """Price in yuan and who said so, value class, what a failure does, share of its demand that
    the shelf is to serve."""

    price: float
    priced: str
    value: ValueClass
    effect: Criticality
    level: float


def article_classes(known: Known, demand: Mapping[str, ArticleDemand]) -> dict[str, ArticleClass]:
    """Price, classes and service level of each article: where several products share it, the one
    that asks for most decides."""
    prices = {number: _price(known, number) for number in demand}
    value = {number: prices[number][0] * each.year_use() for number, each in demand.items()}
    found: dict[str, ArticleClass] = {}
    for number in demand:
        best: ArticleClass | None = None
        for plan, part in known.owners[number]:
            mine = {n: v for n, v in value.items() if _has(plan, n)}
            kind = value_classes(mine, plan.stocking)[number]
            effect = criticality(plan, part)
            level = plan.stocking.service_levels[kind][effect]
            if best is None or level > best.level:
                best = ArticleClass(*prices[number], kind, effect, level)
        assert best is not None, f"{number} belongs to no plan"
        found[number] = best
    return found


def _has(plan: ProductPlan, number: str) -> bool:
    return any(part.number == number for part in plan.parts)


def _price(known: Known, number: str) -> tuple[float, str]:
    if number in known.supply:
        return float(known.supply[number]["price"]), "imported"
    part = known.owners[number][0][1]
    return known.catalogue.supply.prices[part.price_class], f"class {part.price_class}"
