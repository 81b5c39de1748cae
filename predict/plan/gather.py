"""From the store's rows to needs: which fitted part may ask for which article, where, with what
chance in each coming month. What is not fitted yet or comes with a service: coming.py."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Literal

import numpy as np

from fleet.batch import FloatColumn
from fleet.clock import to_ms
from fleet.plan import Catalogue, ProductPlan
from fleet.wear import WearPart
from predict.demand.needs import Needs, worn
from predict.plan.horizon import RECENT_DAYS, Horizon
from predict.plan.lives import Stays, used_at
from predict.plan.network import Network
from predict.plan.shown import days_of_age, hazard_beyond_use
from predict.plan.window import MONTH_DAYS
from predict.services import DAYS_PER_MONTH

Kind = Literal["worn", "service", "new"]
Row = dict[str, Any]
Who = Callable[[int], dict[str, Any]]

#: Recent use counts against so many days of what is usual.
_USUAL_DAYS = 30.0
#: Use since a part was fitted counts against so many days of its peers', and tells something about
#: them from so many days of activity on.
_PEERS_DAYS, _LEAST_DAYS = 30.0, 20.0


@dataclass(frozen=True, slots=True)
class Gathered:
    """Needs of one article of one kind, who is behind the need of a number, and the chance that
    what is replaced is still in warranty (n,), 0 or 1. Of the hundreds of thousands of needs of a
    fleet a plan names a few: who it is, is put together when it is asked for."""

    number: str
    kind: Kind
    needs: Needs
    who: Who
    warranty: FloatColumn


def fitted_needs(
    rows: Iterable[Row], catalogue: Catalogue, stays: Stays, network: Network, horizon: Horizon
) -> Iterator[Gathered]:
    """What fitted parts will ask for; those that a service brings wait for the service."""
    for (product, part_id), group in groupby(rows, key=lambda r: (r["product"], r["part"])):
        plan = catalogue.plans.get(product)
        part = plan.part.get(part_id) if plan else None
        if plan is None or part is None or part_id in brought(plan):
            continue
        known = [r for r in group if part.driver.age or r["used"] is not None]
        if known:
            yield _of_kind(plan, part, known, stays, network, horizon)


def _of_kind(
    plan: ProductPlan,
    part: WearPart,
    rows: Sequence[Row],
    stays: Stays,
    network: Network,
    horizon: Horizon,
) -> Gathered:
    lats = np.array([row["lat"] for row in rows])
    age_days = np.array([(horizon.at - row["fitted_at"]).total_seconds() / 86_400 for row in rows])
    used = np.array([_used(part, row, horizon.at) for row in rows])
    rate = np.full(len(rows), 1 / DAYS_PER_MONTH) if part.driver.age else _rates(
        plan, rows, lats, used, age_days, horizon
    )  # fmt: skip
    days = np.full((len(rows), horizon.months), float(MONTH_DAYS))
    ahead = rate[:, None] * (days if part.driver.age else horizon.coming(plan, lats))
    now_rows = [{**row, "used": each} for row, each in zip(rows, used.tolist(), strict=True)]
    stay = stays.of(plan.product, part, now_rows, horizon.at)
    serials, positions = [row["serial"] for row in rows], [row["position"] for row in rows]
    share = used / stay.median

    def who(number: int) -> dict[str, Any]:
        return {"serial": serials[number], "part": part.id, "position": positions[number],
                "worn_share": round(float(share[number]), 3)}  # fmt: skip

    places = np.array([network.serving(row["station"], row["region"]) for row in rows])
    ends: FloatColumn = np.arange(1.0, horizon.months + 1) * MONTH_DAYS
    beyond = hazard_beyond_use(rows, ends)
    aged = days_of_age(part, rows, to_ms(horizon.at))[:, None] <= ends
    chance = worn(stay.fail_within, used, ahead, beyond=np.where(aged, np.inf, beyond))
    return Gathered(
        part.number,
        "worn",
        Needs(places, np.full(len(rows), part.quantity), chance),
        who,
        (age_days / DAYS_PER_MONTH < plan.stocking.warranty_months).astype(np.float64),
    )


def _used(part: WearPart, row: Row, at: datetime) -> float:
    """Use so far."""
    if part.driver.age:
        days: float = (at - row["fitted_at"]).total_seconds() / 86_400
        return max(days / DAYS_PER_MONTH, 0.0)
    used = used_at(row, row["used_until"], at)
    assert used is not None, "parts of unknown use were left out"
    return used


def _rates(
    plan: ProductPlan,
    rows: Sequence[Row],
    lats: FloatColumn,
    used: FloatColumn,
    age_days: FloatColumn,
    horizon: Horizon,
) -> FloatColumn:
    """Use (n,) per day of mean activity: recent use in the recent days' activity, filled up with
    the use since the part was fitted in the activity since then, and that with its peers'. So a
    machine that rests in winter is expected back in spring."""
    recent, since = horizon.recent(plan, lats), horizon.since(plan, lats, age_days)
    pace = np.array([np.nan if row["per_day"] is None else row["per_day"] for row in rows])
    told = since >= _LEAST_DAYS
    usual = float((used[told] / since[told]).mean()) if told.any() else _mean(pace)
    own = (used + usual * _PEERS_DAYS) / (since + _PEERS_DAYS)
    share = np.where(np.isnan(pace), 0.0, recent / (recent + _USUAL_DAYS))
    lately = np.nan_to_num(pace) * RECENT_DAYS / np.maximum(recent, 1e-9)
    return np.asarray(np.where(share > 0, share * lately, 0.0) + (1 - share) * own)


def _mean(pace: FloatColumn) -> float:
    known = pace[~np.isnan(pace)]
    return float(known.mean()) if len(known) else 0.0


def brought(plan: ProductPlan) -> set[str]:
    """Parts that a service which comes again and again replaces anyway."""
    return {
        need.part
        for service in plan.services
        if service.by == "service" and service.every_h is not None
        for need in service.parts
    }
