"""Remaining life and alerts of the parts of many machines, one kind of part at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np

from fleet.batch import FloatColumn
from fleet.clock import MS_PER_DAY, to_datetime, to_ms
from fleet.plan import ProductPlan
from fleet.wear import WearPart
from predict.alerts import Need, needs
from predict.as_shown import SHOWN_DAYS, by_part, with_condition
from predict.fleet_lives import LifeSource
from predict.life import LifeModel
from predict.looks import CHANCE_DAYS, Watched, severity_of
from predict.outlook import Outlook, left_of, month_ends, outlook
from predict.pace import Ahead, by_calendar
from predict.services import DAYS_PER_MONTH
from predict.usage import MachineUsage
from predict.use_ahead import UseAhead
from predict.warned import by_machine, with_alarms
from store import alarms, part_alerts, usage, wear
from store.connection import Connection
from store.wear import Row

#: What a person has dismissed rests so long.
DISMISSED_DAYS = 30
#: What an alert keeps of the life it was raised for.
_SHOWN = ("used", "per_day", "worn_share", "p10", "p50", "p90")


@dataclass(frozen=True, slots=True)
class Pace:
    """Recent use of a machine a calendar day, by part."""

    parts: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Results:
    """What is to be written, over all kinds of parts."""

    columns: dict[str, list[Any]] = field(default_factory=dict)
    raised: list[Row] = field(default_factory=list)
    watched: dict[int, list[Watched]] = field(default_factory=dict)
    withdrawn: list[int] = field(default_factory=list)


def assess_parts(
    connection: Connection,
    machines: Mapping[int, ProductPlan],
    states: Mapping[int, MachineUsage],
    paces: Mapping[int, Pace],
    coming: Mapping[str, UseAhead],
    lives: LifeSource,
    now_ms: int,
) -> dict[int, list[Watched]]:
    """Bring remaining life and alerts of all parts fitted to `machines` up to date; by machine,
    the parts that an inspection would look after."""
    peers = wear.peers_per_day(connection)
    since = now_ms - SHOWN_DAYS * MS_PER_DAY
    shown = by_part(usage.shown(connection, machines, since), states)
    newest = part_alerts.newest(connection, machines)
    warnings = by_machine(alarms.standing_on(connection, machines))
    results = _Results()
    for fitted in _kinds(wear.live_parts(connection, machines), machines):
        plan = machines[fitted[0]["machine_id"]]
        part = plan.part[fitted[0]["part"]]
        used = _used(part, fitted, now_ms)
        ahead = _ahead(part, fitted, coming[plan.product], peers, now_ms)
        model = lives.of(plan.product, part)
        longer = lives.factors(plan.product, part, fitted, now_ms)
        believed = left_of(model, used / longer) * longer[:, None]
        left, condition = with_condition(part, fitted, used, believed, shown)
        if not part.driver.age:
            hours = coming[plan.product].hours_of([row["machine_id"] for row in fitted])
            use = (ahead, hours)
            left, condition = with_alarms(plan, part, fitted, left, warnings, use, condition)
        aged = _share_of_age(part, fitted, now_ms)
        ends = _days_of_age_left(part, aged)
        seen = outlook(left, ahead, ends)
        told = np.array([each is not None for each in condition])
        plain = outlook(believed[told], ahead.of(told), ends[told])
        own = _own_pace(part, fitted, paces)
        worn = np.maximum(used / (model.median * longer), aged)
        for name, column in _life_columns(fitted, part, model, used, own, worn, seen, now_ms):
            results.columns.setdefault(name, []).extend(column)
        results.columns.setdefault("condition", []).extend(condition)
        by_use = iter(_by_month(plain, now_ms))
        plain_by = [next(by_use) if each else "{}" for each in told]
        results.columns.setdefault("plain_by", []).extend(plain_by)
        _watch(results, plan, part, fitted, seen)
        found = needs(plan, part, seen, to_datetime(now_ms))
        for place, (row, need) in enumerate(zip(fitted, found, strict=True)):
            if need.needed and not _dismissed(newest.get(row["id"]), now_ms):
                kept = {name: results.columns[name][place - len(fitted)] for name in _SHOWN}
                results.raised.append(_alert(row, part, need, kept))
            elif need.needed is False:
                results.withdrawn.append(row["id"])
    if results.columns:
        wear.put_remaining_life(connection, results.columns, now_ms)
        part_alerts.raise_(connection, results.raised, now_ms)
        part_alerts.withdraw(connection, results.withdrawn, now_ms)
    return results.watched


def _watch(
    results: _Results, plan: ProductPlan, part: WearPart, fitted: Sequence[Row], seen: Outlook
) -> None:
    """Note the chances of parts that no service replaces anyway."""
    if any(need.part == part.id for service in plan.services for need in service.parts):
        return
    severity, chance = severity_of(plan, part.id), seen.within(CHANCE_DAYS)
    for row, each in zip(fitted, chance, strict=True):
        watched = Watched(part.id, row["position"], severity, each)
        results.watched.setdefault(row["machine_id"], []).append(watched)


def _kinds(rows: Sequence[Row], machines: Mapping[int, ProductPlan]) -> list[list[Row]]:
    """Fitted parts whose use is known, grouped by product and part."""
    kinds: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        plan = machines[row["machine_id"]]
        part = plan.part.get(row["part"])
        if part is not None and (part.driver.age or row["used"] is not None):
            kinds.setdefault((plan.product, part.id), []).append(row)
    return list(kinds.values())


def _used(part: WearPart, fitted: Sequence[Row], now_ms: int) -> FloatColumn:
    """Use so far (n,) of fitted parts of one kind."""
    if not part.driver.age:
        return np.array([row["used"] for row in fitted], dtype=np.float64)
    ages = [(now_ms - to_ms(row["fitted_at"])) / MS_PER_DAY for row in fitted]
    return np.maximum(np.array(ages) / DAYS_PER_MONTH, 0.0)


def _share_of_age(part: WearPart, fitted: Sequence[Row], now_ms: int) -> FloatColumn:
    """Age (n,) as a share of that at which the part is replaced at the latest; 0: at none."""
    if part.most_days is None:
        return np.zeros(len(fitted))
    ages = [(now_ms - to_ms(row["fitted_at"])) / MS_PER_DAY for row in fitted]
    return np.maximum(np.array(ages) / part.most_days, 0.0)


def _days_of_age_left(part: WearPart, aged: FloatColumn) -> FloatColumn:
    """Days (n,) until parts are as old as they may become; inf for those of any age."""
    if part.most_days is None:
        return np.full(len(aged), np.inf)
    return np.maximum(1.0 - aged, 0.0) * part.most_days


def _own_pace(
    part: WearPart, fitted: Sequence[Row], paces: Mapping[int, Pace]
) -> list[float | None]:
    """Recent use a day as people are shown it; None: not known."""
    if part.driver.age:
        return [1 / DAYS_PER_MONTH] * len(fitted)
    known = [paces.get(row["machine_id"]) for row in fitted]
    return [pace.parts.get(part.id) if pace else None for pace in known]


def _ahead(
    part: WearPart,
    fitted: Sequence[Row],
    coming: UseAhead,
    peers: Mapping[tuple[str, str], float],
    now_ms: int,
) -> Ahead:
    if part.driver.age:
        return by_calendar(1 / DAYS_PER_MONTH, len(fitted), coming.busy, now_ms)
    elsewhere = peers.get((coming.plan.product, part.id))
    return coming.of_part(part.id, [row["machine_id"] for row in fitted], elsewhere)


def _life_columns(
    fitted: Sequence[Row],
    part: WearPart,
    model: LifeModel,
    used: FloatColumn,
    own: Sequence[float | None],
    worn: FloatColumn,
    seen: Outlook,
    now_ms: int,
) -> Iterator[tuple[str, Sequence[Any]]]:
    n, now = len(fitted), to_datetime(now_ms)
    yield "ids", [row["id"] for row in fitted]
    yield "used", used.tolist()
    yield "per_day", own
    yield "units", [part.driver.unit] * n
    for level, name in ((0.1, "p10"), (0.5, "p50"), (0.9, "p90")):
        yield name, seen.left_at(level).tolist()
        days = seen.day_at(level).tolist()
        yield f"due_{name}", [now + timedelta(days=d) if np.isfinite(d) else None for d in days]
    yield "worn_share", worn.tolist()
    yield "methods", [model.method] * n
    yield "sample_sizes", [model.sample_size] * n
    yield "worn_by", _by_month(seen, now_ms)


def _by_month(seen: Outlook, now_ms: int) -> list[str]:
    """Chances to be worn out by the ends of the coming months, as the database takes them."""
    by_month = np.round(seen.within(month_ends(now_ms)), 5).tolist()
    # An array of arrays of one length would be one array of two dimensions to the database.
    return ["{" + ",".join(map(str, each)) + "}" for each in by_month]


def _dismissed(alert: Row | None, now_ms: int) -> bool:
    if alert is None or alert["status"] != "dismissed":
        return False
    return to_ms(alert["changed_at"]) > now_ms - DISMISSED_DAYS * MS_PER_DAY


def _alert(row: Row, part: WearPart, need: Need, shown: Row) -> Row:
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
            **shown,
        },
    }
