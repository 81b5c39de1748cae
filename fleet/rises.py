"""What a counter counted: the sum of its rises, less what it cannot have counted.

A fall is a new beginning and no use. A rise that the counter cannot have made is none either, and
where it was a single wild value, what came next is compared with the value before it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FloatColumn, IntColumn
from fleet.pace import Pace


@dataclass(frozen=True, slots=True)
class Earlier:
    """What was known ahead of each of n rows, columns (n,), NaN where nothing was: the `last` value
    and when it was said last, and the one `before`, which was another, and when that was said
    last; ms since 1970 UTC as floating-point numbers."""

    last: FloatColumn
    last_at: FloatColumn
    before: FloatColumn
    before_at: FloatColumn

    @classmethod
    def nothing(cls, rows: int) -> Earlier:
        """Ahead of so many rows nothing was known."""
        unknown = np.full(rows, np.nan)
        return cls(unknown, unknown, unknown, unknown)

    def take(self, rows: NDArray[np.intp]) -> Earlier:
        """The same of these rows."""
        return Earlier(self.last[rows], self.last_at[rows], self.before[rows], self.before_at[rows])

    def behind(self, values: FloatColumn, times: IntColumn) -> Earlier:
        """What is known behind the same rows, with their own values (n,) and times (n,)."""
        known = ~np.isnan(values)
        news = known & (values != self.last)
        return Earlier(
            np.where(known, values, self.last),
            np.where(known, times, self.last_at),
            np.where(news, self.last, self.before),
            np.where(news, self.last_at, self.before_at),
        )


def earlier(
    values: FloatColumn, times: IntColumn, first: NDArray[np.intp], carried: Earlier
) -> Earlier:
    """What was known ahead of each row: of its own series, which begins with the row `first` (n,),
    and of what is `carried` into that."""
    rows = np.arange(len(values))
    known = ~np.isnan(values)
    last = _up_to_row_before(known, rows)
    inside = last >= first
    value = np.where(inside, values[last], carried.last)
    at = np.where(inside, times[last], carried.last_at)
    # The run of equal values that ends ahead of a row began where something else was said.
    begun = _up_to_row_before(known & (values != value), rows)
    other = begun >= first
    before = np.where(other, value[begun], carried.before)
    return Earlier(value, at, before, np.where(other, at[begun], carried.before_at))


def rises(values: FloatColumn, times: IntColumn, was: Earlier, pace: Pace) -> FloatColumn:
    """What a counter counted up to each row (n,) since the value ahead of it."""
    rise, since_before = values - was.last, values - was.before
    odd = ~_possible(was.last - was.before, was.last_at - was.before_at, pace)
    back = odd & _possible(since_before, times - was.before_at, pace)
    counted = _possible(rise, times - was.last_at, pace)
    return np.where(counted, rise, np.where(back, since_before, 0.0))


def _up_to_row_before(flags: NDArray[np.bool_], rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """The newest flagged row ahead of each row, -1 where there is none."""
    newest = np.maximum.accumulate(np.where(flags, rows, -1))
    return np.concatenate(([-1], newest[:-1]))[: len(rows)]


def _possible(rise: FloatColumn, elapsed_ms: FloatColumn, pace: Pace) -> NDArray[np.bool_]:
    """Whether a counter can have risen so much; since nobody knows when, it can."""
    return np.asarray((rise >= 0) & ((rise <= pace.most(elapsed_ms)) | np.isnan(elapsed_ms)))
