"""From use to what is due: remaining life, services, alerts for parts, and findings for visits."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from typing import Any

import numpy as np

from fleet.batch import FloatColumn
from fleet.clock import MS_PER_DAY, to_datetime, to_ms
from fleet.finding import Finding
from fleet.plan import Catalogue, Life, ProductPlan, WearPart
from predict.alerts import Need, needs
from predict.life import LifeModel, PlanLife
from predict.remaining import Remaining, dates, remaining
from predict.services import DAYS_PER_MONTH, due_services, meter_of
from predict.state import from_json
from predict.usage import MachineUsage
from store import part_alerts, wear
from store.connection import Connection
from store.wear import DuePart, DueService, Row
from tickets import Decision, dispatch
from tickets.content import widest
from tickets.due import DUE_SOON_DAYS, service_finding, wear_finding

RECENT_DAYS = 28
#: A machine's own pace counts from so many days of history on.
LEAST_DAYS = 7
#: What a person has dismissed, or a closed ticket has left undone, rests so long.
DISMISSED_DAYS = 30
REST_DAYS = 7
#: Failures of this severity stop the machine.
SERIOUS = 3


@dataclass(frozen=True, slots=True)
class Pace:
    """Recent use of a machine a day: by part, and operating hours."""

    parts: Mapping[str, float]
    hours: float | None


def assess(
    connection: Connection,
    catalogue: Catalogue,
    machine_ids: Collection[int] | None,
    now_ms: int,
) -> list[Decision]:
    """Bring everything that follows from use up to date for some machines (None: all), in the
    caller's transaction; what became of the findings."""
    machines = {
        row["id"]: catalogue.plans[row["product"]]
        for row in wear.machines_to_assess(connection, machine_ids)
    }
    states = {m: from_json(s) for m, s in wear.usage_states(connection, machines).items()}
    paces = _paces(connection, states, now_ms)
    _assess_parts(connection, machines, paces, now_ms)
    due = _assess_services(connection, machines, states, paces, now_ms)
    findings = _findings(connection, machines, due, now_ms)
    return dispatch(connection, catalogue, findings, now_ms)


def _paces(
    connection: Connection, states: Mapping[int, MachineUsage], now_ms: int
) -> dict[int, Pace]:
    """Mean use per calendar day since the oldest kept state of the last four weeks."""
    since = now_ms - RECENT_DAYS * MS_PER_DAY
    result = {}
    for machine, row in wear.usage_days_ago(connection, states, since).items():
        state = states[machine]
        begun = to_ms(datetime.combine(row["day"], datetime.min.time(), to_datetime(0).tzinfo))
        days = (max(now_ms, state.as_of) - begun) / MS_PER_DAY
        if days < LEAST_DAYS:
            continue
        before: Mapping[str, float] = row["totals"]
        parts = {p: (total - before.get(p, 0.0)) / days for p, total in state.totals.items()}
        known = state.hours is not None and row["hours"] is not None
        hours = ((state.hours or 0.0) - row["hours"]) / days if known else None
        result[machine] = Pace(parts, hours)
    return result


def _assess_parts(
    connection: Connection,
    machines: Mapping[int, ProductPlan],
    paces: Mapping[int, Pace],
    now_ms: int,
) -> None:
    rows = wear.live_parts(connection, machines)
    peers = wear.peers_per_day(connection)
    newest = part_alerts.newest(connection, machines)
    kinds: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        plan = machines[row["machine_id"]]
        part = plan.part.get(row["part"])
        if part is not None and (part.driver.age or row["used"] is not None):
            kinds.setdefault((plan.product, part.id), []).append(row)
    columns: dict[str, list[Any]] = {}
    raised: list[Row] = []
    withdrawn: list[int] = []
    for (product, key), fitted in kinds.items():
        plan = machines[fitted[0]["machine_id"]]
        part, model = plan.part[key], plan_life(plan.part[key].life)
        used, own = _use(part, fitted, paces, now_ms)
        pace = _with_peers(own, peers.get((product, key)))
        left = remaining(model, used, pace)
        for name, column in _life_columns(fitted, part, model, left, own, now_ms):
            columns.setdefault(name, []).extend(column)
        found = needs(plan, part, model, used, pace, to_datetime(now_ms))
        for place, (row, need) in enumerate(zip(fitted, found, strict=True)):
            if need.needed and not _dismissed(newest.get(row["id"]), now_ms):
                raised.append(_alert(row, part, need, left, place))
            elif need.needed is False:
                withdrawn.append(row["id"])
    if columns:
        wear.put_remaining_life(connection, columns, now_ms)
        part_alerts.raise_(connection, raised, now_ms)
        part_alerts.withdraw(connection, withdrawn, now_ms)


@lru_cache(maxsize=1000)
def plan_life(life: Life) -> LifeModel:
    """The life model of a part of which only the plan is known."""
    return PlanLife(life)


def _use(
    part: WearPart, fitted: Sequence[Row], paces: Mapping[int, Pace], now_ms: int
) -> tuple[FloatColumn, FloatColumn]:
    """Use so far and use per day of fitted parts of one kind, (n,) each, NaN unknown."""
    if part.driver.age:
        ages = [(now_ms - to_ms(row["fitted_at"])) / MS_PER_DAY for row in fitted]
        months = np.maximum(np.array(ages) / DAYS_PER_MONTH, 0.0)
        before = np.array([row["used_before"] for row in fitted])
        return months + before, np.full(len(fitted), 1 / DAYS_PER_MONTH)
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


def _assess_services(
    connection: Connection,
    machines: Mapping[int, ProductPlan],
    states: Mapping[int, MachineUsage],
    paces: Mapping[int, Pace],
    now_ms: int,
) -> list[DueService]:
    done = wear.last_services(connection, machines)
    due: list[DueService] = []
    for machine, state in states.items():
        pace = paces.get(machine)
        meter = meter_of(state, pace.hours if pace else None)
        if meter is not None:
            due += due_services(
                machines[machine], machine, meter, done.get(machine, {}), to_datetime(now_ms)
            )
    wear.put_services_due(connection, machines, due, now_ms)
    return due


def _findings(
    connection: Connection,
    machines: Mapping[int, ProductPlan],
    due: Sequence[DueService],
    now_ms: int,
) -> list[Finding]:
    """What asks for a visit and has not been said before."""
    rest = REST_DAYS * MS_PER_DAY
    said = wear.announced(connection, list(machines), rest, now_ms)
    until = now_ms + DUE_SOON_DAYS * MS_PER_DAY
    findings = []
    worn = wear.due_parts(connection, list(machines), until)
    for (machine, part), places in groupby(worn, key=lambda place: (place.machine_id, place.part)):
        due_places = list(places)
        if part in machines[machine].part and _own_visit(machines[machine], due_places, until):
            findings.append(wear_finding(machines[machine], due_places, now_ms))
    for machine, services in groupby(due, key=lambda service: service.machine_id):
        announced = {each.service: each for each in services if each.announce}
        findings += [
            service_finding(machines[machine], announced[key], now_ms)
            for key in widest(machines[machine], announced)
        ]
    return [f for f in findings if (f.machine_id, f.kind, f.source) not in said]


def _own_visit(plan: ProductPlan, places: Sequence[DuePart], until_ms: int) -> bool:
    """Whether a part that is due is worth a visit of its own: if its failure stops the machine,
    from P10 on; else from P50 on. What a service brings anyway waits for the service."""
    part = plan.part[places[0].part]
    brought = {need.part for service in plan.services for need in service.parts}
    if part.id in brought:
        return False
    severities = [plan.failure_mode[mode].severity for mode in part.failure_modes]
    if max(severities, default=0) >= SERIOUS:
        return True
    due = [place.due_p50 for place in places if place.due_p50 is not None]
    return any(to_ms(at) <= until_ms for at in due)
