"""From findings to visits, exactly once: policy and content applied to what the store holds."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from fleet.clock import MS_PER_DAY
from fleet.finding import Finding
from fleet.plan import Catalogue, ProductPlan
from fleet.text import Text
from store import visits, wear
from store.connection import Connection, StoreError
from store.visits import Row, VisitTaken
from tickets.content import SKILL_ORDER, FittedPlace, contribution, title_of, widest
from tickets.due import DUE_SOON_DAYS, DUE_SOON_H, service_finding, wear_finding
from tickets.policy import OpenItem, Outcome, Verdict, Visit, decide, out_of_fleet

ACTOR = "ironpulse"
ATTEMPTS = 5
DUE_SOON = Text(en="Due soon: done on the same visit.", zh="即将到期，与本次上门一并处理。")


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of a finding; `ticket_id` None when it was recorded only; `repeated` when it
    had been decided before."""

    finding_id: int
    outcome: Outcome
    reason: Text
    ticket_id: int | None
    repeated: bool = False


def dispatch(
    connection: Connection, catalogue: Catalogue, findings: Sequence[Finding], now_ms: int
) -> list[Decision]:
    """Decide findings and carry it out, in the caller's transaction; in the order given.

    Safe to repeat, and with several workers at once: a finding is decided once, and a machine
    has one visit.
    """
    decisions: dict[int, Decision] = {}
    # Machines in one order for all workers: none waits in a circle.
    order = sorted(
        range(len(findings)), key=lambda i: (findings[i].machine_id, -findings[i].severity)
    )
    for place in order:
        finding = findings[place]
        same = [f for f in findings if f.machine_id == finding.machine_id]
        decisions[place] = _once(connection, catalogue, finding, same, now_ms)
    return [decisions[place] for place in range(len(findings))]


class _DecidedElsewhere(Exception):
    """Another worker has kept the same finding: our attempt is rolled back."""


def _once(
    connection: Connection,
    catalogue: Catalogue,
    finding: Finding,
    same: Sequence[Finding],
    now_ms: int,
) -> Decision:
    for _ in range(ATTEMPTS):
        known = visits.known_finding(connection, finding)
        if known is not None:
            return _decision(known)
        try:
            with connection.transaction():
                return _decide(connection, catalogue, finding, same, now_ms)
        except (VisitTaken, _DecidedElsewhere):
            continue
    raise StoreError(
        f"machine {finding.machine_id}: other workers opened and closed visits {ATTEMPTS} times "
        f"while {finding.kind} {finding.source} was to be decided; run it again"
    )


def _decision(known: Row) -> Decision:
    reason = Text.model_validate(known["reason"])
    return Decision(known["id"], known["outcome"], reason, known["ticket_id"], repeated=True)


def _decide(
    connection: Connection,
    catalogue: Catalogue,
    finding: Finding,
    same: Sequence[Finding],
    now_ms: int,
) -> Decision:
    machine = visits.machine(connection, finding.machine_id)
    if machine["retired_at"] is not None:
        return _keep(connection, finding, out_of_fleet(finding, now_ms), None, now_ms)
    plan, tier = catalogue.plans[machine["product"]], catalogue.tiers[machine["tier"]]
    visit = _planned(connection, finding.machine_id)
    items = tuple(OpenItem(**row) for row in visits.open_items(connection, finding.machine_id))
    verdict = decide(finding, plan, tier, visit, items, now_ms)
    if verdict.outcome == "recorded":
        return _keep(connection, finding, verdict, None, now_ms)
    if verdict.outcome == "attached":
        if finding.alarm_id is not None:
            visits.attach_alarm(connection, finding.alarm_id)
        return _keep(connection, finding, verdict, verdict.ticket_id, now_ms)
    if visit is not None:
        decision = _keep(connection, finding, verdict, visit.id, now_ms)
        _join(connection, plan, decision, finding, verdict, now_ms)
        return decision
    asked = {(f.kind, f.source) for f in same} | {(item.kind, item.source) for item in items}
    return _open(connection, plan, machine, finding, verdict, asked, now_ms)


def _open(
    connection: Connection,
    plan: ProductPlan,
    machine: Row,
    finding: Finding,
    verdict: Verdict,
    asked: Collection[tuple[str, str]],
    now_ms: int,
) -> Decision:
    """Open a visit for the finding, and add what is due soon beyond what is `asked` already."""
    row = visits.open_visit(
        connection,
        machine,
        finding.title,
        priority=verdict.priority,
        target_ms=verdict.target_at,
        now_ms=now_ms,
    )
    decision = _keep(connection, finding, verdict, row["id"], now_ms)
    _join(connection, plan, decision, finding, verdict, now_ms)
    for due in _due_soon(connection, plan, finding.machine_id, now_ms):
        if (due.kind, due.source) not in asked:
            joined = replace(verdict, outcome="merged", reason=DUE_SOON)
            kept = _keep(connection, due, joined, row["id"], now_ms)
            _join(connection, plan, kept, due, joined, now_ms)
    return decision


def _planned(connection: Connection, machine_id: int) -> Visit | None:
    row = visits.planned_visit(connection, machine_id)
    if row is None:
        return None
    return Visit(
        row["id"], row["number"], row["priority"], round(row["target_at"].timestamp() * 1000)
    )


def _keep(
    connection: Connection,
    finding: Finding,
    verdict: Verdict,
    ticket_id: int | None,
    now_ms: int,
) -> Decision:
    finding_id = visits.add_finding(
        connection,
        finding,
        outcome=verdict.outcome,
        reason=verdict.reason,
        ticket_id=ticket_id,
        now_ms=now_ms,
    )
    if finding_id is None:
        raise _DecidedElsewhere
    return Decision(finding_id, verdict.outcome, verdict.reason, ticket_id)


def _join(
    connection: Connection,
    plan: ProductPlan,
    decision: Decision,
    finding: Finding,
    verdict: Verdict,
    now_ms: int,
) -> None:
    """Write what the finding adds to its ticket."""
    ticket_id = decision.ticket_id
    assert ticket_id is not None
    before = visits.items_so_far(connection, ticket_id)
    prepared = {mode for item in before for mode in item["failure_modes"][:1]}
    fitted = [FittedPlace(**row) for row in visits.fitted_places(connection, finding.machine_id)]
    added = contribution(plan, finding, fitted, prepared)
    checks = [(check.checklist, check.item) for check in added.checks]
    titles = [(item["severity"], Text.model_validate(item["title"])) for item in before]
    note = Text(
        en=f"{finding.title.en}. {verdict.reason.en}", zh=f"{finding.title.zh}。{verdict.reason.zh}"
    )
    with connection.pipeline():  # only the checks are waited for
        visits.add_item(connection, ticket_id, decision.finding_id, finding, now_ms)
        for part in added.parts:
            visits.add_part(
                connection, ticket_id, part.part, part.fitted_part_id, part.quantity, part.reason
            )
        minutes = added.minutes + visits.add_checks(connection, ticket_id, checks)
        visits.extend_visit(
            connection,
            ticket_id,
            title=title_of([*titles, (finding.severity, finding.title)]),
            priority=verdict.priority,
            target_ms=verdict.target_at,
            minutes=round(minutes),
            skill=added.skill,
            skills=SKILL_ORDER,
        )
        visits.add_event(connection, ticket_id, actor=ACTOR, note=note, now_ms=now_ms)


def _due_soon(
    connection: Connection, plan: ProductPlan, machine_id: int, now_ms: int
) -> Iterator[Finding]:
    """What falls due on the machine soon: done on the same visit."""
    until = now_ms + DUE_SOON_DAYS * MS_PER_DAY
    parts = wear.due_parts(connection, [machine_id], until)
    for part, places in groupby(parts, key=lambda place: place.part):
        if part in plan.part:
            yield wear_finding(plan, list(places), now_ms)
    found = wear.due_services(connection, [machine_id], within_h=DUE_SOON_H, until_ms=until)
    services = {due.service: due for due in found if due.service in plan.service}
    for key in widest(plan, services):
        yield service_finding(plan, services[key], now_ms)
