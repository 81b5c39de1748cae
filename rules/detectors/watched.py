"""What is kept of a machine and a detector between batches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from fleet.batch import FloatColumn
from rules.compiled import DetectorRule
from rules.detectors.regime import REGIME_THRESHOLD, RegimeState
from rules.detectors.threshold import Phase, Standing

#: The number of a stretch that never was.
NO_STRETCH = -1
#: Whose alarm it is on its machine: rule and component.
Key = tuple[str, str]
#: A machine begins with a grace, in which it is learned and not judged.
BEGINNING = Standing(Phase.RETURNED, left=REGIME_THRESHOLD.grace)


@dataclass(frozen=True, slots=True)
class Raised:
    """An alarm that stands: under which rule and component, since when; ms."""

    rule: str
    component: str
    since: int
    at: int

    @property
    def key(self) -> Key:
        """Rule and component."""
        return self.rule, self.component


@dataclass(frozen=True, slots=True)
class Watched:
    """What is kept of one machine and one detector between batches. `taught` is the version of
    the Normal that `state` is in terms of, 0 before there was one; `since` when the score began
    to be high; `as_of` the end of the last stretch judged; `still` (q,) for how many stretches
    each level stood still, `silent` for how many each, and each input, told nothing, of those that
    ever did tell anything; `faulty` the sensors with an alarm of either, by signal; `repaired` the
    newest repair that was heard of."""

    taught: int = 0
    state: RegimeState | None = None
    standing: Standing = BEGINNING
    since: int = 0
    as_of: int = 0
    raised: Raised | None = None
    still: tuple[int, ...] = ()
    faulty: Mapping[str, Raised] = field(default_factory=dict)
    repaired: int = 0
    silent: Mapping[str, int] = field(default_factory=dict)

    @property
    def standing_alarms(self) -> list[Raised]:
        """The alarms that stand."""
        return [*([] if self.raised is None else [self.raised]), *self.faulty.values()]

    def told_as(self, first: Mapping[Key, Raised]) -> Watched:
        """The same with its alarms as they were told first, by rule and component."""
        raised = None if self.raised is None else first[self.raised.key]
        faulty = {name: first[one.key] for name, one in self.faulty.items()}
        return replace(self, raised=raised, faulty=faulty)


@dataclass(frozen=True, slots=True)
class Suspect:
    """A sensor that delivered what cannot be true (rules.detectors.implausible): `level` of the
    suspicion, ms of work; its newest reading `at`; `since` when it began, how many such values came
    since and between which two they lay; its alarm, where that stands."""

    level: int
    at: int
    since: int
    count: int
    low: float
    high: float
    raised: Raised | None = None

    @property
    def standing_alarms(self) -> list[Raised]:
        """The alarm, where it stands."""
        return [] if self.raised is None else [self.raised]

    def told_as(self, first: Mapping[Key, Raised]) -> Suspect:
        """The same with its alarm as it was told first, by rule and component."""
        return self if self.raised is None else replace(self, raised=first[self.raised.key])


#: The suspects of one machine, by signal.
Suspects = Mapping[str, Suspect]


def nothing_open(detector: DetectorRule) -> FloatColumn:
    """The open stretch of a machine that was never in the regime, (detector.open_width,)."""
    return np.concatenate(([NO_STRETCH], no_sums(len(detector.columns))))


def no_sums(columns: int) -> FloatColumn:
    """Of columns without a row: how many known values there are, their sum and sum of squares, the
    least and the largest."""
    return np.repeat([0.0, 0.0, 0.0, np.inf, -np.inf], columns)


#: Of a machine nothing was seen of.
NOTHING_WATCHED = Watched()
