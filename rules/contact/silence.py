"""Connections of the whole fleet: their states, and the findings of silence rules."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from fleet.batch import IntColumn
from fleet.plan import Catalogue, ProductPlan
from fleet.rule import Rule
from rules.alarms.evidence import silence_account
from rules.alarms.lifecycle import Entry, Ledger
from rules.alarms.paging import NEVER_LATE_MS, Setting
from rules.alarms.recurrence import recurrence_of
from rules.changes import AlarmChange
from rules.contact.connection import Connection as Link
from rules.contact.connection import Contact, connection_of, silence_since
from rules.contact.contacts import to_look_at
from store import alarms, rule_state, suppressions
from store.connection import Connection
from store.rule_state import NO_TIME, Contacts


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
    fleet = rule_state.contacts(connection, partitions)
    silent = {rule.id for plan in catalogue.plans.values() for rule in _silence_rules(plan)}
    standing = alarms.standing(connection, silent)
    places = to_look_at(fleet, catalogue.plans, standing, now, listening=listening)
    machines = [_machine(catalogue, fleet.take(places[i : i + 1])) for i in range(len(places))]
    links = {
        one.id: connection_of(one.contact, catalogue.plans[one.product].report, now)
        for one in machines
    }
    changed = {
        one.id: (links[one.id].state, links[one.id].since)
        for one in machines
        if one.connection != links[one.id].state
    }
    if changed:
        rule_state.put_connections(connection, changed)
    return _alarms(connection, catalogue, machines, standing, links, now)


@dataclass(frozen=True, slots=True)
class _Machine:
    """A machine that has to be looked at, and what its connection was said to be."""

    id: int
    product: str
    contact: Contact
    connection: str


def _machine(catalogue: Catalogue, alone: Contacts) -> _Machine:
    product = str(alone.product[0])
    regime = catalogue.plans[product].regime.get(str(alone.regime[0]))
    status = str(alone.status[0])
    contact = Contact(
        _known(alone.heard_at),
        "offline" if status == "offline" else "online" if status else None,
        _known(alone.status_at),
        None if regime is None else regime.running,
        int(alone.registered_at[0]),
    )
    return _Machine(int(alone.machine_id[0]), product, contact, str(alone.connection[0]))


def _known(moment: IntColumn) -> int | None:
    return None if moment[0] == NO_TIME else int(moment[0])


def _alarms(
    connection: Connection,
    catalogue: Catalogue,
    found: Sequence[_Machine],
    standing: Collection[tuple[int, str]],
    links: Mapping[int, Link],
    now: int,
) -> list[Entry]:
    rules = {plan.product: _silence_rules(plan) for plan in catalogue.plans.values()}
    due: list[tuple[_Machine, Rule, int | None]] = []
    for row in found:
        for rule in rules[row.product]:
            report = catalogue.plans[row.product].report
            since = silence_since(rule, row.contact, report, now)
            if (since is not None) != ((row.id, rule.id) in standing):
                due.append((row, rule, since))
    if not due:
        return []
    machines = {row.id for row, _, _ in due}
    longest = max(
        recurrence_of(catalogue.plans[row.product], rule).longest_ms for row, rule, _ in due
    )
    since = min([now, *(at for _, _, at in due if at is not None)]) - longest
    holds = suppressions.of_machines(connection, machines, since)
    ledger = Ledger(alarms.live(connection, machines, since), holds)
    for row, rule, since in due:
        plan = catalogue.plans[row.product]
        law = recurrence_of(plan, rule)
        setting = Setting(rule, plan.version, "connection", now, NEVER_LATE_MS, law)
        if since is None:
            back = links[row.id].since
            ledger.clear(_change(row, rule, "cleared", back), setting)
        else:
            account = silence_account(plan, rule, since, row.contact.heard_at, now)
            ledger.raise_(_change(row, rule, "raised", since), account, setting)
    return list(ledger.entries)


def _silence_rules(plan: ProductPlan) -> list[Rule]:
    return [rule for rule in plan.rules if rule.silence is not None]


def _change(row: _Machine, rule: Rule, kind: str, at: int) -> AlarmChange:
    raised = kind == "raised"
    return AlarmChange(
        row.id, rule.id, rule.component, "raised" if raised else "cleared", at, at, at
    )
