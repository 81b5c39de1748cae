"""Windows of machine time that slide on with the rows that come.

What a window says is kept as a few numbers of each machine. New rows are added to them, and those
that fell out of the window taken away: so a window of a day costs no more than one of a minute.
Sums are exact, as those of fleet.windows, whose values these are; only where the least or greatest
row itself falls out, the window is looked through again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from fleet.batch import FloatColumn, IntColumn
from fleet.evaluate import evaluate
from rules.compiled import CompiledPlan
from rules.condition import Params, per_row
from rules.sheet import Sheet
from rules.sliding.ends import change
from rules.sliding.extremes import extremes
from rules.sliding.laid import Laid
from rules.sliding.lanes import CallKey, Group, WindowCall
from rules.sliding.sums import average, count, growth, hours

#: The windows of a group in every row, (n, k), and their numbers afterwards, (m, k, f).
Fold = Callable[[Laid, Group], tuple[FloatColumn, FloatColumn]]
_FOLDS: Mapping[str, Fold] = {
    "avg": average,
    "low": extremes,
    "high": extremes,
    "delta": change,
    "rate": change,
    "count": count,
    "hours": hours,
    "growth": growth,
}


@dataclass(frozen=True, slots=True)
class Slid:
    """The windows in every row of a sheet, (n,) by call, and `sliding` and `places` of its
    machines after it; see FleetState."""

    windows: Mapping[CallKey, FloatColumn]
    sliding: FloatColumn
    places: IntColumn


def slide(compiled: CompiledPlan, sheet: Sheet, params: Sequence[Params]) -> Slid:
    """Fold a sheet's rows into the windows of its machines; `params` are those of each condition.
    The rows are added to what is recent."""
    before = sheet.before
    sliding, places = before.sliding.copy(), before.places.copy()
    windows: dict[CallKey, FloatColumn] = {}
    arguments = _Arguments(sheet, params)
    for lane, recent in zip(compiled.lanes, before.recent, strict=True):
        laid = Laid(lane, recent, sheet, arguments.of, compiled.max_gap_ms)
        for group in lane.groups:
            values, after = _FOLDS[group.function](laid, group)
            sliding[:, group.slots] = after.reshape(len(before), -1)
            windows |= {call.key: values[:, i] for i, call in enumerate(group.calls)}
        places[:, lane.places] = laid.places
    return Slid(windows, sliding, places)


class _Arguments:
    """What windows look at, computed once for all that look at the same."""

    def __init__(self, sheet: Sheet, params: Sequence[Params]) -> None:
        self._sheet, self._params = sheet, params
        self._found: dict[CallKey, FloatColumn] = {}

    def of(self, call: WindowCall) -> FloatColumn:
        key = call.argument.text, call.owner
        found = self._found.get(key)
        if found is None:
            own = {} if call.owner is None else self._params[call.owner]
            own = per_row(own, self._sheet.grid.machine)
            found = self._found[key] = evaluate(call.argument, self._sheet.columns, own)
        return found
