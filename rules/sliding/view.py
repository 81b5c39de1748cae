"""Where windows begin among recent rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fleet.batch import IntColumn
from fleet.windows import Columns
from rules.holding import Rows
from rules.sheet import Sheet
from rules.sliding.recent import Recent, ragged

#: So many recent rows for each new one are worth a look at all of them.
_WORTH_A_LOOK = 8


class View:
    """One window of a lane in the n rows of a sheet: `since` (n,) it looks at what is later, from
    row `first` (n,) of the recent ones on. `fallen` are the rows that fell out since it began at
    `begun` (m,), machine by machine."""

    def __init__(
        self, recent: Recent, begun: IntColumn, rows: Rows, sheet: Sheet, window_ms: int
    ) -> None:
        grid = sheet.grid
        self.since = grid.times - window_ms
        self.first = _first_rows(recent.times, begun, rows, sheet, window_ms)
        gone = self.first[sheet.ends] - begun
        self.fallen = ragged(begun, gone)
        before = np.cumsum(gone) - gone
        self._until = (before - begun)[grid.machine] + self.first
        self._from = before[grid.machine]

    def fell(self, column: NDArray[np.int64]) -> NDArray[np.int64]:
        """What the rows that fell out until each row took with them, (n, k), of (fallen, k)."""
        total = np.zeros((len(column) + 1, column.shape[1]), np.int64)
        np.cumsum(column, axis=0, out=total[1:])
        return np.asarray(total[self._until] - total[self._from])


def _first_rows(
    times: IntColumn, begun: IntColumn, rows: Rows, sheet: Sheet, window_ms: int
) -> IntColumn:
    """For each of the new `rows` (n,) the first of its machine's, from `begun` (m,) on, that lies
    in the window. Many rows of few machines are laid side by side, few of many are not."""
    grid, lengths = sheet.grid, rows[sheet.ends] + 1 - begun
    if int(lengths.sum()) > _WORTH_A_LOOK * len(rows):
        return _first_after(times, begun[grid.machine], rows, grid.times - window_ms)
    starts = np.cumsum(lengths) - lengths
    moved = (starts - begun)[grid.machine]
    beside = Columns(times[ragged(begun, lengths)], starts, {}, asked=rows + moved)
    return np.asarray(beside.first_rows(window_ms) - moved)


def _first_after(times: IntColumn, low: Rows, high: Rows, since: IntColumn) -> Rows:
    """The first of the rows from `low` to `high` (n,) whose time is later than `since` (n,): that
    of `high` is. Steps of doubling length from `low`, as few rows fall out at a time."""
    found, reach = low.copy(), np.ones_like(low)
    behind = np.flatnonzero(times[low] <= since)
    while len(behind):  # found <= since, and the answer lies behind it
        ahead = np.minimum(found[behind] + reach[behind], high[behind])
        over = times[ahead] > since[behind]
        done = over & (ahead == found[behind] + 1)
        found[behind] = np.where(over & ~done, found[behind], ahead)
        reach[behind] = np.where(over, np.maximum(ahead - found[behind], 2) // 2, 2 * reach[behind])
        behind = behind[~done]
    return found
