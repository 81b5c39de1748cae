"""From the store's rows to needs: which fitted part, service or machine to be sold may ask for
which article, where, with what chance in each coming month."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Literal

import numpy as np

from fleet.batch import FloatColumn
from fleet.clock import to_ms
from fleet.plan import Catalogue, ProductPlan
from fleet.season import activity, climate_of
from fleet.wear import WearPart
from predict.demand.needs import BUSY_YEARS, Needs, due, worn
from predict.plan.lives import Stays, used_at
from predict.plan.network import Network
from predict.plan.shown import days_of_age, hazard_beyond_use
from predict.plan.window import MONTH_DAYS
from predict.services import DAYS_PER_MONTH
from tickets.content import contained

Kind = Literal["worn", "service", "new"]
Row = dict[str, Any]

#: Use a day was measured over so many days.
RECENT_DAYS = 28
#: Recent use counts against so many days of what is usual.
_USUAL_DAYS = 30.0
#: Use since a part was fitted counts against so many days of its peers', and tells something about
#: them from so many days of activity on.
_PEERS_DAYS, _LEAST_DAYS = 30.0, 20.0
#: Activity is looked back on so far; before that a day counts as the mean of the year.
_BACK_DAYS = 400


@dataclass(frozen=True, slots=True)
class Gathered:
    """Needs of one article of one kind, who each of them is, and the chance that what is replaced
    is still in warranty (n,), 0 or 1."""

    number: str
    kind: Kind
    needs: Needs
    who: list[dict[str, Any]]
    warranty: FloatColumn


@dataclass(frozen=True, slots=True)
class Horizon:
    """When the plan is made and how many months of 30 days it looks ahead."""

    at: datetime
    months: int

    def activity(self, plan: ProductPlan, lat: float) -> tuple[float, FloatColumn]:
        """Activity of machines in a place over the recent days, and (months,) in each coming
        month; a day as busy as the mean of the year counts 1."""
        first, climate = self.at.date(), climate_of(lat)
        past = activity(plan.season, climate, first - timedelta(days=RECENT_DAYS), RECENT_DAYS)
        coming = activity(plan.season, climate, first, self.months * MONTH_DAYS)
        return float(past.sum()), coming.reshape(self.months, MONTH_DAYS).sum(axis=1)

    def activity_since(self, plan: ProductPlan, lat: float, days: float) -> float:
        """Activity of machines in a place over so many days by now."""
        first = self.at.date() - timedelta(days=_BACK_DAYS)
        past = activity(plan.season, climate_of(lat), first, _BACK_DAYS)
        within = min(max(round(days), 0), _BACK_DAYS)
        return float(past[_BACK_DAYS - within :].sum()) + max(days - _BACK_DAYS, 0.0)


def fitted_needs(
    rows: Sequence[Row], catalogue: Catalogue, stays: Stays, network: Network, horizon: Horizon
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
    age_days = np.array([(horizon.at - row["fitted_at"]).total_seconds() / 86_400 for row in rows])
    used = np.array([_used(part, row, horizon.at) for row in rows])
    rate = np.full(len(rows), 1 / DAYS_PER_MONTH) if part.driver.age else _rates(
        plan, rows, used, age_days, horizon
    )  # fmt: skip
    ahead = rate[:, None] * _coming(plan, part, rows, horizon)
    now_rows = [{**row, "used": each} for row, each in zip(rows, used.tolist(), strict=True)]
    stay = stays.of(plan.product, part, now_rows, horizon.at)
    who = [
        {"serial": row["serial"], "part": part.id, "position": row["position"],
         "worn_share": round(float(each), 3)}
        for row, each in zip(rows, used / stay.median, strict=True)
    ]  # fmt: skip
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


def _coming(
    plan: ProductPlan, part: WearPart, rows: Sequence[Row], horizon: Horizon
) -> FloatColumn:
    """Activity (n, months) in the coming months; of parts that age by the calendar, days."""
    if part.driver.age:
        return np.full((len(rows), horizon.months), float(MONTH_DAYS))
    return np.stack([horizon.activity(plan, row["lat"])[1] for row in rows])


def _rates(
    plan: ProductPlan,
    rows: Sequence[Row],
    used: FloatColumn,
    age_days: FloatColumn,
    horizon: Horizon,
) -> FloatColumn:
    """Use (n,) per day of mean activity: recent use in the recent days' activity, filled up with
    the use since the part was fitted in the activity since then, and that with its peers'. So a
    machine that rests in winter is expected back in spring."""
    recent = np.array([horizon.activity(plan, row["lat"])[0] for row in rows])
    pace = np.array([np.nan if row["per_day"] is None else row["per_day"] for row in rows])
    since = np.array(
        [horizon.activity_since(plan, row["lat"], age)
         for row, age in zip(rows, age_days, strict=True)]
    )  # fmt: skip
    told = since >= _LEAST_DAYS
    usual = float((used[told] / since[told]).mean()) if told.any() else _mean(pace)
    own = (used + usual * _PEERS_DAYS) / (since + _PEERS_DAYS)
    share = np.where(np.isnan(pace), 0.0, recent / (recent + _USUAL_DAYS))
    lately = np.nan_to_num(pace) * RECENT_DAYS / np.maximum(recent, 1e-9)
    return np.asarray(np.where(share > 0, share * lately, 0.0) + (1 - share) * own)


def peers(rows: Sequence[Row]) -> dict[tuple[str, str], float]:
    """(product, part) -> mean use a day over the machines where it is known."""
    found: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        if row["per_day"] is not None:
            found.setdefault((row["product"], row["part"]), []).append(row["per_day"])
    return {key: float(np.mean(each)) for key, each in found.items()}


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


def service_needs(
    rows: Sequence[Row], catalogue: Catalogue, network: Network, horizon: Horizon
) -> Iterator[Gathered]:
    """What scheduled services will bring, by their due dates. A service that a longer one includes
    is done with it and brings nothing of its own then."""
    for row in rows:
        plan = catalogue.plans.get(row["product"])
        service = plan.service.get(row["service"]) if plan else None
        if plan is None or service is None or not service.parts:
            continue
        days = max((row["due_at"] - horizon.at).total_seconds() / 86_400, 1.0)
        left = max(row["due_hours"] - row["hours"], 0.0)
        a_day = left / days if left > 0 else None
        again = np.inf
        if service.every_h is not None and a_day:
            again = service.every_h / a_day / MONTH_DAYS
        chance = due(np.array([days / MONTH_DAYS]), np.array([again]), horizon.months)
        place = network.serving(row["station"], row["region"])
        day = row["due_at"].date().isoformat()
        who = {"serial": row["serial"], "service": service.id, "due_at": day}
        # A longer service is done together with those inside it, which bring their parts.
        inside = {
            need.part
            for each in contained(plan, service.id)
            if each.id != service.id and each.every_h is not None
            for need in each.parts
        }
        for part in (plan.part[need.part] for need in service.parts if need.part not in inside):
            pieces = part.quantity * len(part.positions)
            yield _one(part.number, "service", place, pieces, chance, who)


def new_machine_needs(
    rows: Sequence[Row],
    fitted: Sequence[Row],
    catalogue: Catalogue,
    stays: Stays,
    network: Network,
    horizon: Horizon,
) -> Iterator[Gathered]:
    """What machines that are to be sold will need once they work: their first wear."""
    paces = peers(fitted)
    for row in rows:
        plan = catalogue.plans.get(row["product"])
        if plan is None:
            continue
        start = max((row["month"] - horizon.at.date()).days + 15, 0) / MONTH_DAYS
        works = np.clip(np.arange(1, horizon.months + 1) - start, 0.0, 1.0)
        place = network.serving(None, row["region"])
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
            n = row["machines"] * len(part.positions)
            who = {"product": plan.product, "model": row["model"], "machines": row["machines"],
                   "month": row["month"].isoformat()}  # fmt: skip
            yield Gathered(
                part.number,
                "new",
                Needs(np.full(n, place), np.full(n, part.quantity), np.repeat(chance, n, axis=1)),
                [who] * n,
                np.ones(n),
            )


def _one(
    number: str, kind: Kind, place: int, quantity: int, chance: FloatColumn, who: dict[str, Any]
) -> Gathered:
    scenarios = np.repeat(chance[None, :, :], len(BUSY_YEARS), axis=0)
    needs = Needs(np.array([place]), np.array([quantity]), scenarios)
    return Gathered(number, kind, needs, [who], np.zeros(1))


def use_by_month(
    issues: Sequence[Row], at: datetime, months: int, reasons: set[str], network: Network
) -> dict[tuple[str, int], FloatColumn]:
    """(number, place) -> pieces issued in each of the `months` months of 30 days before `at`,
    oldest first."""
    found: dict[tuple[str, int], FloatColumn] = {}
    numbers = {id_: n for n, id_ in enumerate(network.ids)}
    for row in issues:
        back = (at.date() - row["day"]).days // MONTH_DAYS
        if row["reason"] in reasons and 0 <= back < months:
            key = (row["number"], numbers[row["warehouse"]])
            found.setdefault(key, np.zeros(months))[months - 1 - back] += row["quantity"]
    return found


def months_known(issues: Sequence[Row], at: datetime, most: int) -> int:
    """Whole months of 30 days that the history of issues covers."""
    first = min((row["day"] for row in issues), default=None)
    return 0 if first is None else min(((at.date() - first).days + 1) // MONTH_DAYS, most)
