"""What the fold says of one product, made into alarms: changes as they come, and what late data
puts right. Reads the alarms that are concerned; writing is the worker's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from fleet.finding import Kind
from fleet.plan import Catalogue
from rules.alarms.episodes import Key, episodes_of
from rules.alarms.evidence import Account, account_of
from rules.alarms.late import reconcile
from rules.alarms.lifecycle import Entry, Ledger
from rules.alarms.paging import Setting
from rules.alarms.recurrence import recurrence_of
from rules.changes import AlarmChange
from rules.compiled import CompiledPlan
from rules.condition import Identity
from rules.state import RAISED, FleetState
from store import alarms, suppressions
from store.connection import Connection

_HOUR_MS = 3_600_000


class Booking:
    """The alarms of one product. `as_it_came`: everything is dated and decided as if each sample
    had arrived when it was measured."""

    def __init__(
        self,
        catalogue: Catalogue,
        compiled: CompiledPlan,
        identities: Mapping[int, Identity],
        *,
        as_it_came: bool,
    ) -> None:
        self._catalogue = catalogue
        self._compiled = compiled
        self._identities = identities
        self._as_it_came = as_it_came
        plan = compiled.plan
        self._plan = plan
        self._late_ms = round(plan.report.offline_s * 1000)
        self._laws = {rule.id: recurrence_of(plan, rule) for rule in plan.rules}
        self._longest_ms = max((law.longest_ms for law in self._laws.values()), default=0)

    def setting(self, rule: str, now: int) -> Setting:
        """Under what an alarm of a rule is raised now."""
        known = self._plan.rule[rule]
        kind: Kind = "connection" if known.of_connection else "alarm"
        return Setting(known, self._plan.version, kind, now, self._late_ms, self._laws[rule])

    def due(self, now: int, silent_since: int) -> alarms.Due:
        """When alarms that wait are to be judged; a backlog that stopped at `silent_since` will not
        catch up."""
        silences = [rule.id for rule in self._plan.rules if rule.of_connection]
        after_visit_ms = round(self._plan.alarms.after_visit_h * _HOUR_MS)
        return alarms.Due(now, now - self._late_ms, silent_since, after_visit_ms, silences)

    def book(self, connection: Connection, changes: Sequence[AlarmChange], now: int) -> list[Entry]:
        """The alarms that changes make of the live ones."""
        if not changes:
            return []
        machines = {change.machine_id for change in changes}
        since = min(change.at for change in changes) - self._longest_ms
        records = alarms.live(connection, machines, since)
        oldest = min(change.raised_at for change in changes)
        ledger = Ledger(records, suppressions.of_machines(connection, machines, oldest))
        for change in sorted(changes, key=lambda change: change.at):
            setting = self.setting(change.rule, change.at if self._as_it_came else now)
            if change.kind == "raised":
                ledger.raise_(change, self._explain(change), setting)
            else:
                ledger.clear(change, setting)
        return list(ledger.entries)

    def put_right(
        self,
        connection: Connection,
        since: Mapping[int, int],
        rules: set[str],
        standing: Iterable[tuple[Key, int]],
        changes: Sequence[AlarmChange],
        now: int,
    ) -> list[Entry]:
        """The alarms of `rules` brought in line with what a new fold says: `since` is each
        machine's checkpoint (machine -> ms), `standing` what stood there, `changes` all after."""
        before = {machine: moment - self._longest_ms for machine, moment in since.items()}
        records = [one for one in alarms.after(connection, before) if one.rule in rules]
        holds = suppressions.of_machines(connection, since, min(before.values()))
        settings = {rule: self.setting(rule, now) for rule in rules}
        episodes = episodes_of(standing, changes)
        return reconcile(records, episodes, since, settings, self._explain, holds)

    def _explain(self, change: AlarmChange) -> Account:
        who = self._identities[change.machine_id]
        return account_of(self._compiled, self._catalogue, who, change)


def standing_in(compiled: CompiledPlan, state: FleetState) -> Iterable[tuple[Key, int]]:
    """The alarms that stand in states, of conditions and detectors: key, raised at (ms)."""
    for row, index in np.argwhere(state.phase >= RAISED):
        rule = compiled.conditions[index].rule
        key = (int(state.machine_id[row]), rule.component, rule.id)
        yield key, int(state.raised_at[row, index])
    held = zip(state.machine_id.tolist(), state.watched, state.suspects, strict=True)
    for machine, watched, suspects in held:
        standing = [raised for own in watched for raised in own.standing_alarms]
        standing += [raised for own in suspects.values() for raised in own.standing_alarms]
        for raised in standing:
            yield (machine, raised.component, raised.rule), raised.at
