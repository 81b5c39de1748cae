"""From use to what is due: remaining life, services, alerts for parts, and findings for visits."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from fleet.clock import MS_PER_DAY, to_datetime, to_ms
from fleet.finding import Finding
from fleet.plan import Catalogue, ProductPlan
from fleet.service import InspectionTerms
from predict.fleet_lives import FleetLives, LifeSource
from predict.looks import PlannedVisits, Watched, next_look, planned_visits
from predict.parts import Pace, assess_parts
from predict.services import due_services, meter_of
from predict.state import from_json
from predict.usage import MachineUsage
from predict.use_ahead import FleetSeasons, UseAhead, span, use_ahead
from store import inspections, usage, wear
from store.connection import Connection
from store.inspections import DueInspection
from store.wear import DuePart, DueService
from tickets import Decision, dispatch
from tickets.content import widest
from tickets.due import DUE_SOON_DAYS, inspection_finding, service_finding, wear_finding


@dataclass
class Learned:
    """What the fleet has taught so far: lives of parts, seasons of products."""

    lives: LifeSource = field(default_factory=FleetLives)
    seasons: FleetSeasons = field(default_factory=FleetSeasons)

    def learn(self, connection: Connection, catalogue: Catalogue, now_ms: int) -> None:
        """Take what is new from the store, each as often as it is worth it."""
        self.lives.learn(connection, catalogue, now_ms)
        self.seasons.learn(connection, catalogue, now_ms)


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
    learned: Learned | None = None,
    visits: PlannedVisits | None = None,
) -> list[Decision]:
    """Bring everything that follows from use up to date for some machines (None: all), in the
    caller's transaction; what became of the findings. `learned` keeps what the fleet has taught
    between two calls; without it everything is learned anew."""
    rows = wear.machines_to_assess(connection, machine_ids)
    machines = {row["id"]: catalogue.plans[row["product"]] for row in rows}
    states = {m: from_json(s) for m, s in usage.states(connection, machines).items()}
    recent = usage.days_ago(connection, states, now_ms - RECENT_DAYS * MS_PER_DAY)
    learned = learned or Learned()
    learned.learn(connection, catalogue, now_ms)
    places = {row["id"]: (machines[row["id"]], row["lat"]) for row in rows}
    coming = use_ahead(connection, places, states, recent, learned.seasons, now_ms)
    paces = {m: _pace(recent[m], states[m], now_ms) for m in recent}
    known = {m: pace for m, pace in paces.items() if pace is not None}
    watched = assess_parts(connection, machines, states, known, coming, learned.lives, now_ms)
    due = _assess_services(connection, machines, states, coming, now_ms)
    terms = catalogue.inspection
    if visits is None:
        visits = planned_visits(inspections.visits_planned(connection, now_ms), now_ms)
    looks = _assess_inspections(connection, machines, terms, watched, coming, due, visits, now_ms)
    findings = _findings(connection, machines, due, looks, now_ms)
    return dispatch(connection, catalogue, findings, now_ms)


def _pace(before: usage.Row, state: MachineUsage, now_ms: int) -> Pace | None:
    """Mean use per calendar day since the oldest kept state of the last four weeks."""
    days = span(before, state, now_ms)
    if days < LEAST_DAYS:
        return None
    totals: Mapping[str, float] = before["totals"]
    return Pace({p: (total - totals.get(p, 0.0)) / days for p, total in state.totals.items()})


def _assess_services(
    connection: Connection,
    machines: Mapping[int, ProductPlan],
    states: Mapping[int, MachineUsage],
    coming: Mapping[str, UseAhead],
    now_ms: int,
) -> list[DueService]:
    done = wear.last_services(connection, machines)
    due: list[DueService] = []
    for machine, state in states.items():
        meter = meter_of(state, coming[machines[machine].product].of_hours(machine))
        if meter is not None:
            due += due_services(
                machines[machine], machine, meter, done.get(machine, {}), to_datetime(now_ms)
            )
    wear.put_services_due(connection, machines, due, now_ms)
    return due


def _assess_inspections(
    connection: Connection,
    machines: Mapping[int, ProductPlan],
    terms: InspectionTerms,
    watched: Mapping[int, Sequence[Watched]],
    coming: Mapping[str, UseAhead],
    due: Sequence[DueService],
    visits: PlannedVisits,
    now_ms: int,
) -> list[DueInspection]:
    """When each machine is looked at next; only machines with parts that are watched."""
    services: dict[int, list[DueService]] = {}
    for each in due:
        services.setdefault(each.machine_id, []).append(each)
    found = []
    for row in inspections.looks(connection, watched):
        machine, plan = row["id"], machines[row["id"]]
        hours = coming[plan.product].of_hours(machine)
        own = services.get(machine, [])
        found.append(next_look(row, plan, terms, watched[machine], hours, own, visits, now_ms))
    inspections.put(connection, found, now_ms)
    return found


def _findings(
    connection: Connection,
    machines: Mapping[int, ProductPlan],
    due: Sequence[DueService],
    looks: Sequence[DueInspection],
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
    findings += [
        inspection_finding(machines[look.machine_id], look, now_ms)
        for look in looks
        if to_ms(look.due_at) <= until and machines[look.machine_id].checklists
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
