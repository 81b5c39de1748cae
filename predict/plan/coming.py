"""Needs that are coming by themselves: scheduled services, and machines that are to be sold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from fleet.batch import FloatColumn
from fleet.plan import Catalogue, ProductPlan
from fleet.service import ServiceInterval
from predict.demand.needs import BUSY_YEARS, Needs, due, worn
from predict.plan.gather import Gathered, brought
from predict.plan.horizon import Horizon
from predict.plan.lives import Stays
from predict.plan.network import Network
from predict.plan.window import MONTH_DAYS
from predict.services import DAYS_PER_MONTH
from tickets.content import contained

Row = dict[str, Any]


def service_needs(
    rows: Iterable[Row], catalogue: Catalogue, network: Network, horizon: Horizon
) -> Iterator[Gathered]:
    """What scheduled services will bring, by their due dates; `rows` grouped by product and
    service. A service that a longer one includes is done with it and brings nothing of its own
    then."""
    for (product, service_id), group in groupby(rows, key=lambda r: (r["product"], r["service"])):
        plan = catalogue.plans.get(product)
        service = plan.service.get(service_id) if plan else None
        if plan is not None and service is not None and service.parts:
            yield from _of_service(plan, service, list(group), network, horizon)


def _of_service(
    plan: ProductPlan,
    service: ServiceInterval,
    rows: Sequence[Row],
    network: Network,
    horizon: Horizon,
) -> Iterator[Gathered]:
    days = np.array([(row["due_at"] - horizon.at).total_seconds() / 86_400 for row in rows])
    days = np.maximum(days, 1.0)
    left = np.array([max(row["due_hours"] - row["hours"], 0.0) for row in rows])
    again = np.full(len(rows), np.inf)
    if service.every_h is not None:
        again[left > 0] = service.every_h / (left / days)[left > 0] / MONTH_DAYS
    chance = due(days / MONTH_DAYS, again, horizon.months)
    scenarios = np.broadcast_to(chance, (len(BUSY_YEARS), *chance.shape))
    places = np.array([network.serving(row["station"], row["region"]) for row in rows])
    serials, dates = [row["serial"] for row in rows], [row["due_at"].date() for row in rows]

    def who(number: int) -> dict[str, Any]:
        day = dates[number].isoformat()
        return {"serial": serials[number], "service": service.id, "due_at": day}

    # A longer service is done together with those inside it, which bring their parts.
    inside = {
        need.part
        for each in contained(plan, service.id)
        if each.id != service.id and each.every_h is not None
        for need in each.parts
    }
    for part in (plan.part[need.part] for need in service.parts if need.part not in inside):
        pieces = np.full(len(rows), part.quantity * len(part.positions))
        needs = Needs(places, pieces, scenarios)
        yield Gathered(part.number, "service", needs, who, np.zeros(len(rows)))


def new_machine_needs(
    rows: Sequence[Row],
    paces: Mapping[tuple[str, str], float],
    catalogue: Catalogue,
    stays: Stays,
    network: Network,
    horizon: Horizon,
) -> Iterator[Gathered]:
    """What machines that are to be sold will need once they work: their first wear, at the mean
    pace (use a day) by product and part of those that work already."""
    for row in rows:
        plan = catalogue.plans.get(row["product"])
        if plan is None:
            continue
        start = max((row["month"] - horizon.at.date()).days + 15, 0) / MONTH_DAYS
        works = np.clip(np.arange(1, horizon.months + 1) - start, 0.0, 1.0)
        for part in plan.parts_of(row["model"]):
            if part.id in brought(plan):
                continue
            pace = (
                1 / DAYS_PER_MONTH if part.driver.age else paces.get((plan.product, part.id), 0.0)
            )
            ahead = (works * MONTH_DAYS * pace)[None, :]
            fresh = {"model": row["model"], "region": row["region"], "used": None,
                     "fitted_at": horizon.at}  # fmt: skip
            stay = stays.of(plan.product, part, [fresh], horizon.at)
            chance = worn(stay.fail_within, np.zeros(1), ahead)
            yield _of_new(row, part.number, part.quantity, len(part.positions), chance, network)


def _of_new(
    row: Row, number: str, quantity: int, places: int, chance: FloatColumn, network: Network
) -> Gathered:
    n = row["machines"] * places
    at = np.full(n, network.serving(None, row["region"]))
    who = {"product": row["product"], "model": row["model"], "machines": row["machines"],
           "month": row["month"].isoformat()}  # fmt: skip
    needs = Needs(at, np.full(n, quantity), np.repeat(chance, n, axis=1))
    return Gathered(number, "new", needs, lambda _: who, np.ones(n))
