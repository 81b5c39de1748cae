"""What the rules remember, for one sheet: windows of operating hours, counts since a service,
baselines and peers as columns, and the numbers to keep."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FloatColumn, IntColumn
from fleet.expression import Expression
from rules.compiled import CompiledPlan
from rules.condition import Identity
from rules.remembered.baselines import Learned, block_ms, learn, repairs_of
from rules.remembered.gauges import BINS, Gauge
from rules.remembered.op_windows import fold_meter
from rules.remembered.operating import Bins, bins_of, operating_clock
from rules.remembered.peers import PeerDays
from rules.remembered.tallies import fold_tally, services_of
from rules.sheet import Sheet

#: Computes a gauge's argument in every row, with the parameters of its owner.
Compute = Callable[[Expression, int | None], FloatColumn]


class Recall:
    """The gauges of a plan folded over one sheet. `operating` (m,) and `learned` (m, k) are the
    numbers after it. `compute` is not kept: it is the fold's, which holds this, and a circle would
    keep the sheet in memory for as long as the garbage collector likes."""

    def __init__(
        self,
        compiled: CompiledPlan,
        sheet: Sheet,
        regime: NDArray[np.int16],
        who: Sequence[Identity],
        peers: PeerDays,
        compute: Compute,
    ) -> None:
        self._compiled, self._sheet, self._regime, self._who = compiled, sheet, regime, who
        self._clock = operating_clock(compiled, sheet, regime)
        self.operating: IntColumn = self._clock[sheet.ends]
        self.learned = sheet.before.learned.copy()
        self._bins: dict[int, Bins] = {}
        gauges = compiled.gauges
        self._windows = {one.key: self._meter(one, compute) for one in gauges.meters}
        self._windows |= {one.key: self._tally(one, compute) for one in gauges.tallies}
        self._values = {one.key: self._argument(one, compute) for one in gauges.baselines}
        self._baselines: dict[str, Learned] = {}
        self._peers = {
            index: {
                text: peers.column(call, text.startswith("peer_spread"), sheet.grid, who)
                for text, call in calls.items()
            }
            for index, calls in gauges.peers.items()
        }

    def columns(self, index: int) -> Mapping[str, FloatColumn]:
        """What a condition remembers, by the text of the call."""
        found = dict(self._peers.get(index, {}))
        for text, gauges in self._compiled.gauges.uses.get(index, {}).items():
            if gauges[0].function == "baseline":
                found[text] = self._baseline(gauges, spread=text.startswith("spread"))
            else:
                found[text] = self._windows[gauges[0].key]
        return found

    def learn(
        self,
        gauges: Sequence[Gauge],
        unwell: Mapping[int, NDArray[np.bool_]],
        alarmed: Mapping[int, NDArray[np.bool_]],
    ) -> list[Gauge]:
        """Fold baselines; returns those that are something else in any row than they were.

        `unwell` are the rows in which alarms of the other rules stood, `alarmed` those of the
        rules that compare with baselines; by condition.
        """
        conditions = self._compiled.conditions
        moved = []
        for gauge in gauges:
            ill = [
                rows
                for i, rows in unwell.items()
                if conditions[i].rule.component in gauge.components
            ]
            found = learn(
                gauge,
                self._values[gauge.key],
                self._sheet,
                self._cut(block_ms(gauge)),
                _any(ill, len(self._clock)),
                _any([alarmed[i] for i in gauge.users], len(self._clock)),
                [repairs_of(gauge, who) for who in self._who],
            )
            before = self._baselines.get(gauge.key)
            if before is None or not found.same_as(before):
                moved.append(gauge)
            self._baselines[gauge.key] = found
            self.learned[:, gauge.slots] = found.after
        return moved

    def _cut(self, width: int) -> Bins:
        if width not in self._bins:
            self._bins[width] = bins_of(self._sheet, self._clock, width)
        return self._bins[width]

    def _argument(self, gauge: Gauge, compute: Compute) -> FloatColumn:
        values = compute(gauge.argument, gauge.owner)
        if gauge.regimes is None:
            return values
        inside = np.zeros(len(self._compiled.regimes) + 1, bool)
        inside[list(gauge.regimes)] = True
        return np.where(inside[self._regime], values, np.nan)

    def _meter(self, gauge: Gauge, compute: Compute) -> FloatColumn:
        bins = self._cut(max(gauge.span_ms // BINS, 1))
        column, after = fold_meter(
            gauge, self._argument(gauge, compute), self._sheet, self._clock, bins,
            self._compiled.max_gap_ms,
        )  # fmt: skip
        self.learned[:, gauge.slots] = after
        return column

    def _tally(self, gauge: Gauge, compute: Compute) -> FloatColumn:
        done = [services_of(gauge, who) for who in self._who]
        values, gap_ms = self._argument(gauge, compute), self._compiled.max_gap_ms
        column, after = fold_tally(gauge, values, self._sheet, done, gap_ms)
        self.learned[:, gauge.slots] = after
        return column

    def _baseline(self, gauges: Sequence[Gauge], *, spread: bool) -> FloatColumn:
        """The baseline of each row's regime; unknown in regimes the rule is not about."""
        result = np.full(len(self._clock), np.nan)
        for gauge in gauges:
            learned = self._baselines[gauge.key]
            column = learned.spread if spread else learned.level
            if gauge.regimes is None:
                return column
            here = self._regime == gauge.regimes[0]
            result[here] = column[here]
        return result


def _any(masks: Sequence[NDArray[np.bool_]], rows: int) -> NDArray[np.bool_]:
    result = np.zeros(rows, bool)
    for mask in masks:
        result |= mask
    return result
