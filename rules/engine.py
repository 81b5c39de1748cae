"""The rules as one pure function: state and columns in, state and alarm changes out.

The same function runs live, in a backtest and in the tests beside the plans. However a stream
is cut into batches, the changes are the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FloatColumn, SampleBatch
from fleet.calls import text_of
from fleet.carry import first_true
from fleet.evaluate import evaluate
from fleet.expression import Expression
from rules.changes import AlarmChange
from rules.compiled import CompiledPlan
from rules.condition import Identity, Params, per_row
from rules.detectors.implausible import fold_suspects
from rules.detectors.live import NOTHING_TAUGHT, Taught, fold_detectors
from rules.detectors.union import as_one
from rules.holding import Grid, RuleState, Transition, step
from rules.remembered.baselines import standing
from rules.remembered.peers import PeerDays
from rules.remembered.recall import Recall
from rules.result import change_of, state_after
from rules.sheet import Sheet, sheet_of
from rules.sliding.lanes import CallKey
from rules.sliding.slide import slide
from rules.state import NO_REGIME, RAISED, FleetState, empty_state


@dataclass(frozen=True, slots=True)
class _Outcome:
    """One rule folded over a sheet: its state after, and what was raised and cleared."""

    state: RuleState
    transitions: list[Transition]


@dataclass(frozen=True, slots=True)
class Judged:
    """A batch folded: the state of its machines before and after, the changes, the moments of the
    batch in order of machine and time, and the index of the regime in each."""

    before: FleetState
    state: FleetState
    changes: list[AlarmChange]
    grid: Grid
    regime: NDArray[np.int16]


def fold(
    compiled: CompiledPlan,
    identities: Mapping[int, Identity],
    state: FleetState,
    batch: SampleBatch,
    taught: Taught = NOTHING_TAUGHT,
) -> tuple[FleetState, list[AlarmChange]]:
    """Fold a batch over the state of its machines.

    Every machine of the batch stands in `state`; each (machine, time) stands in the batch once,
    after the machine's `as_of`: late rows are the caller's (see rules.alarms.late). `identities` is
    asked only where a rule has overrides, compares with peers, learns or counts since a service;
    `taught` is what detectors learned from the fleet, and its days. Returns the new state of the
    batch's machines, by machine id, and the changes by machine and time.
    """
    judged = judge(compiled, identities, state, batch, taught)
    return judged.state, judged.changes


def judge(
    compiled: CompiledPlan,
    identities: Mapping[int, Identity],
    state: FleetState,
    batch: SampleBatch,
    taught: Taught = NOTHING_TAUGHT,
) -> Judged:
    """The same, with the regimes on the way."""
    if len(batch) == 0:
        none = state.select([])
        nowhere = np.empty(0, np.int64)
        return Judged(none, none, [], Grid(nowhere, nowhere, nowhere), nowhere.astype(np.int16))
    sheet = sheet_of(compiled, state, batch)
    regime = first_true(compiled.regimes, sheet.columns).astype(np.int16)
    machines = sheet.before.machine_id.tolist()
    who = _who(compiled, identities, sheet)
    params = [rule.params(who) for rule in compiled.conditions]
    slid = slide(compiled, sheet, params)
    after, changes = _Fold(compiled, sheet, regime, who, params, slid.windows, taught.peers).run()
    suspects, found = fold_suspects(compiled, sheet, regime)
    watched, still_open = sheet.before.watched, sheet.before.open
    if compiled.detectors:
        known = [(machine, identities.get(machine)) for machine in machines]
        watched, still_open, more = fold_detectors(
            compiled, taught, known, watched, still_open, sheet.grid, sheet.columns.values, regime
        )
        found = [*found, *more]
    after = replace(
        after, watched=watched, open=still_open, suspects=suspects, sliding=slid.sliding,
        places=slid.places,
    )  # fmt: skip
    if found:
        after, found = as_one(sheet.before, after, found)
        order = {rule.id: i for i, rule in enumerate(compiled.plan.rules)}
        changes = sorted(
            [*changes, *found], key=lambda one: (one.machine_id, one.at, order[one.rule])
        )
    return Judged(sheet.before, after, changes, sheet.grid, regime)


def with_windows(
    compiled: CompiledPlan,
    identities: Mapping[int, Identity],
    state: FleetState,
    past: SampleBatch,
) -> FleetState:
    """A state read back from the store, which does not keep windows, with its windows.

    `past` are the machines' rows of the last `compiled.past_ms` up to and with their `as_of`.
    """
    if not compiled.lanes or len(past) == 0:
        return state
    sheet = sheet_of(compiled, empty_state(compiled, state.machine_id.tolist()), past)
    who = _who(compiled, identities, sheet)
    slid = slide(compiled, sheet, [rule.params(who) for rule in compiled.conditions])
    sliding, places = state.sliding.copy(), state.places.copy()
    own = np.searchsorted(state.machine_id, sheet.before.machine_id)
    sliding[own], places[own] = slid.sliding, slid.places
    return replace(state, sliding=sliding, places=places, recent=sheet.before.recent)


def _who(
    compiled: CompiledPlan, identities: Mapping[int, Identity], sheet: Sheet
) -> list[Identity]:
    """Who the sheet's machines are, where any rule asks."""
    gauges = compiled.gauges
    overridden = any(condition.rule.overrides for condition in compiled.conditions)
    if overridden or gauges.peers or gauges.baselines or gauges.tallies:
        return [identities[machine] for machine in sheet.before.machine_id.tolist()]
    return []


class _Fold:
    """All rules over one sheet: first those that compare with nothing learned, then those that
    do, again until judging and learning agree."""

    def __init__(
        self,
        compiled: CompiledPlan,
        sheet: Sheet,
        regime: NDArray[np.int16],
        who: list[Identity],
        params: list[Params],
        windows: Mapping[CallKey, FloatColumn],
        peers: PeerDays,
    ) -> None:
        self.compiled, self.sheet, self.regime, self.params = compiled, sheet, regime, params
        self._windows = windows
        self._allowed: dict[tuple[int, ...], FloatColumn] = {}
        self._here = np.zeros(len(compiled.regimes) + 1, bool)  # the last is NO_REGIME's
        self._here[regime] = True
        self.recall = Recall(compiled, sheet, regime, who, peers, self._argument)
        self.outcomes: dict[int, _Outcome] = {}

    def run(self) -> tuple[FleetState, list[AlarmChange]]:
        learning = self.compiled.gauges.learning
        for i in range(len(self.compiled.conditions)):
            if i not in learning:
                self.outcomes[i] = self._judge(i)
        if learning:
            self._learn_and_judge(sorted(learning))
        changes = [change for i in sorted(self.outcomes) for change in self._changes(i)]
        order = self.compiled.condition_index
        changes.sort(key=lambda change: (change.machine_id, change.at, order[change.rule]))
        rules = [self.outcomes[i].state for i in sorted(self.outcomes)]
        return state_after(self.compiled, self.sheet, self.regime, rules, self.recall), changes

    def _learn_and_judge(self, learning: list[int]) -> None:
        """Learn and judge until neither changes the other: what is learned in a row depends on
        what was judged in earlier ones alone, so every round is right for longer."""
        gauges, rules = self.compiled.gauges.baselines, self.compiled.conditions
        about = frozenset[str]().union(*(gauge.components for gauge in gauges))
        plain = {
            i: self._stood(i, outcome)
            for i, outcome in self.outcomes.items()
            if rules[i].rule.component in about
        }
        raised = {
            i: (self.sheet.before.phase[:, i] >= RAISED)[self.sheet.grid.machine] for i in learning
        }
        self.recall.learn(gauges, plain, raised)
        due = learning
        while due:
            found = {}
            for i in due:
                self.outcomes[i] = self._judge(i)
                found[i] = self._stood(i, self.outcomes[i])
            changed = {i for i in due if not np.array_equal(found[i], raised[i])}
            raised |= found
            stale = [gauge for gauge in gauges if changed & set(gauge.users)]
            moved = self.recall.learn(stale, plain, raised)
            due = sorted({user for gauge in moved for user in gauge.users})

    def _stood(self, index: int, outcome: _Outcome) -> NDArray[np.bool_]:
        before = self.sheet.before.phase[:, index] >= RAISED
        moves = [(change.row, change.raised) for change in outcome.transitions]
        return standing(before, moves, self.sheet.grid)

    def _argument(self, expression: Expression, owner: int | None) -> FloatColumn:
        return self._compute(expression, owner, {})

    def _judge(self, index: int) -> _Outcome:
        rule, before = self.compiled.conditions[index], self.sheet.before
        state = RuleState(
            before.phase[:, index], before.since[:, index],
            before.known[:, index], before.raised_at[:, index],
        )  # fmt: skip
        known = self.recall.columns(index)
        if rule.regimes is not None and not self._here[[*rule.regimes, NO_REGIME]].any():
            when = np.zeros(len(self.regime))  # the guard alone says no
        else:
            when = self._guarded(self._compute(rule.when, index, known), rule.regimes)

        def clear() -> FloatColumn:
            return self._compute(rule.clear, index, known)

        holds = rule.hold_ms, rule.clear_hold_ms, self.compiled.max_gap_ms
        return _Outcome(*step(state, when, clear, self.sheet.grid, *holds))

    def _guarded(self, when: FloatColumn, regimes: tuple[int, ...] | None) -> FloatColumn:
        """The condition and its guard, in Kleene's logic; an unknown regime is unknown."""
        if regimes is None:
            return when
        allowed = self._allowed.get(regimes)
        if allowed is None:
            guard = np.zeros(len(self._here))
            guard[list(regimes)] = 1.0
            guard[NO_REGIME] = np.nan
            allowed = self._allowed[regimes] = guard[self.regime]
        return np.where((allowed == 0) | (when == 0), 0.0, when * allowed)

    def _compute(
        self, expression: Expression, owner: int | None, known: Mapping[str, FloatColumn]
    ) -> FloatColumn:
        """The expression in every row of the batch, with the parameters of the condition `owner`;
        `known` is what it remembers."""
        columns = self.sheet.columns
        windows = self._windows_of(expression, owner)
        if windows or known:
            columns = replace(columns, values={**columns.values, **known, **windows})
        params = {} if owner is None else self.params[owner]
        return evaluate(expression, columns, per_row(params, self.sheet.grid.machine))

    def _windows_of(self, expression: Expression, owner: int | None) -> dict[str, FloatColumn]:
        """The windows of machine time that an expression looks at, by the text of the call."""
        return {key[0]: self._windows[key] for key in self.compiled.windows(expression, owner)}

    def _changes(self, index: int) -> Iterator[AlarmChange]:
        outcome, rule = self.outcomes[index], self.compiled.conditions[index]
        if not outcome.transitions:
            return
        known = self.recall.columns(index)
        told = {text: known[text] for text in map(text_of, rule.when.remembered)}
        told |= self._windows_of(rule.when, index)
        for change in outcome.transitions:
            yield change_of(rule, self.compiled, self.sheet, self.regime, change, told)
