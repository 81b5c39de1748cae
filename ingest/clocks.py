"""How far machines' clocks are from the time of receipt, and what of it is worth writing.

What a machine has measured arrives later: the smallest lag of what came is the way it took, and
what its clock is behind. So of each machine and batch the lag nearest to zero counts. Nearly always
that is current, which is written every ten minutes only.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fleet.batch import IntColumn
from store.clocks import CURRENT_MS, ClockNews

_CURRENT_EVERY_MS = 10 * 60_000
_OFF_EVERY_MS = 60_000
#: Times that no calendar has are as far off as these.
_FARTHEST_MS = 2**61

#: Machine -> (latest receipt, lag nearest to zero), ms.
Lags = dict[int, tuple[int, int]]


def lags_of(machine_id: IntColumn, measured_at: IntColumn, received_at: IntColumn) -> Lags:
    """The lags of samples, whether their times can be believed or not."""
    lag = received_at - np.clip(measured_at, -_FARTHEST_MS, _FARTHEST_MS)
    machines, place = np.unique(machine_id, return_inverse=True)
    latest = np.zeros(len(machines), np.int64)
    np.maximum.at(latest, place, received_at)
    behind = np.full(len(machines), 2 * _FARTHEST_MS)
    ahead = behind.copy()
    np.minimum.at(behind, place, np.where(lag >= 0, lag, 2 * _FARTHEST_MS))
    np.minimum.at(ahead, place, np.where(lag < 0, -lag, 2 * _FARTHEST_MS))
    nearest = np.where(behind <= ahead, behind, -ahead)
    rows = zip(machines.tolist(), latest.tolist(), nearest.tolist(), strict=True)
    return {machine: (at, lag) for machine, at, lag in rows}


class Clocks:
    """What one writer has told of clocks, and so what is news."""

    def __init__(self) -> None:
        self._current: dict[int, int] = {}
        self._off: dict[int, int] = {}

    def news(self, lags: Mapping[int, tuple[int, int]]) -> ClockNews:
        """What of the lags of a batch is to be written."""
        current, off = {}, {}
        for machine, (at, lag) in lags.items():
            if abs(lag) <= CURRENT_MS:
                if at - self._current.get(machine, 0) >= _CURRENT_EVERY_MS:
                    current[machine] = at
            elif at - self._off.get(machine, 0) >= _OFF_EVERY_MS:
                off[machine] = (at, lag)
        return ClockNews(current, off)

    def told(self, news: ClockNews) -> None:
        """It was committed. What is current after what was not is news at once."""
        self._current.update(news.current)
        for machine, (at, _) in news.off.items():
            self._off[machine] = at
            self._current.pop(machine, None)
