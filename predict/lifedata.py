"""What is known of lives that ended, and of those that go on: the data life models learn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fleet.batch import FloatColumn
from fleet.errors import IronpulseError

BoolColumn = NDArray[np.bool_]


class LifeDataError(IronpulseError):
    """Life data that cannot be right."""


@dataclass(frozen=True, slots=True)
class Lives:
    """Lives of n parts of one kind, in the part's unit.

    `end` (n,) is the use at which a part was worn out or last seen; `failed` (n,) tells which:
    False is right-censored (still working, or replaced early). `start` (n,) is the use a part had
    when it came into view: those that ended before it were never seen (late entry). `count` (n,)
    parts share the row. `covariates` (n, k), one column per name.
    """

    end: FloatColumn
    failed: BoolColumn
    start: FloatColumn
    count: FloatColumn
    covariates: NDArray[np.float64]
    names: tuple[str, ...] = ()

    @property
    def failures(self) -> int:
        """Lives that were seen to end."""
        return round(float(self.count[self.failed].sum()))

    @property
    def total(self) -> int:
        """Lives, ended or not."""
        return round(float(self.count.sum()))


def lives(
    end: ArrayLike,
    failed: ArrayLike,
    *,
    start: ArrayLike | None = None,
    count: ArrayLike | None = None,
    covariates: ArrayLike | None = None,
    names: tuple[str, ...] = (),
) -> Lives:
    """Lives from columns; see `Lives`. Rows of zero count say nothing and go, as do lives never
    seen in use: one that ended where it came into view would count as if it had ended at once.

    Raises LifeDataError if a life ends before it began, or a number is missing.
    """
    ends = np.asarray(end, dtype=np.float64)
    n = len(ends)
    starts = np.zeros(n) if start is None else np.asarray(start, dtype=np.float64)
    counts = np.ones(n) if count is None else np.asarray(count, dtype=np.float64)
    x = np.asarray(covariates, dtype=np.float64).reshape(n, -1) if names else np.zeros((n, 0))
    if x.shape[1] != len(names):
        raise LifeDataError(
            f"The lives have {x.shape[1]} covariates and {len(names)} names; give one name each."
        )
    _require(ends, starts, counts, x)
    ended = np.asarray(failed, dtype=bool)
    say = (ends > starts) & (counts > 0)
    return Lives(ends[say], ended[say], starts[say], counts[say], x[say], names)


def _require(
    end: FloatColumn, start: FloatColumn, count: FloatColumn, x: NDArray[np.float64]
) -> None:
    finite = np.isfinite(end) & np.isfinite(start) & np.isfinite(count) & np.isfinite(x).all(axis=1)
    if not finite.all():
        row = int(np.argmin(finite))
        raise LifeDataError(
            f"Life {row + 1} has a missing number; leave out lives of which use is unknown."
        )
    wrong = (start < 0) | (end < start) | (count < 0)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise LifeDataError(
            f"Life {row + 1} runs from {start[row]:g} to {end[row]:g}, {count[row]:g} times; "
            "a life ends at or after its beginning, and neither is negative."
        )
