"""The rows of a sheet laid behind the recent ones of a lane."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FloatColumn
from fleet.rises import Earlier, earlier, rises
from rules.holding import Rows
from rules.sheet import Sheet
from rules.sliding.lanes import ADDING, Group, Lane, WindowCall
from rules.sliding.recent import WINDOWS, Recent
from rules.sliding.view import View


class Laid:
    """n rows of m machines: `looked` (n, columns) what windows look at, `added` what is kept of
    it, as recent `rows` (n,); `places` are those of the machines afterwards. `argument` gives what
    a call looks at, (n,)."""

    def __init__(
        self,
        lane: Lane,
        recent: Recent,
        sheet: Sheet,
        argument: Callable[[WindowCall], FloatColumn],
        gap_ms: int,
    ) -> None:
        self.recent, self.sheet, self.gap_ms = recent, sheet, gap_ms
        self.times, self.starts = sheet.grid.times, sheet.grid.starts
        self.machine, self.ends = sheet.grid.machine, sheet.ends
        self.looked = np.empty((len(self.times), lane.columns))
        for column, call in enumerate(lane.arguments):
            self.looked[:, column] = argument(call)
        self.added = self.looked.copy()
        for group in lane.groups:
            if group.function in ADDING:
                self.added[:, group.columns] = self._adding(group)
        counts = np.diff(np.append(self.starts, len(self.times)))
        places = sheet.before.places[:, lane.places]
        self.places, self.rows = recent.append(places, counts, self.times, self.added)
        self._views = []
        for i, window_ms in enumerate(lane.windows):
            view = View(recent, self.places[:, WINDOWS + i], self.rows, sheet, window_ms)
            self.places[:, WINDOWS + i] = view.first[self.ends]
            self._views.append(view)

    def view(self, group: Group) -> View:
        return self._views[group.window]

    def held(self, group: Group) -> FloatColumn:
        """A group's numbers before the rows, (m, k, f)."""
        return self.sheet.before.sliding[:, group.slots].reshape(len(self.starts), *group.shape)

    def kept(self, *columns: NDArray[np.generic]) -> FloatColumn:
        """Numbers (n, k) as they are in the last rows, (m, k, f)."""
        return np.stack([column[self.ends] for column in columns], axis=2).astype(np.float64)

    def fallen(self, group: Group) -> FloatColumn:
        """What was kept of the rows that fell out of a group's window, (fallen, k)."""
        return np.asarray(self.recent.values[self.view(group).fallen[:, None], group.columns])

    def last_known(
        self, group: Group, held: FloatColumn, held_at: FloatColumn
    ) -> tuple[FloatColumn, FloatColumn]:
        """The last known argument up to each row and its time, (n, k); `held` (m, k) and its time
        that before them."""
        looked = self.looked[:, group.columns]
        own = np.where(np.isnan(looked), -1, np.arange(len(looked))[:, None])
        place = np.maximum.accumulate(own, axis=0)
        inside = place >= self.starts[self.machine][:, None]
        value = np.take_along_axis(looked, np.maximum(place, 0), axis=0)
        at = np.where(inside, self.times[place], held_at[self.machine])
        return np.where(inside, value, held[self.machine]), at

    def beside(self, column: int, low: Rows, high: Rows) -> tuple[FloatColumn, FloatColumn]:
        """The recent rows from each of `low` (r,) to before `high`, each a row of (r, longest): of
        a column, NaN behind the end, and their times."""
        rows = low[:, None] + np.arange(int((high - low).max()))
        inside = rows < high[:, None]
        rows = np.where(inside, rows, low[:, None])
        values = np.where(inside, self.recent.values[rows, column], np.nan)
        return values, self.recent.times[rows].astype(np.float64)

    def _adding(self, group: Group) -> FloatColumn:
        """What each row adds, (n, k): a change to true, milliseconds, or a rise."""
        held, looked = self.held(group), self.looked[:, group.columns]
        if group.function == "hours":
            before = _shifted(looked, self.starts, held[..., 1])
            step = np.diff(self.times, prepend=0)
            step[self.starts] = self.times[self.starts] - self.sheet.before.as_of
            counted = ~np.isnan(before) & (before != 0) & (step <= self.gap_ms)[:, None]
            return np.where(counted, step[:, None], 0).astype(np.float64)
        if group.function == "growth":
            return self._rises(group)
        value, at = self.last_known(group, held[..., 1], held[..., 2])
        before = _shifted(value, self.starts, held[..., 1])
        before_at = _shifted(at, self.starts, held[..., 2])
        near = before_at > (self.times - group.window_ms)[:, None]
        edge = ~np.isnan(looked) & (looked != 0) & (before == 0) & near
        return np.asarray(edge.astype(np.float64))

    def earlier(self, group: Group, call: int) -> Earlier:
        """What was known ahead of each row of the counter that a `growth` looks at."""
        carried = Earlier(*self.held(group)[:, call, 4:].T).take(self.machine)
        values = self.looked[:, group.columns[call]]
        return earlier(values, self.times, self.starts[self.machine], carried)

    def _rises(self, group: Group) -> FloatColumn:
        found = np.empty((len(self.times), len(group.calls)))
        for i, call in enumerate(group.calls):
            values, was = self.looked[:, group.columns[i]], self.earlier(group, i)
            near = was.before_at > self.times - group.window_ms
            was = replace(was, before=np.where(near, was.before, np.nan))
            rise = rises(values, self.times, was, call.pace)
            found[:, i] = np.where(np.isnan(values), np.nan, rise)
        return found


def _shifted(column: FloatColumn, starts: Rows, first: FloatColumn) -> FloatColumn:
    """What stood in the row before, (n, k); `first` (m, k) before the first of each machine."""
    before = np.concatenate((column[:1], column[:-1]))
    before[starts] = first
    return before
