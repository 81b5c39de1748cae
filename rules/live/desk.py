"""One product's rules at work: states kept in memory, read from and written to the store.

Everything happens on the connection of one transaction. What was learnt is kept in memory only
by `commit`, after the transaction has committed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fleet.batch import FaultReport, SampleBatch
from fleet.plan import Catalogue
from rules.alarms.booking import Booking, standing_in
from rules.alarms.disowned import held_as_raised, without, without_codes
from rules.alarms.late import late_rows
from rules.changes import AlarmChange
from rules.codec import load
from rules.compiled import compile_plan
from rules.condition import Identity
from rules.engine import fold
from rules.faults import FaultState, fold_faults, ripen, standing_codes
from rules.live.keeping import Known, Work, keep
from rules.live.knowledge import Knowledge
from rules.live.known_before import identities_of
from rules.live.refold import Refold
from rules.live.restored import Restorer
from rules.live.showing import show, show_states
from rules.state import NEVER, Memory
from store import alarms, rule_state
from store.connection import Connection


class Desk:
    """The rules of one product."""

    def __init__(self, catalogue: Catalogue, product: str, *, as_it_came: bool = False) -> None:
        self.plan = catalogue.plans[product]
        self.compiled = compile_plan(self.plan)
        self._known = Known(Memory(self.compiled))
        self._identities: dict[int, Identity] = {}
        self._knowledge = Knowledge(self.compiled)
        self._restorer = Restorer(self.compiled, self._identities, self._knowledge)
        self.booking = Booking(catalogue, self.compiled, self._identities, as_it_came=as_it_came)

    def forget_identities(self) -> None:
        """Ask the registry anew: a machine may have moved to another region, or was repaired, or
        its fleet has taught something."""
        self._identities.clear()
        self._knowledge.forget()

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
        self._load(connection, machines, now)
        changes: list[AlarmChange] = []
        if batch is not None and len(batch):
            changes += self._samples(connection, batch, work, now)
        changes += self._reports(connection, reports, seen, work, now)
        work.entries += self.booking.book(connection, changes, now)
        keep(connection, self.compiled, self._known, work)
        return work

    def commit(self, work: Work) -> None:
        """Keep what a committed transaction learnt."""
        self._known.take_over(work)

    def show(self, connection: Connection, share: float = 1.0) -> None:
        """Write what is known now of machines that have moved on: a share of them, those that wait
        for longest. Where the transaction fails, the desk is to be given up."""
        show(connection, self.compiled, self._known, share)

    def _load(self, connection: Connection, machines: Sequence[int], now: int) -> None:
        """Have the states of machines in memory, read from the store where they are not."""
        strange = [machine for machine in machines if machine not in self._identities]
        if strange:
            self._identities |= identities_of(connection, self.plan, strange)
        missing = self._known.states.lacks(machines)
        if missing:
            states, faults = self._restorer.states(connection, missing, now)
            self._known.states.put(states)
            self._known.faults.update(faults)
            self._known.checkpointed.update(rule_state.last_checkpoints(connection, missing))
        if strange:
            self._disown(connection, strange)

    def _disown(self, connection: Connection, machines: Sequence[int]) -> None:
        """Begin anew with alarms that something else than the data of these machines closed."""
        states = self._known.states.take(machines)
        faults = {machine: self._known.faults[machine] for machine in machines}
        held = held_as_raised(self.compiled, states, faults)
        if not held:
            return
        closed = held - alarms.standing_keys(connection, {machine for machine, _, _ in held})
        concerned = sorted({machine for machine, _, _ in closed})
        states = without(self.compiled, self._known.states.take(concerned), closed)
        self._known.states.put(states)
        for machine, as_of in zip(concerned, states.as_of.tolist(), strict=True):
            own = without_codes(self.compiled, machine, faults[machine], as_of, closed)
            self._known.faults[machine] = own

    def _samples(
        self, connection: Connection, batch: SampleBatch, work: Work, now: int
    ) -> list[AlarmChange]:
        machines = np.unique(batch.machine_id)
        state = self._known.states.take(machines.tolist())
        late = late_rows(state, batch)
        behind = np.unique(batch.machine_id[late])
        fresh = batch.take(~np.isin(batch.machine_id, behind)) if len(behind) else batch
        changes: list[AlarmChange] = []
        if len(fresh):
            taught = self._knowledge.covering(connection, int(fresh.measured_at.min()), now)
            after, changes = fold(self.compiled, self._identities, state, fresh, taught=taught)
            work.states.append(after)
        if len(behind):
            rows = batch.take(np.isin(batch.machine_id, behind))
            states = state.select(np.searchsorted(machines, behind))
            refold = Refold(
                connection, self.compiled, self._identities, states, rows, batch.take(late)
            )
            self._put_right(connection, refold, work, now)
        return changes

    def _put_right(self, connection: Connection, refold: Refold, work: Work, now: int) -> None:
        """Fold machines with late rows again, and amend what was concluded without those."""
        taught = self._knowledge.covering(connection, refold.first_row, now)
        after, changes = refold.run(self._known.faults, taught)
        work.states.append(after)
        # At once: their newest moment may be the same, and who takes over goes by that.
        show_states(connection, self.compiled, after)
        work.checkpointed.update(refold.checkpointed)
        start = refold.start
        since = dict(zip(start.machine_id.tolist(), start.as_of.tolist(), strict=True))
        rules = set(self.compiled.condition_index) | self.compiled.learned_rules
        standing = standing_in(self.compiled, start)
        work.entries += self.booking.put_right(connection, since, rules, standing, changes, now)

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
        again = rule_state.fault_reports(connection, machine, before.as_of, newest)
        after, changes = fold_faults(self.compiled, before, again)
        after, ripe = ripen(self.compiled, after, machine, self._as_of(machine, work))
        standing = standing_codes(self.compiled, machine, before)
        rules = {rule.id for rule in self.compiled.fault_rules}
        since = {machine: before.as_of}
        work.entries += self.booking.put_right(
            connection, since, rules, standing, [*changes, *ripe], now
        )
        return after
