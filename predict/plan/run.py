"""One run of the parts plan: reads the store, has the plan made, and writes it down."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from fleet.plan import Catalogue
from predict.demand.needs import BUSY_YEARS
from predict.plan.article_class import article_classes
from predict.plan.article_demand import LEVELS, ArticleDemand
from predict.plan.known import MONTHS_AHEAD, read_known, stocked
from predict.plan.lines import lines_of
from predict.plan.window import MONTH_DAYS
from store import part_plans
from store.connection import Connection

Progress = Callable[[float], None]


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
    known = read_known(connection, catalogue, at)
    numbers = sorted({*known.gathered, *(n for n, _ in known.used), *stocked(known)})
    demand = {}
    for done, number in enumerate(numbers):
        demand[number] = ArticleDemand(known, number)
        progress(0.6 * (done + 1) / len(numbers))
    classes = article_classes(known, demand)
    lines: list[dict[str, Any]] = []
    for done, own in enumerate(lines_of(known, demand, classes)):
        lines += own
        progress(0.6 + 0.4 * (done + 1) / len(numbers))
    run = {
        "month": at.date().replace(day=1),
        "as_of": at,
        "made_by": made_by,
        "version": "+".join(sorted(plan.version for plan in catalogue.plans.values())) or "-",
        "settings": _settings(catalogue),
        "summary": _summary(lines),
    }
    rows_of_demand = (row for number in numbers for row in demand[number].rows())
    return part_plans.put_run(connection, run, rows_of_demand, lines)


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
