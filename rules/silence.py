"""Connections of the whole fleet: their states, and the findings of silence rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fleet.plan import Catalogue, ProductPlan
from fleet.rule import Rule
from rules.changes import AlarmChange
from rules.connection import Connection as Link
from rules.connection import Contact, connection_of, silence_since
from rules.evidence import silence_account
from rules.lifecycle import Entry, Ledger, Setting
from rules.recurrence import recurrence_of
from store import alarms, rule_state, suppressions
from store.connection import Connection
from store.rule_state import ContactRow

_NEVER_LATE_MS = 2**62


def judge_silence(
    connection: Connection,
    catalogue: Catalogue,
    partitions: Sequence[int],
    now: int,
    *,
    listening: bool = True,
) -> list[Entry]:
    """Write the connection states that changed on machines of these partitions; returns the
    alarms that silence raised or a sign of life cleared.

    Without `listening` long enough to tell a silent machine from our own deafness, only signs of
    life count.
    """
    contacts = rule_state.contacts(connection, partitions)
    known = {row.machine_id: _contact(catalogue, row) for row in contacts}
    links = {
        row.machine_id: connection_of(
            known[row.machine_id], catalogue.plans[row.product].report, now
        )
        for row in contacts
    }
    if not listening:
        contacts = [row for row in contacts if links[row.machine_id].state == "online"]
    changed = {
        row.machine_id: (links[row.machine_id].state, links[row.machine_id].since)
        for row in contacts
        if row.connection != links[row.machine_id].state
    }
    if changed:
        rule_state.put_connections(connection, changed)
    return _alarms(connection, catalogue, contacts, known, links, now)


def _contact(catalogue: Catalogue, row: ContactRow) -> Contact:
    plan = catalogue.plans[row.product]
    regime = plan.regime.get(row.regime) if row.regime is not None else None
    return Contact(
        row.heard_at,
        "offline" if row.status == "offline" else "online" if row.status is not None else None,
        row.status_at,
        None if regime is None else regime.running,
        row.registered_at,
    )


def _alarms(
    connection: Connection,
    catalogue: Catalogue,
    contacts: Sequence[ContactRow],
    known: Mapping[int, Contact],
    links: Mapping[int, Link],
    now: int,
) -> list[Entry]:
    rules = {plan.product: _silence_rules(plan) for plan in catalogue.plans.values()}
    standing = alarms.standing(connection, {rule.id for own in rules.values() for rule in own})
    due: list[tuple[ContactRow, Rule, int | None]] = []
    for row in contacts:
        for rule in rules[row.product]:
            report = catalogue.plans[row.product].report
            since = silence_since(rule, known[row.machine_id], report, now)
            if (since is not None) != ((row.machine_id, rule.id) in standing):
                due.append((row, rule, since))
    if not due:
        return []
    machines = {row.machine_id for row, _, _ in due}
    longest = max(
        recurrence_of(catalogue.plans[row.product], rule).longest_ms for row, rule, _ in due
    )
    since = min([now, *(at for _, _, at in due if at is not None)]) - longest
    holds = suppressions.of_machines(connection, machines, since)
    ledger = Ledger(alarms.live(connection, machines, since), holds)
    for row, rule, since in due:
        plan = catalogue.plans[row.product]
        law = recurrence_of(plan, rule)
        setting = Setting(rule, plan.version, "connection", now, _NEVER_LATE_MS, law)
        if since is None:
            back = links[row.machine_id].since
            ledger.clear(_change(row, rule, "cleared", back), setting)
        else:
            account = silence_account(plan, rule, since, row.heard_at, now)
            ledger.raise_(_change(row, rule, "raised", since), account, setting)
    return list(ledger.entries)


def _silence_rules(plan: ProductPlan) -> list[Rule]:
    return [rule for rule in plan.rules if rule.silence is not None]


def _change(row: ContactRow, rule: Rule, kind: str, at: int) -> AlarmChange:
    raised = kind == "raised"
    return AlarmChange(
        row.machine_id, rule.id, rule.component, "raised" if raised else "cleared", at, at, at
    )
