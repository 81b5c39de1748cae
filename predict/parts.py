"""Remaining life and alerts of the parts of many machines, one kind of part at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fleet.batch import FloatColumn
from fleet.clock import MS_PER_DAY, to_datetime, to_ms
from fleet.plan import ProductPlan, WearPart
from predict.alerts import Need, needs
from predict.fleet_lives import FleetLives
from predict.life import LifeModel
from predict.remaining import Remaining, dates, remaining
from predict.services import DAYS_PER_MONTH
from store import part_alerts, wear
from store.connection import Connection
from store.wear import Row

#: What a person has dismissed rests so long.
DISMISSED_DAYS = 30


@dataclass(frozen=True, slots=True)
class Pace:
    """Recent use of a machine a day: by part, and operating hours."""

    parts: Mapping[str, float]
    hours: float | None


@dataclass(frozen=True, slots=True)
class _Results:
    """What is to be written, over all kinds of parts."""

    columns: dict[str, list[Any]] = field(default_factory=dict)
    raised: list[Row] = field(default_factory=list)
    withdrawn: list[int] = field(default_factory=list)


def assess_parts(
    connection: Connection,
    machines: Mapping[int, ProductPlan],
    paces: Mapping[int, Pace],
    lives: FleetLives,
    now_ms: int,
) -> None:
    """Bring remaining life and alerts of all parts fitted to `machines` up to date."""
    peers = wear.peers_per_day(connection)
    newest = part_alerts.newest(connection, machines)
    results = _Results()
    for fitted in _kinds(wear.live_parts(connection, machines), machines):
        plan = machines[fitted[0]["machine_id"]]
        part = plan.part[fitted[0]["part"]]
        used, own = _use(part, fitted, paces, now_ms)
        pace = _with_peers(own, peers.get((plan.product, part.id)))
        model = lives.of(plan.product, part, fitted[0]["model"])
        left = remaining(model, used, pace)
        for name, column in _life_columns(fitted, part, model, left, own, now_ms):
            results.columns.setdefault(name, []).extend(column)
        found = needs(plan, part, model, used, pace, to_datetime(now_ms))
        for place, (row, need) in enumerate(zip(fitted, found, strict=True)):
            if need.needed and not _dismissed(newest.get(row["id"]), now_ms):
                results.raised.append(_alert(row, part, need, left, place))
            elif need.needed is False:
                results.withdrawn.append(row["id"])
    if results.columns:
        wear.put_remaining_life(connection, results.columns, now_ms)
        part_alerts.raise_(connection, results.raised, now_ms)
        part_alerts.withdraw(connection, results.withdrawn, now_ms)


def _kinds(rows: Sequence[Row], machines: Mapping[int, ProductPlan]) -> list[list[Row]]:
    """Fitted parts whose use is known, grouped by product, part and the machine's model."""
    kinds: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        plan = machines[row["machine_id"]]
        part = plan.part.get(row["part"])
        if part is not None and (part.driver.age or row["used"] is not None):
            kinds.setdefault((plan.product, part.id, row["model"]), []).append(row)
    return list(kinds.values())


def _use(
    part: WearPart, fitted: Sequence[Row], paces: Mapping[int, Pace], now_ms: int
) -> tuple[FloatColumn, FloatColumn]:
    """Use so far and use per day of fitted parts of one kind, (n,) each, NaN unknown."""
    if part.driver.age:
        ages = [(now_ms - to_ms(row["fitted_at"])) / MS_PER_DAY for row in fitted]
        months = np.maximum(np.array(ages) / DAYS_PER_MONTH, 0.0)
        return months, np.full(len(fitted), 1 / DAYS_PER_MONTH)
    used = np.array([row["used"] for row in fitted], dtype=np.float64)
    own = [
        pace.parts.get(part.id, np.nan) if (pace := paces.get(row["machine_id"])) else np.nan
        for row in fitted
    ]
    return used, np.array(own, dtype=np.float64)


def _with_peers(own: FloatColumn, peers: float | None) -> FloatColumn:
    """Where a machine's own pace is not known: the mean of its peers, here or in the store."""
    known = own[~np.isnan(own)]
    mean = float(known.mean()) if len(known) else np.nan
    return np.where(np.isnan(own), mean if peers is None else peers, own)


def _life_columns(
    fitted: Sequence[Row],
    part: WearPart,
    model: LifeModel,
    left: Remaining,
    own: FloatColumn,
    now_ms: int,
) -> Iterator[tuple[str, Sequence[Any]]]:
    now, n = to_datetime(now_ms), len(fitted)
    yield "ids", [row["id"] for row in fitted]
    yield "used", left.used.tolist()
    yield "per_day", [None if np.isnan(pace) else pace for pace in own.tolist()]
    yield "units", [part.driver.unit] * n
    for place, name in enumerate(("p10", "p50", "p90")):
        yield name, left.left[:, place].tolist()
        yield f"due_{name}", dates(left.left[:, place], left.per_day, now)
    yield "worn_share", left.worn_share.tolist()
    yield "methods", [model.method] * n
    yield "sample_sizes", [model.sample_size] * n


def _dismissed(alert: Row | None, now_ms: int) -> bool:
    if alert is None or alert["status"] != "dismissed":
        return False
    return to_ms(alert["changed_at"]) > now_ms - DISMISSED_DAYS * MS_PER_DAY


def _alert(row: Row, part: WearPart, need: Need, left: Remaining, place: int) -> Row:
    p10, p50, p90 = left.left[place].tolist()
    return {
        "fitted_part_id": row["id"],
        "quantity": part.quantity,
        "order_by": need.order_by,
        "needed_by": need.needed_by,
        "probability": need.chance,
        "evidence": {
            "within_days": need.days,
            "threshold": need.threshold,
            "unit": part.driver.unit,
            "used": float(left.used[place]),
            "per_day": float(left.per_day[place]),
            "worn_share": float(left.worn_share[place]),
            "p10": p10,
            "p50": p50,
            "p90": p90,
        },
    }
