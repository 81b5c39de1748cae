"""How fast machines use their parts: use per day of mean activity, with how sure that is.

What a machine did lately counts most; what little is known of it is filled up with its peers. The
doubt about the coming use has two sources: the machine's own pace is known from so many days only,
and days and jobs differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fleet.batch import FloatColumn, IntColumn
from fleet.clock import MS_PER_DAY
from predict.busy import AHEAD_DAYS, Busy

#: Work so long ago counts half.
HALF_LIFE_DAYS = 120.0
#: Sigma of the log of pace between machines of one product.
MACHINES_DIFFER = 0.4
#: Variance of the log of one day's use; jobs last weeks, so that it stands for more than a day.
DAYS_DIFFER = 3.0


@dataclass(frozen=True, slots=True)
class Paces:
    """Of m machines and k parts: weighed use `used` (m, k), and weighed days of activity it took
    (m,), NaN and 0 where nothing is known; `evidence` (m,) how many days that is worth."""

    used: FloatColumn
    active: FloatColumn
    evidence: FloatColumn


def paces(
    busy: Busy, at_ms: Sequence[IntColumn], totals: Sequence[FloatColumn], now_ms: int
) -> Paces:
    """Paces of machines in the order of `busy`: moments (s,) at which the `totals` (s, k) of use
    were known, in order of time; fewer than two moments say nothing."""
    width = max((each.shape[1] for each in totals), default=0)
    used = np.full((len(at_ms), width), np.nan)
    active, evidence = np.zeros(len(at_ms)), np.zeros(len(at_ms))
    for row, (moments, total) in enumerate(zip(at_ms, totals, strict=True)):
        if len(moments) < 2:
            continue
        age = (now_ms - moments[1:]) / MS_PER_DAY
        weight = 0.5 ** (np.maximum(age, 0.0) / HALF_LIFE_DAYS)
        one = np.full(1, row, dtype=np.int64)
        reached = busy.until(one, moments[None, :].astype(np.float64))[0]
        days = np.maximum(np.diff(reached), 0.0)
        used[row] = weight @ np.maximum(np.diff(total, axis=0), 0.0)
        active[row] = weight @ days
        squares = float(weight**2 @ days)
        evidence[row] = active[row] ** 2 / squares if squares > 0 else 0.0
    return Paces(used, active, evidence)


@dataclass(frozen=True, slots=True)
class Ahead:
    """Coming use of n fitted parts: `rate` (n,) per day of mean activity, `doubt` (n,) the
    variance of its log; `row` (n,) of `busy` from `now_ms` on. Parts that age by the calendar have
    `by_calendar` set: use a day, sure."""

    rate: FloatColumn
    doubt: FloatColumn
    row: IntColumn
    busy: Busy
    now_ms: int
    by_calendar: bool = False

    def activity(self, days: FloatColumn) -> FloatColumn:
        """Activity (n, k) within `days` (k,) from now."""
        if self.by_calendar:
            return np.broadcast_to(days, (len(self.rate), len(days)))
        moments = self.now_ms + np.concatenate([[0.0], days]) * MS_PER_DAY
        rows, owner = np.unique(self.row, return_inverse=True)
        reached = self.busy.until(rows, np.broadcast_to(moments, (len(rows), len(moments))))
        return np.asarray((reached[:, 1:] - reached[:, :1])[owner])

    def of(self, chosen: np.ndarray) -> Ahead:
        """That of the chosen parts, by mask."""
        rate, doubt, row = self.rate[chosen], self.doubt[chosen], self.row[chosen]
        return replace(self, rate=rate, doubt=doubt, row=row)

    def activity_since(self, place: int, at_ms: int) -> float:
        """Activity of the machine of the part at `place` from a moment in the past until now."""
        moments = np.array([[at_ms, self.now_ms]], dtype=np.float64)
        begun, now = self.busy.until(self.row[place : place + 1], moments)[0]
        return float(max(now - begun, 0.0))

    def days_until(self, use: float) -> float | None:
        """Days until the one part has been used so much, at the median; None beyond the horizon."""
        days = np.arange(1.0, AHEAD_DAYS + 1)
        reached = (self.rate[:1, None] * self.activity(days))[0]
        place = int(np.searchsorted(reached, use))
        return None if place == len(days) else float(np.interp(use, reached, days))

    def use(self, days: FloatColumn) -> tuple[FloatColumn, FloatColumn]:
        """Median use (n, k) within `days` (k,) and the sigma of its log."""
        active = self.activity(days)
        if self.by_calendar:
            return self.rate[:, None] * active, np.zeros(active.shape)
        with np.errstate(divide="ignore"):
            variance = self.doubt[:, None] + DAYS_DIFFER / np.maximum(active, 1e-9)
        # A day's work differs by its whole size, but no forecast is that bad.
        return self.rate[:, None] * active, np.sqrt(np.minimum(variance, 1.0))


def by_calendar(per_day: float, n: int, busy: Busy, now_ms: int) -> Ahead:
    """The coming use of n parts that age `per_day` whatever the machine does."""
    rows = np.zeros(n, dtype=np.int64)
    return Ahead(np.full(n, per_day), np.zeros(n), rows, busy, now_ms, by_calendar=True)


def rates(
    own: FloatColumn, active: FloatColumn, evidence: FloatColumn, peers: float
) -> tuple[FloatColumn, FloatColumn]:
    """Rate (n,) per day of activity and the variance of its log: weighed use `own` (n,) in
    `active` days worth `evidence`, filled up with the `peers'` rate (NaN: nobody's is known)."""
    known = np.isfinite(own) & (active > 0)
    worth = DAYS_DIFFER / MACHINES_DIFFER**2
    share = np.where(known, evidence / (evidence + worth), 0.0)
    alone = np.divide(own, active, out=np.zeros(len(own)), where=known)
    mixed = share * alone + (1 - share) * (0.0 if np.isnan(peers) else peers)
    rate = np.where(known & np.isnan(peers), alone, mixed)
    doubt = 1 / (1 / MACHINES_DIFFER**2 + np.where(known, evidence, 0.0) / DAYS_DIFFER)
    return rate, doubt


def peers_rate(own: FloatColumn, active: FloatColumn) -> float:
    """Mean use per day of activity over the machines of which it is known; NaN without any."""
    known = np.isfinite(own) & (active > 0)
    return float(own[known].sum() / active[known].sum()) if known.any() else float("nan")
