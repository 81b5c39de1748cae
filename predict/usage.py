"""Use of wear parts from columns of samples: one pure fold, live and over history.

A counter's growth counts wherever it happened; running hours count only between samples no
further apart than the plan's `max_gap_s`. However a stream is cut, the use is the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FloatColumn, IntColumn, SampleBatch
from fleet.carry import NEVER, Carried, carry, hold_ms, known_columns, regime_signals, regimes
from fleet.clock import MS_PER_DAY, MS_PER_HOUR, MS_PER_S
from fleet.evaluate import evaluate
from fleet.expression import parse
from fleet.pace import pace_of
from fleet.plan import ProductPlan
from fleet.wear import Condition, WearPart
from fleet.windows import Columns
from predict.counters import Counter, Growth, grow


@dataclass(frozen=True, slots=True)
class MachineUsage:
    """What is known of one machine's use up to `as_of`, ms.

    `totals` use per wear part since the first sample `first_at`, in the driver's unit, whichever
    piece was fitted; `hours` the operating hours, reset-safe, `first_hours` at the first sample;
    `ignored` how many values of a counter could not be; `shown` what parts showed of their wear on
    the last day: (UTC day, samples, sum of values).
    """

    as_of: int
    first_at: int
    totals: dict[str, float] = field(default_factory=dict)
    hours: float | None = None
    first_hours: float | None = None
    counters: dict[str, Counter] = field(default_factory=dict)
    regime: str | None = None
    factors: dict[str, float] = field(default_factory=dict)
    last: dict[str, tuple[float, int]] = field(default_factory=dict)
    ignored: dict[str, int] = field(default_factory=dict)
    shown: dict[str, tuple[int, int, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Folded:
    """`states` after the last row of each machine, and `before` (machine, cut) the state ahead
    of the first row at or after the cut; None: nothing was known there yet."""

    states: dict[int, MachineUsage]
    before: dict[tuple[int, int], MachineUsage | None]


def needed_signals(plan: ProductPlan) -> tuple[str, ...]:
    """The signals that use is computed from, in column order."""
    names = {plan.hours_signal} | {p.driver.counter for p in plan.parts if p.driver.counter}
    names |= _carried_signals(plan)
    return tuple(key for key in plan.signal_keys if key in names)


def fold(
    plan: ProductPlan,
    states: Mapping[int, MachineUsage],
    batch: SampleBatch,
    cuts: Mapping[int, Sequence[int]],
) -> Folded:
    """`states` taken on over a batch ordered by machine and time, each moment once, all rows
    later than their machine's `as_of`.

    `cuts` are moments (ms) per machine at which the state is wanted; every UTC day that begins
    in the batch is a cut too. Signals of `needed_signals` that the batch lacks are unknown.
    """
    if not len(batch):
        return Folded({}, {})
    stretch = _Stretch(plan, states, batch)
    result: dict[int, MachineUsage] = {}
    before: dict[tuple[int, int], MachineUsage | None] = {}
    for index, machine in enumerate(stretch.machines.tolist()):
        start, stop = stretch.bounds[index], stretch.bounds[index + 1]
        wanted = _cut_rows(batch.measured_at[start:stop], cuts.get(machine, ()))
        state, row = states.get(machine), start
        for cut, place in wanted:
            if start + place > row:
                state = stretch.advance(state, index, row, start + place)
                row = start + place
            before[machine, cut] = state
        result[machine] = (
            state if row == stop and state else stretch.advance(state, index, row, stop)
        )
    return Folded(result, before)


def _cut_rows(times: IntColumn, cuts: Sequence[int]) -> Iterator[tuple[int, int]]:
    """(cut, number of rows before it), in order of time."""
    days = np.unique(times // MS_PER_DAY) * MS_PER_DAY
    moments = np.unique(np.concatenate([days, np.asarray(cuts, dtype=np.int64)]))
    places = np.searchsorted(times, moments, side="left")
    yield from zip(moments.tolist(), places.tolist(), strict=True)


class _Stretch:
    """A batch with everything that can be computed for all its rows at once."""

    def __init__(
        self, plan: ProductPlan, states: Mapping[int, MachineUsage], batch: SampleBatch
    ) -> None:
        self.plan, self.batch, self.times = plan, batch, batch.measured_at
        self.machines, starts = np.unique(batch.machine_id, return_index=True)
        self.starts = starts.astype(np.int64)
        self.bounds = [*starts.tolist(), len(batch)]
        self.index = np.repeat(np.arange(len(starts)), np.diff(self.bounds))
        self.known = [states.get(int(machine)) for machine in self.machines]
        self.carried = {name: self._carry(name) for name in sorted(_carried_signals(plan))}
        columns = known_columns(self.times, self.starts, self.carried)
        self.factors = {
            part.id: _factor(plan, part, columns) for part in plan.parts if part.driver.factor
        }
        self.regimes = regimes(plan, columns)
        counters = {p.driver.counter for p in plan.parts if p.driver.counter}
        self.growth = {name: self._grow(name) for name in counters | {plan.hours_signal}}
        self.use = {p.id: self._use(p) for p in plan.parts if not p.driver.age}
        self.shows = {p.id: self._shows(p.condition, columns) for p in plan.parts if p.condition}

    def advance(
        self, state: MachineUsage | None, index: int, start: int, stop: int
    ) -> MachineUsage:
        """`state` of the index-th machine after its rows start to stop - 1."""
        end = stop - 1
        totals = dict(state.totals) if state else {}
        for part, use in self.use.items():
            totals[part] = totals.get(part, 0.0) + float(use[start:stop].sum())
        counters = dict(state.counters) if state else {}
        ignored = dict(state.ignored) if state else {}
        for name, growth in self.growth.items():
            low, high = np.searchsorted(growth.rows, (start, stop)).tolist()
            if high > low:
                counters[name] = growth.counter_after(high - 1)
                if missed := int(growth.ignored[low:high].sum()):
                    ignored[name] = ignored.get(name, 0) + missed
        first_hours, hours = self._hours(state, start, stop)
        regime = int(self.regimes[end])
        return MachineUsage(
            as_of=int(self.times[end]),
            first_at=state.first_at if state else int(self.times[start]),
            totals=totals,
            hours=hours,
            first_hours=first_hours,
            counters=counters,
            regime=self.plan.regimes[regime].id if regime >= 0 else None,
            factors={part: float(factor[end]) for part, factor in self.factors.items()},
            last={
                name: (float(column.last[end]), int(column.last_at[end]))
                for name, column in self.carried.items()
                if column.last_at[end] != NEVER
            },
            ignored=ignored,
            shown=self._shown(state, start, stop),
        )

    def _shown(
        self, state: MachineUsage | None, start: int, stop: int
    ) -> dict[str, tuple[int, int, float]]:
        """What parts showed up to the last row's day; the rows lie within one."""
        day = int(self.times[start] // MS_PER_DAY)
        shown = dict(state.shown) if state else {}
        for part, column in self.shows.items():
            values = column[start:stop]
            known = np.isfinite(values)
            if not known.any():
                continue
            before = shown.get(part)
            samples, total = (before[1], before[2]) if before and before[0] == day else (0, 0.0)
            shown[part] = (day, samples + int(known.sum()), total + float(values[known].sum()))
        return shown

    def _shows(self, condition: Condition, columns: Columns) -> FloatColumn:
        """What a part shows in every row; NaN outside of its regimes."""
        names = [regime.id for regime in self.plan.regimes]
        wanted = [names.index(name) for name in condition.regimes]
        value = evaluate(parse(condition.shows, self.plan.signal), columns, {})
        return np.where(np.isin(self.regimes, wanted), value, np.nan)

    def _hours(
        self, state: MachineUsage | None, start: int, stop: int
    ) -> tuple[float | None, float | None]:
        growth = self.growth[self.plan.hours_signal]
        low, high = np.searchsorted(growth.rows, (start, stop)).tolist()
        first = state.first_hours if state else None
        hours = state.hours if state else None
        if high > low:
            if hours is None:
                first = hours = float(growth.values[low])
            hours += float(growth.grown[low:high].sum())
        return first, hours

    def _column(self, name: str) -> FloatColumn:
        if name in self.batch.signals:
            return self.batch.values[:, self.batch.signals.index(name)]
        return np.full(len(self.batch), np.nan)

    def _carry(self, name: str) -> Carried:
        last = [(s.last.get(name) if s else None) or (np.nan, NEVER) for s in self.known]
        return carry(
            self._column(name),
            self.times,
            self.starts,
            hold_ms(self.plan, name),
            np.array([value for value, _ in last]),
            np.array([at for _, at in last], dtype=np.int64),
        )

    def _grow(self, name: str) -> Growth:
        before = [state.counters.get(name) if state else None for state in self.known]
        return grow(self._column(name), self.times, self.index, before, pace_of(self.plan, name))

    def _use(self, part: WearPart) -> FloatColumn:
        """Use of `part` in every row, in its own unit."""
        factor = self.factors.get(part.id)
        if part.driver.counter is None:
            return self._hours_before(part) * self._earlier(factor, part)
        growth = self.growth[part.driver.counter]
        use = np.zeros(len(self.batch))
        use[growth.rows] = growth.grown * part.driver.per_count
        return use if factor is None else use * factor

    def _hours_before(self, part: WearPart) -> FloatColumn:
        """Hours since the machine's sample before, spent in the part's regimes; 0 over a gap."""
        gap = np.diff(self.times, prepend=self.times[:1])
        gap[self.starts] = [
            self.times[start] - state.as_of if state else 0
            for start, state in zip(self.starts, self.known, strict=True)
        ]
        counted = (gap <= self.plan.max_gap_s * MS_PER_S) & self._worked(part)
        return np.where(counted, gap / MS_PER_HOUR, 0.0)

    def _worked(self, part: WearPart) -> NDArray[np.bool_]:
        """Whether the sample before each row showed a regime that uses the part."""
        chosen = part.driver.hours
        uses = [
            r.running if chosen == "running" else r.id in (chosen or ()) for r in self.plan.regimes
        ]
        now = np.array([*uses, False])[self.regimes]
        worked = np.roll(now, 1)
        names = [r.id for r in self.plan.regimes]
        worked[self.starts] = [
            state is not None and state.regime in names and uses[names.index(state.regime)]
            for state in self.known
        ]
        return worked

    def _earlier(self, factor: FloatColumn | None, part: WearPart) -> FloatColumn | float:
        if factor is None:
            return 1.0
        earlier = np.roll(factor, 1)
        earlier[self.starts] = [s.factors.get(part.id, 1.0) if s else 1.0 for s in self.known]
        return earlier


def _carried_signals(plan: ProductPlan) -> frozenset[str]:
    texts = [p.driver.factor for p in plan.parts if p.driver.factor]
    texts += [p.condition.shows for p in plan.parts if p.condition]
    return regime_signals(plan).union(*(parse(text, plan.signal).names for text in texts))


def _factor(plan: ProductPlan, part: WearPart, columns: Columns) -> FloatColumn:
    """How much heavier than normal each row's use is; unknown counts as 1."""
    value = evaluate(parse(part.driver.factor or "1", plan.signal), columns, {})
    return np.where(np.isnan(value), 1.0, np.maximum(value, 0.0))
