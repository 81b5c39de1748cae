"""What is normal for the fleet: machines of one product, region and regime, day by day.

A machine's day is the mean of an expression over its samples of one UTC day in some regimes; the
fleet's day is the median of its machines' days and their spread. The newest day that was over
USED_AFTER_MS before a sample is what the sample is compared with (up to a week before where the
fleet stood still): never one that was not counted yet when the sample came. The fold takes days
as data: they are counted once and do not change when data comes late (docs/rules.md), so
that live, in a refold and in a backtest a sample meets the same peers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from fleet.batch import FloatColumn
from fleet.clock import MS_PER_DAY, MS_PER_HOUR
from fleet.peer_day import PeerDay
from rules.condition import Identity
from rules.holding import Grid
from rules.remembered.gauges import PeerCall

#: Fewer machines are no fleet.
LEAST_MACHINES = 5
#: Known values that a machine's day needs.
LEAST_ROWS = 20
#: A day is counted so long after its end: most of what was offline has come by then.
COUNTED_AFTER_MS = 6 * MS_PER_HOUR
#: And so long after its end it is compared with: by then every worker has it.
USED_AFTER_MS = 8 * MS_PER_HOUR
#: A day older than this many days says nothing of today.
OLDEST_DAYS = 7
_DEVIATION = 1.4826


@dataclass(frozen=True)
class PeerDays:
    """The days that are known, by key and region."""

    days: Mapping[tuple[str, str], Mapping[int, PeerDay]] = field(default_factory=dict)

    @staticmethod
    def of(days: Iterable[PeerDay]) -> PeerDays:
        """These days, ready to be asked."""
        found: dict[tuple[str, str], dict[int, PeerDay]] = {}
        for one in days:
            found.setdefault((one.key, one.region), {})[one.day] = one
        return PeerDays(found)

    def before(self, key: str, region: str, day: int) -> PeerDay | None:
        """The newest day before `day` that counts."""
        known = self.days.get((key, region), {})
        for back in range(1, OLDEST_DAYS + 1):
            found = known.get(day - back)
            if found is not None and found.machines >= LEAST_MACHINES:
                return found
        return None

    def column(
        self, call: PeerCall, spread: bool, grid: Grid, who: Sequence[Identity]
    ) -> FloatColumn:
        """The level of the peers, or their spread, in every row, (n,); unknown where there are
        too few."""
        days = (grid.times - USED_AFTER_MS) // MS_PER_DAY
        begins = np.ones(len(days), bool)
        begins[1:] = (np.diff(days) != 0) | (np.diff(grid.machine) != 0)
        first = np.flatnonzero(begins)
        found = [
            self.before(call.key, who[machine].region, day)
            for machine, day in zip(grid.machine[first].tolist(), days[first].tolist(), strict=True)
        ]
        values = [np.nan if one is None else one.spread if spread else one.level for one in found]
        return np.repeat(np.array(values), np.diff(np.append(first, len(days))))


NO_PEERS = PeerDays()


def fleet_day(key: str, region: str, day: int, machines: Sequence[float]) -> PeerDay:
    """The fleet's day from its machines' days."""
    values = np.array(machines)
    if len(values) == 0:
        return PeerDay(key, region, day, 0.0, 0.0, 0)
    level = float(np.median(values))
    spread = float(_DEVIATION * np.median(np.abs(values - level)))
    return PeerDay(key, region, day, level, spread, len(values))
