"""When fitted parts will be worn out: what is left of their lives met with the use that is coming.

Life and coming use are both uncertain, and so the chance to be worn out by a day is the mean over
both. Everything else (dates, the chances by month that a parts plan adds up) is read off it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from fleet.batch import FloatColumn
from fleet.clock import MS_PER_DAY
from predict.busy import AHEAD_DAYS
from predict.life import LifeModel
from predict.pace import Ahead

#: Levels at which what is left of a life is kept.
LEVELS = np.concatenate(
    [
        [0.001, 0.003, 0.01, 0.02, 0.035, 0.05, 0.075],
        np.linspace(0.1, 0.9, 33),
        [0.925, 0.95, 0.965, 0.98, 0.99, 0.997, 0.999],
    ]
)
#: Days at which chances are computed: closer at first.
DAYS = np.concatenate(
    [[1.0, 2, 4], np.arange(7, 183, 7), np.arange(196, AHEAD_DAYS, 14), [AHEAD_DAYS]]
)
#: Months of which the chance is kept: the rest of this one and so many more.
MONTHS_AHEAD = 12
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(5)
_SHARES = _WEIGHTS / _WEIGHTS.sum()


def left_of(model: LifeModel, used: FloatColumn) -> FloatColumn:
    """Remaining use (n, levels) of parts of one kind that have lasted `used` (n,)."""
    return np.column_stack([model.quantiles(used, float(level)) for level in LEVELS])


@dataclass(frozen=True, slots=True)
class Outlook:
    """Of n fitted parts: `left` (n, levels) of their life in the part's unit, and the `chance`
    (n, days) to be worn out within each of DAYS. `ends` (n,) days until a part is as old as it may
    become (inf: any age): it is due then, whatever is left of it."""

    left: FloatColumn
    chance: FloatColumn
    ends: FloatColumn

    def left_at(self, level: float) -> FloatColumn:
        """Remaining use that a share `level` of such parts does not reach, (n,)."""
        return self.left[:, int(np.argmin(np.abs(LEVELS - level)))]

    def within(self, days: FloatColumn) -> FloatColumn:
        """Chance (n, k) to be worn out within `days` (k,) from now."""
        known_days = np.concatenate([[0.0], DAYS])
        known = np.column_stack([np.zeros(len(self.chance)), self.chance])
        place = np.clip(np.searchsorted(known_days, days) - 1, 0, len(DAYS) - 1)
        along = (days - known_days[place]) / (known_days[place + 1] - known_days[place])
        along = np.clip(along, 0.0, 1.0)
        worn = known[:, place] * (1 - along) + known[:, place + 1] * along
        return np.where(np.asarray(days) >= self.ends[:, None], 1.0, worn)

    def day_at(self, level: float) -> FloatColumn:
        """Days (n,) until the chance reaches `level`; inf beyond the horizon."""
        known_days = np.concatenate([[0.0], DAYS])
        known = np.column_stack([np.zeros(len(self.chance)), self.chance])
        place = np.minimum((known < level).sum(axis=1), len(DAYS))
        rows = np.arange(len(known))
        low, high = known[rows, np.maximum(place - 1, 0)], known[rows, place]
        step = known_days[place] - known_days[np.maximum(place - 1, 0)]
        along = np.divide(level - low, high - low, out=np.zeros(len(low)), where=high > low)
        days = known_days[np.maximum(place - 1, 0)] + np.clip(along, 0.0, 1.0) * step
        return np.minimum(np.where(known[:, -1] < level, np.inf, days), self.ends)


def outlook(left: FloatColumn, ahead: Ahead, ends: FloatColumn | None = None) -> Outlook:
    """The outlook of n parts with so much `left` (n, levels) of their life and this use `ahead`,
    and so many days until age `ends` them (n,)."""
    use, sigma = ahead.use(DAYS)
    chance = np.zeros(use.shape)
    for node, share in zip(_NODES, _SHARES, strict=True):
        chance += share * share_below(left, use * np.exp(sigma * node))
    never = np.full(len(left), np.inf) if ends is None else ends
    return Outlook(left, np.maximum.accumulate(chance, axis=1), never)


def share_below(left: FloatColumn, use: FloatColumn) -> FloatColumn:
    """Chance (n, k) that a life with `left` (n, levels) is over within `use` (n, k), linear between
    the levels; beyond the last one it grows to 1 over as much again."""
    n = len(left)
    bounds = np.column_stack([np.zeros(n), left, 2 * left[:, -1:] + 1e-9])
    shares = np.concatenate([[0.0], LEVELS, [1.0]])
    # Every part's bounds on a stretch of their own of one long rising line.
    top = float(bounds[:, -1].max()) if n else 1.0
    offset = np.arange(n)[:, None] * (2 * top + 1)
    clipped = np.minimum(use, bounds[:, -1:])
    place = np.searchsorted((bounds + offset).ravel(), (clipped + offset).ravel(), side="right")
    place = np.clip(
        place.reshape(use.shape) - np.arange(n)[:, None] * bounds.shape[1] - 1,
        0,
        bounds.shape[1] - 2,
    )
    low = np.take_along_axis(bounds, place, axis=1)
    high = np.take_along_axis(bounds, place + 1, axis=1)
    along = np.divide(clipped - low, high - low, out=np.ones(use.shape), where=high > low)
    return np.asarray(shares[place] + (shares[place + 1] - shares[place]) * along)


def month_ends(now_ms: int, months: int = MONTHS_AHEAD) -> FloatColumn:
    """Days (months + 1,) from now to the end of this calendar month (UTC) and of the next ones."""
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    ends = []
    for ahead in range(1, months + 2):
        year, month = divmod(now.month - 1 + ahead, 12)
        ends.append(datetime(now.year + year, month + 1, 1, tzinfo=UTC))
    return np.array([(end - now).total_seconds() * 1000 / MS_PER_DAY for end in ends])
