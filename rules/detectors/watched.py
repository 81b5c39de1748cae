"""What is kept of a machine and a detector between batches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from fleet.batch import FloatColumn
from rules.compiled import DetectorRule
from rules.detectors.regime import REGIME_THRESHOLD, RegimeState
from rules.detectors.threshold import Phase, Standing

NO_STRETCH = -1
#: A machine begins with a grace, in which it is learned and not judged.
BEGINNING = Standing(Phase.RETURNED, left=REGIME_THRESHOLD.grace)


@dataclass(frozen=True, slots=True)
class OpenStretch:
    """The stretch a machine is in: its number, and of each column (c,) how many known values
    there were in the regime, their sum and sum of squares, the least and the largest."""

    number: int
    count: FloatColumn
    total: FloatColumn
    squares: FloatColumn
    low: FloatColumn
    high: FloatColumn


@dataclass(frozen=True, slots=True)
class Raised:
    """An alarm that stands: under which rule and component, since when; ms."""

    rule: str
    component: str
    since: int
    at: int


@dataclass(frozen=True, slots=True)
class Watched:
    """What is kept of one machine and one detector between batches. `taught` is the version of
    the Normal that `state` is in terms of, 0 before there was one; `since` when the score began
    to be high; `as_of` the end of the last stretch judged; `still` (q,) for how many stretches
    each level stood still; `stuck` the sensors that are, by feature; `repaired` the newest repair
    that was heard of."""

    open: OpenStretch
    taught: int = 0
    state: RegimeState | None = None
    standing: Standing = BEGINNING
    since: int = 0
    as_of: int = 0
    raised: Raised | None = None
    still: tuple[int, ...] = ()
    stuck: Mapping[str, Raised] = field(default_factory=dict)
    repaired: int = 0

    def with_open(self, stretch: OpenStretch) -> Watched:
        """The same in another open stretch; made for each machine of each batch, so not by
        `replace`, which takes several times as long."""
        return Watched(
            stretch, self.taught, self.state, self.standing, self.since, self.as_of, self.raised,
            self.still, self.stuck, self.repaired,
        )  # fmt: skip

    @property
    def standing_alarms(self) -> list[Raised]:
        """The alarms that stand."""
        return [*([] if self.raised is None else [self.raised]), *self.stuck.values()]


def nothing_open(columns: int) -> OpenStretch:
    """Of a machine that was never in the regime."""
    zeros, inf = np.zeros(columns), np.full(columns, np.inf)
    return OpenStretch(NO_STRETCH, zeros, zeros, zeros, inf, -inf)


def nothing_watched(detector: DetectorRule) -> Watched:
    """Of a machine nothing was seen of."""
    return Watched(nothing_open(len(detector.columns)))
