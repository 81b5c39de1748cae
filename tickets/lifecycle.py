"""Steps of a ticket's life, each in the caller's transaction with its line in the history.

Every step takes the ticket's number, the `version` the caller last read (None: whatever it is)
and who takes it, and returns the new version. All raise TicketError where the step is not allowed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from fleet.clock import to_datetime
from fleet.finding import Finding
from fleet.plan import Catalogue, CheckItem, ProductPlan
from fleet.text import Text
from store import ticket_steps, visits
from store.connection import Connection
from store.ticket_steps import Row
from tickets.answers import (
    Answer,
    AnsweredCheck,
    ItemAnswer,
    item_codes,
    judge,
    require_complete,
)
from tickets.content import SAFETY_SEVERITY, contained
from tickets.dispatch import dispatch
from tickets.states import (
    Actor,
    Status,
    require_assignee,
    require_hand,
    require_open,
    require_step,
)
from tickets.words import FINDING_CODES, STATUSES, error

Found = Literal["worn", "failed", "early"]


def assign(
    connection: Connection,
    number: str,
    assignee: str,
    *,
    actor: Actor,
    version: int | None,
    now_ms: int,
    note: str | None = None,
) -> int:
    """Give a ticket that nobody has set out for to a technician, or to another one."""
    ticket = _locked(connection, number, version)
    require_step(number, ticket["status"], "assigned", ticket["assignee"], actor)
    require_assignee(actor, assignee)
    done = Text(en=f"Assigned to {assignee}.", zh=f"派给{assignee}。")
    _event(connection, ticket, "assigned", actor, now_ms, done, note)
    return ticket_steps.set_status(connection, ticket["id"], "assigned", now_ms, assignee=assignee)


def move(
    connection: Connection,
    number: str,
    to: Literal["new", "accepted", "travelling", "working"],
    *,
    actor: Actor,
    version: int | None,
    now_ms: int,
    note: str | None = None,
) -> int:
    """Accept it, set out, begin to work, or (`new`) give it back."""
    ticket = _locked(connection, number, version)
    require_step(number, ticket["status"], to, ticket["assignee"], actor)
    _event(connection, ticket, to, actor, now_ms, None, note)
    return ticket_steps.set_status(connection, ticket["id"], to, now_ms)


def cancel(
    connection: Connection,
    number: str,
    note: str,
    *,
    actor: Actor,
    version: int | None,
    now_ms: int,
) -> int:
    """Cancel an open ticket; the note says why."""
    ticket = _locked(connection, number, version)
    require_step(number, ticket["status"], "cancelled", ticket["assignee"], actor)
    if not note.strip():
        raise error("note_missing", "Say why the ticket is cancelled.", "请注明取消原因。")
    _event(connection, ticket, "cancelled", actor, now_ms, None, note)
    return ticket_steps.set_status(connection, ticket["id"], "cancelled", now_ms, note=note)


def plan_visit(
    connection: Connection,
    number: str,
    planned_ms: int,
    *,
    actor: Actor,
    version: int | None,
    now_ms: int,
) -> int:
    """Set when the visit is meant to begin, ms."""
    ticket = _answerable(connection, number, version, actor)
    when = f"{to_datetime(planned_ms):%Y-%m-%d %H:%M} UTC"
    done = Text(en=f"Visit planned for {when}.", zh=f"计划上门时间：{when}。")
    _event(connection, ticket, ticket["status"], actor, now_ms, done, None)
    return ticket_steps.set_planned(connection, ticket["id"], planned_ms)


def add_note(connection: Connection, number: str, note: str, *, actor: Actor, now_ms: int) -> int:
    """A note in the ticket's history, by anybody, at any time."""
    ticket = _locked(connection, number, None)
    _event(connection, ticket, ticket["status"], actor, now_ms, None, note)
    return ticket_steps.touch(connection, ticket["id"])


def answer_check(
    connection: Connection,
    number: str,
    sequence: int,
    answer: Answer,
    *,
    actor: Actor,
    version: int | None,
    now_ms: int,
) -> int:
    """Answer one check; a safety check that fails, or is answered anew, stands in the history."""
    ticket = _answerable(connection, number, version, actor)
    row = ticket_steps.check(connection, ticket["id"], sequence)
    if row is None:
        raise error(
            "check_unknown",
            f"Ticket {number} has no check {sequence}.",
            f"工单 {number} 没有第 {sequence} 项检查。",
        )
    item = CheckItem.model_validate(row["definition"])
    value, passed = judge(item, answer)
    ticket_steps.answer_check(
        connection, ticket["id"], sequence, value, passed=passed, actor=actor.name, now_ms=now_ms
    )
    if item.fail_severity == SAFETY_SEVERITY and not passed:
        done = Text(
            en=f"Safety check failed: {item.check.en}.", zh=f"安全检查不合格：{item.check.zh}。"
        )
        _event(connection, ticket, ticket["status"], actor, now_ms, done, None)
    return ticket_steps.touch(connection, ticket["id"])


def answer_part(
    connection: Connection,
    number: str,
    part_id: int,
    found: Found | None,
    *,
    actor: Actor,
    version: int | None,
) -> int:
    """Say that a part was replaced and why, or (None) that the old one stays."""
    ticket = _answerable(connection, number, version, actor)
    if not ticket_steps.answer_part(connection, ticket["id"], part_id, found):
        raise error(
            "part_unknown",
            f"Ticket {number} has no part {part_id}.",
            f"工单 {number} 没有编号为 {part_id} 的配件。",
        )
    return ticket_steps.touch(connection, ticket["id"])


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

    Replaced parts begin a new life, services count as done, alarms are settled. What failed a
    safety check and was not repaired becomes a finding of its own.
    """
    ticket = _locked(connection, number, version)
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
    _event(connection, ticket, "done", actor, now_ms, FINDING_CODES[code], note)
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


def _locked(connection: Connection, number: str, version: int | None) -> Row:
    ticket = ticket_steps.ticket_for_step(connection, number)
    if ticket is None:
        raise error("ticket_unknown", f"There is no ticket {number}.", f"没有工单 {number}。")
    if version is not None and version != ticket["version"]:
        raise error(
            "version_conflict",
            f"Ticket {number} has changed since you read it (version {version}, now "
            f"{ticket['version']}); read it again.",
            f"工单 {number} 已被修改（您读取的是第 {version} 版，现为第 {ticket['version']} 版），"
            "请重新读取。",
        )
    return ticket


def _answerable(connection: Connection, number: str, version: int | None, actor: Actor) -> Row:
    ticket = _locked(connection, number, version)
    require_open(number, ticket["status"])
    require_hand(number, ticket["assignee"], actor)
    return ticket


def _event(
    connection: Connection,
    ticket: Row,
    to: Status,
    actor: Actor,
    now_ms: int,
    done: Text | None,
    note: str | None,
) -> None:
    """A line of history: what was done, and the note as its writer wrote it."""
    what = done or STATUSES[to]
    if note:
        # A note is in one language only; whoever reads the other one sees it as it is.
        what = Text.model_construct(
            en=f"{done.en} {note}" if done else note, zh=f"{done.zh} {note}" if done else note
        )
    visits.add_event(
        connection,
        ticket["id"],
        actor=actor.name,
        note=what,
        now_ms=now_ms,
        from_status=ticket["status"],
        to_status=to,
    )
