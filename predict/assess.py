"""From use to what is due: remaining life, services, alerts for parts, and findings for visits."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import groupby

from fleet.clock import MS_PER_DAY, to_datetime, to_ms
from fleet.finding import Finding
from fleet.plan import Catalogue, ProductPlan
from predict.fleet_lives import FleetLives
from predict.parts import Pace, assess_parts
from predict.services import due_services, meter_of
from predict.state import from_json
from predict.usage import MachineUsage
from store import usage, wear
from store.connection import Connection
from store.wear import DuePart, DueService
from tickets import Decision, dispatch
from tickets.content import widest
from tickets.due import DUE_SOON_DAYS, service_finding, wear_finding

RECENT_DAYS = 28
#: A machine's own pace counts from so many days of history on.
LEAST_DAYS = 7
#: What a closed ticket has left undone rests so long.
REST_DAYS = 7
#: Failures of this severity stop the machine.
SERIOUS = 3


def assess(
    connection: Connection,
    catalogue: Catalogue,
    machine_ids: Collection[int] | None,
    now_ms: int,
    lives: FleetLives | None = None,
) -> list[Decision]:
    """Bring everything that follows from use up to date for some machines (None: all), in the
    caller's transaction; what became of the findings. `lives` keeps what was learned between two
    calls; without it everything is learned anew."""
    machines = {
        row["id"]: catalogue.plans[row["product"]]
        for row in wear.machines_to_assess(connection, machine_ids)
    }
    states = {m: from_json(s) for m, s in usage.states(connection, machines).items()}
    paces = _paces(connection, states, now_ms)
    lives = lives or FleetLives()
    lives.learn(connection, catalogue, now_ms)
    assess_parts(connection, machines, paces, lives, now_ms)
    due = _assess_services(connection, machines, states, paces, now_ms)
    findings = _findings(connection, machines, due, now_ms)
    return dispatch(connection, catalogue, findings, now_ms)


def _paces(
    connection: Connection, states: Mapping[int, MachineUsage], now_ms: int
) -> dict[int, Pace]:
    """Mean use per calendar day since the oldest kept state of the last four weeks."""
    since = now_ms - RECENT_DAYS * MS_PER_DAY
    result = {}
    for machine, row in usage.days_ago(connection, states, since).items():
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
