"""One product's rules at work: states kept in memory, read from and written to the store.

Everything happens on the connection of one transaction. What was learnt is kept in memory only
by `commit`, after the transaction has committed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from fleet.batch import FaultReport, SampleBatch
from fleet.finding import Kind
from fleet.plan import Catalogue
from rules.changes import AlarmChange
from rules.codec import Snapshot, load, nothing_known
from rules.compiled import Identity, compile_plan
from rules.detectors.live import NOTHING_TAUGHT, Taught
from rules.engine import fold
from rules.evidence import Account, account_of
from rules.faults import FaultState, fold_faults, ripen
from rules.keeping import Known, Work, keep
from rules.known_before import identities_of, taught_in
from rules.late import Key, episodes_of, late_rows, reconcile
from rules.lifecycle import Entry, Ledger, Setting
from rules.recurrence import recurrence_of
from rules.refold import Refold
from rules.sheet import with_tails
from rules.state import NEVER, RAISED, FleetState, Memory, stack
from store import alarms, rule_state, suppressions
from store.connection import Connection
from store.reading import read_range

_HOUR_MS = 3_600_000
#: Machines whose rows since their checkpoint are read together.
RECALLED_AT_ONCE = 200


class Desk:
    """The rules of one product."""

    def __init__(self, catalogue: Catalogue, product: str, *, as_it_came: bool = False) -> None:
        self._as_it_came = as_it_came
        self.catalogue = catalogue
        self.plan = catalogue.plans[product]
        self.compiled = compile_plan(self.plan)
        self.late_ms = round(self.plan.report.offline_s * 1000)
        self._laws = {rule.id: recurrence_of(self.plan, rule) for rule in self.plan.rules}
        self.longest_ms = max((law.longest_ms for law in self._laws.values()), default=0)
        self._known = Known(Memory(self.compiled))
        self._identities: dict[int, Identity] = {}
        self._taught: Taught | None = None

    def forget_identities(self) -> None:
        """Ask the registry anew: a machine may have moved to another region, or was repaired, or
        its fleet has taught something."""
        self._identities.clear()
        self._taught = None

    @property
    def taught(self) -> Taught:
        """What detectors learned from the fleet, as of the last look at the store."""
        return NOTHING_TAUGHT if self._taught is None else self._taught

    def setting(self, rule: str, now: int) -> Setting:
        """Under what an alarm of a rule is raised now."""
        law, known = self._laws[rule], self.plan.rule[rule]
        kind: Kind = "alarm" if known.silence is None else "connection"
        return Setting(known, self.plan.version, kind, now, self.late_ms, law)

    def due(self, now: int, silent_since: int) -> alarms.Due:
        """When alarms that wait are to be judged; a backlog that stopped at `silent_since` will not
        catch up."""
        silences = [rule.id for rule in self.compiled.silence_rules]
        after_visit_ms = round(self.plan.alarms.after_visit_h * _HOUR_MS)
        return alarms.Due(now, now - self.late_ms, silent_since, after_visit_ms, silences)

    def judge(
        self,
        connection: Connection,
        batch: SampleBatch | None,
        reports: Sequence[FaultReport],
        now: int,
    ) -> Work:
        """Fold samples and fault reports, and write states and what is known of the machines.

        The alarms that changed are in the result; they are the caller's to write.
        """
        work = Work()
        told = {report.machine_id for report in reports}
        seen = set() if batch is None else set(np.unique(batch.machine_id).tolist())
        machines = sorted(told | seen)
        self._load(connection, machines)
        changes: list[AlarmChange] = []
        if batch is not None and len(batch):
            changes += self._samples(connection, batch, work, now)
        changes += self._reports(connection, reports, seen, work, now)
        work.entries += self._booked(connection, changes, now)
        keep(connection, self.compiled, self._known, work)
        return work

    def commit(self, work: Work) -> None:
        """Keep what a committed transaction learnt."""
        self._known.take_over(work)

    def _load(self, connection: Connection, machines: Sequence[int]) -> None:
        """Have the states of machines in memory, read from the store where they are not."""
        if self._taught is None:
            self._taught = taught_in(connection, self.plan.product)
        strange = [machine for machine in machines if machine not in self._identities]
        if strange:
            self._identities |= identities_of(connection, self.plan, strange)
        missing = self._known.states.lacks(machines)
        if not missing:
            return
        stored = rule_state.states(connection, missing)
        snapshots = [
            load(self.compiled, machine, stored[machine])
            if machine in stored
            else nothing_known(self.compiled, machine)
            for machine in missing
        ]
        states = self.warm(connection, [snapshot.state for snapshot in snapshots])
        self._known.states.put(self._recalled(connection, states))
        for machine, snapshot in zip(missing, snapshots, strict=True):
            self._known.faults[machine] = snapshot.faults
        self._known.checkpointed.update(rule_state.last_checkpoints(connection, missing))

    def _recalled(self, connection: Connection, states: FleetState) -> FleetState:
        """States read from the store with what gauges and detectors hold: that of the newest
        checkpoint, and of the rows since."""
        if not self.compiled.gauges.all and not self.compiled.detectors:
            return states
        saved = rule_state.newest_checkpoints(connection, states.machine_id.tolist())
        found = []
        for at in range(0, len(states), RECALLED_AT_ONCE):
            part = states.select(np.arange(at, min(at + RECALLED_AT_ONCE, len(states))))
            begun = [
                self.snapshot(machine, saved[machine].state).state
                if machine in saved
                else nothing_known(self.compiled, machine).state
                for machine in part.machine_id.tolist()
            ]
            found.append(self._recall_since(connection, part, self.warm(connection, begun)))
        return stack(found)

    def _recall_since(
        self, connection: Connection, states: FleetState, begun: FleetState
    ) -> FleetState:
        heard = states.as_of != NEVER
        if not heard.any():
            return states
        known = begun.as_of[begun.as_of != NEVER]
        since = int(known.min()) + 1 if len(known) else int(states.as_of[heard].min())
        ids, until = states.machine_id.tolist(), int(states.as_of.max()) + 1
        rows = read_range(connection, self.plan, ids, since, until)
        place = np.searchsorted(states.machine_id, rows.machine_id)
        new = (rows.measured_at > begun.as_of[place]) & (rows.measured_at <= states.as_of[place])
        after, _ = fold(self.compiled, self._identities, begun, rows.take(new), taught=self.taught)
        memory = Memory(self.compiled)
        memory.put(begun)
        memory.put(after)
        again = memory.take(ids)
        return replace(
            states, operating=again.operating, learned=again.learned, watched=again.watched
        )

    def warm(self, connection: Connection, states: Sequence[FleetState]) -> FleetState:
        """States read from the store, with the tails their windows need. Machines whose state is
        of the same hour are read together."""
        whole = stack(states)
        if not self.compiled.lanes:
            return whole
        hours = whole.as_of // _HOUR_MS
        warmed = []
        for hour in np.unique(hours):
            group = whole.select(np.flatnonzero(hours == hour))
            if group.as_of[0] != NEVER:
                since = int(group.as_of.min()) - self.compiled.past_ms
                until = int(group.as_of.max()) + 1
                past = read_range(connection, self.plan, group.machine_id.tolist(), since, until)
                own = np.searchsorted(group.machine_id, past.machine_id)
                group = with_tails(
                    self.compiled, group, past.take(past.measured_at <= group.as_of[own])
                )
            warmed.append(group)
        return stack(warmed)

    def _samples(
        self, connection: Connection, batch: SampleBatch, work: Work, now: int
    ) -> list[AlarmChange]:
        machines = np.unique(batch.machine_id)
        state = self._known.states.take(machines.tolist())
        late = late_rows(state, batch)
        behind = np.unique(batch.machine_id[late])
        fresh = batch.take(~np.isin(batch.machine_id, behind)) if len(behind) else batch
        after, changes = fold(self.compiled, self._identities, state, fresh, taught=self.taught)
        work.states.append(after)
        if len(behind):
            rows = batch.take(np.isin(batch.machine_id, behind))
            states = state.select(np.searchsorted(machines, behind))
            refold = Refold(self, connection, states, rows, batch.take(late))
            self._put_right(connection, refold, work, now)
        return changes

    def _put_right(self, connection: Connection, refold: Refold, work: Work, now: int) -> None:
        """Fold machines with late rows again, and amend what was concluded without those."""
        after, changes = refold.run(self._identities, self._known.faults)
        work.states.append(after)
        work.checkpointed.update(refold.checkpointed)
        start = refold.start
        since = dict(zip(start.machine_id.tolist(), start.as_of.tolist(), strict=True))
        rules = set(self.compiled.condition_index) | self.compiled.learned_rules
        standing = list(self._standing(start))
        work.entries += self._reconciled(connection, since, rules, standing, changes, now)

    def _standing(self, state: FleetState) -> Iterable[tuple[Key, int]]:
        for row, index in np.argwhere(state.phase >= RAISED):
            rule = self.compiled.conditions[index].rule
            key = (int(state.machine_id[row]), rule.component, rule.id)
            yield key, int(state.raised_at[row, index])
        for machine, watched in zip(state.machine_id.tolist(), state.watched, strict=True):
            for own in watched:
                for raised in own.standing_alarms:
                    yield (machine, raised.component, raised.rule), raised.at

    def _reconciled(
        self,
        connection: Connection,
        since: dict[int, int],
        rules: set[str],
        standing: list[tuple[Key, int]],
        changes: Sequence[AlarmChange],
        now: int,
    ) -> list[Entry]:
        before = {machine: moment - self.longest_ms for machine, moment in since.items()}
        records = [one for one in alarms.after(connection, before) if one.rule in rules]
        holds = suppressions.of_machines(connection, since, min(before.values()))
        settings = {rule: self.setting(rule, now) for rule in rules}
        episodes = episodes_of(standing, changes)
        return reconcile(records, episodes, since, settings, self._explain, holds)

    def _reports(
        self,
        connection: Connection,
        reports: Sequence[FaultReport],
        seen: set[int],
        work: Work,
        now: int,
    ) -> list[AlarmChange]:
        by_machine: dict[int, list[FaultReport]] = {}
        for report in reports:
            by_machine.setdefault(report.machine_id, []).append(report)
        changes: list[AlarmChange] = []
        for machine in sorted(seen | set(by_machine)):
            state, own = self._known.faults[machine], by_machine.get(machine, [])
            if own and min(report.measured_at for report in own) <= state.as_of:
                state = self._put_faults_right(connection, machine, own, work, now)
            elif own:
                state, more = fold_faults(self.compiled, state, own)
                changes += more
            clock = self._as_of(machine, work)
            if state.active and clock > state.as_of:
                state, more = ripen(self.compiled, state, machine, clock)
                changes += more
            if state is not self._known.faults[machine]:
                work.faults[machine] = state
        return changes

    def _as_of(self, machine: int, work: Work) -> int:
        for state in work.states:
            place = int(np.searchsorted(state.machine_id, machine))
            if place < len(state) and state.machine_id[place] == machine:
                return int(state.as_of[place])
        return int(self._known.states.take([machine]).as_of[0])

    def _put_faults_right(
        self,
        connection: Connection,
        machine: int,
        reports: Sequence[FaultReport],
        work: Work,
        now: int,
    ) -> FaultState:
        oldest = min(report.measured_at for report in reports)
        before, stale = FaultState(), NEVER
        for saved in rule_state.checkpoints(connection, [machine]).get(machine, []):
            snapshot = load(self.compiled, machine, saved.state)
            if snapshot.faults.as_of < oldest:
                before = snapshot.faults
                break
            stale = saved.as_of
        if stale != NEVER:
            rule_state.forget_checkpoints(connection, {machine: stale})
        newest = max(self._known.faults[machine].as_of, max(r.measured_at for r in reports))
        again = rule_state.fault_reports(connection, machine, before.as_of)
        again = [report for report in again if report.measured_at <= newest]
        after, changes = fold_faults(self.compiled, before, again)
        after, ripe = ripen(self.compiled, after, machine, self._as_of(machine, work))
        standing = [
            ((machine, f"{self.plan.rule[rule].component}/{key}", rule), at)
            for (rule, key), at in before.raised.items()
        ]
        rules = {rule.id for rule in self.compiled.fault_rules}
        since = {machine: before.as_of}
        work.entries += self._reconciled(connection, since, rules, standing, [*changes, *ripe], now)
        return after

    def _booked(
        self, connection: Connection, changes: Sequence[AlarmChange], now: int
    ) -> list[Entry]:
        """The alarms that changes make of the live ones."""
        if not changes:
            return []
        machines = {change.machine_id for change in changes}
        since = min(change.at for change in changes) - self.longest_ms
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

    def _explain(self, change: AlarmChange) -> Account:
        who = self._identities[change.machine_id]
        return account_of(self.compiled, self.catalogue, who, change)

    def snapshot(self, machine: int, data: bytes) -> Snapshot:
        """A machine's stored state as this product's plan reads it."""
        return load(self.compiled, machine, data)
