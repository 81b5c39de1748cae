"""The end of a visit: what was found, and all that it sets in motion."""

from __future__ import annotations

from collections.abc import Mapping

from fleet.finding import Finding
from fleet.plan import Catalogue, ProductPlan
from fleet.service import CheckItem
from fleet.text import Text
from store import ticket_steps
from store.connection import Connection
from store.ticket_steps import Row
from tickets.answers import AnsweredCheck, ItemAnswer, item_codes, require_complete
from tickets.content import SAFETY_SEVERITY, contained
from tickets.desk import event, locked
from tickets.dispatch import dispatch
from tickets.states import Actor, require_step
from tickets.words import FINDING_CODES


def finish(
    connection: Connection,
    catalogue: Catalogue,
    number: str,
    code: str,
    *,
    actor: Actor,
    version: int | None,
    now_ms: int,
    codes: Mapping[int, str] | None = None,
    note: str | None = None,
) -> int:
    """Finish a visit with what was found: `code` for the whole, `codes` for single items.

    Replaced parts begin a new life, services count as done, alarms are settled (docs/alarms.md).
    What failed a safety check and was not repaired becomes a finding of its own.
    """
    ticket_steps.take_alarms(connection, number, actor.name)
    ticket = locked(connection, number, version)
    require_step(number, ticket["status"], "done", ticket["assignee"], actor)
    items = [ItemAnswer(**row) for row in ticket_steps.items(connection, ticket["id"])]
    checks = [
        AnsweredCheck(row["checklist"], CheckItem.model_validate(row["definition"]), row["passed"])
        for row in ticket_steps.checks(connection, ticket["id"])
    ]
    found = item_codes(items, checks, code, codes or {})
    require_complete(items, checks, code, note)
    ticket_steps.set_item_codes(connection, ticket["id"], found)
    ticket_steps.renew_parts(connection, ticket["id"], actor.name, now_ms)
    plan = catalogue.plans[ticket["product"]]
    _count_services(connection, plan, ticket, items, found, now_ms)
    ticket_steps.settle_alarms(connection, ticket["id"], actor.name, now_ms)
    event(connection, ticket, "done", actor, now_ms, FINDING_CODES[code], note)
    new_version = ticket_steps.set_status(
        connection, ticket["id"], "done", now_ms, code=code, note=note
    )
    dispatch(connection, catalogue, _left_unsafe(ticket, checks, now_ms), now_ms)
    return new_version


def _count_services(
    connection: Connection,
    plan: ProductPlan,
    ticket: Row,
    items: list[ItemAnswer],
    found: Mapping[int, str],
    now_ms: int,
) -> None:
    done = [item for item in items if item.kind == "service" and found[item.id] == "service_done"]
    services = {each.id for item in done for each in contained(plan, item.source)}
    if services:
        hours = ticket_steps.operating_hours(connection, ticket["machine_id"], plan.hours_signal)
        ticket_steps.services_done(connection, ticket, sorted(services), hours, now_ms)


def _left_unsafe(ticket: Row, checks: list[AnsweredCheck], now_ms: int) -> list[Finding]:
    """Findings for safety checks that failed: the machine waits out of service for a repair."""
    return [
        Finding(
            machine_id=ticket["machine_id"],
            kind="alarm",
            source=f"check_{check.item.id}",
            component=check.item.component,
            severity=SAFETY_SEVERITY,
            happened_at=now_ms,
            title=Text(
                en=f"Failed safety check: {check.item.check.en}",
                zh=f"安全检查不合格：{check.item.check.zh}",
            ),
            reason=Text(
                en=f"Found on visit {ticket['number']}; the machine is out of service until it is "
                "repaired.",
                zh=f"工单 {ticket['number']} 检查发现，设备已停用待修。",
            ),
            evidence={"ticket": ticket["number"], "check": check.item.id},
            failure_modes=check.item.failure_modes,
        )
        for check in checks
        if check.passed is False and check.item.fail_severity == SAFETY_SEVERITY
    ]
