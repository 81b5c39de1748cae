"""What a run of the plan knows before it plans: needs, history, prices and stock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

import numpy as np
from scipy.stats import nbinom

from fleet.batch import FloatColumn
from fleet.plan import Catalogue, ProductPlan
from fleet.wear import WearPart
from predict.demand import forecast_demand
from predict.demand.needs import of_quantiles
from predict.plan.coming import new_machine_needs, service_needs
from predict.plan.gather import Gathered, fitted_needs
from predict.plan.horizon import Horizon
from predict.plan.issued import months_known, use_by_month
from predict.plan.lives import learn_stays
from predict.plan.network import Network, network
from predict.plan.window import MONTH_DAYS
from store import machines, part_plans, stock
from store.connection import Connection

Row = dict[str, Any]

MONTHS_AHEAD = 6
#: History is read so many months back.
MONTHS_BACK = 36
#: Levels that the history's forecast is asked for.
_ASKED = np.array([0.05, 0.25, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99])
ALL_REASONS = {"wear", "service", "repair", "sale"}
#: What no model of wear or service explains.
UNEXPLAINED = {"repair", "sale"}


@dataclass(frozen=True, slots=True)
class Known:
    """Needs by article, pieces used by past month and what no model explains of them by article
    and place, prices, stock by place and article, who uses an article, mean latitude by place."""

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


def read_known(connection: Connection, catalogue: Catalogue, at: datetime) -> Known:
    """Read all of it as of a moment.

    Raises NetworkError where no warehouses are known.
    """
    horizon = Horizon(at, MONTHS_AHEAD)
    tree = network(stock.warehouses(connection), catalogue.supply)
    stays = learn_stays(connection, catalogue, at)
    gathered: dict[str, list[Gathered]] = defaultdict(list)
    sold = stock.sales(connection, at.date().replace(day=1))
    paces = part_plans.paces(connection, at)
    for each in chain(
        fitted_needs(part_plans.fitted(connection, at), catalogue, stays, tree, horizon),
        service_needs(part_plans.services(connection), catalogue, tree, horizon),
        new_machine_needs(sold, paces, catalogue, stays, tree, horizon),
    ):
        gathered[each.number].append(each)
    issues = stock.issues(connection, at - timedelta(days=MONTHS_BACK * MONTH_DAYS), at)
    months = months_known(issues, at, MONTHS_BACK)
    owners: dict[str, list[tuple[ProductPlan, WearPart]]] = defaultdict(list)
    for plan in catalogue.plans.values():
        for part in plan.parts:
            owners[part.number].append((plan, part))
    return Known(
        catalogue,
        tree,
        horizon,
        gathered,
        use_by_month(issues, at, max(months, 1), ALL_REASONS, tree),
        _others(use_by_month(issues, at, max(months, 1), UNEXPLAINED, tree), months),
        stock.supply(connection),
        stock.stock(connection),
        owners,
        _latitudes(machines.places(connection), tree),
    )


def _latitudes(rows: Iterable[Row], tree: Network) -> dict[int, float]:
    """Mean latitude of the machines that each place serves."""
    sums: dict[int, np.ndarray] = defaultdict(lambda: np.zeros(2))
    for row in rows:
        sums[tree.serving(row["station"], row["region"])] += (
            row["lat"] * row["machines"],
            row["machines"],
        )
    return {place: float(total / count) for place, (total, count) in sums.items()}


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


def stocked(known: Known) -> set[str]:
    """Articles of any product plan that have stock anywhere."""
    return {number for _, number in known.stock if number in known.owners}
