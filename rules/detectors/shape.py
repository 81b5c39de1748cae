"""What every detector is: scoring, learning and the limit are three things.

A detector scores and learns; it knows no limit (threshold.py) and keeps no state of its own:
the state goes in and comes out, so that a stream may be cut anywhere. The shape follows the
anomaly detectors of river (score_one, learn_one, a filter around them).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from fleet.batch import FloatColumn

Concern = Literal["machine", "sensor"]
State = TypeVar("State")


@dataclass(frozen=True, slots=True)
class Score:
    """How far from normal one row is.

    `value` is 0 or more; 1 is as far as normal rows that were kept aside do get. `shares` (p,)
    says which signals carry it: 0 or more each, summing to 1, or all 0 where nothing is known.
    """

    value: float
    shares: FloatColumn


class Detector(Protocol[State]):
    """Scores rows (p,) of `signals` in their own units; NaN is a value that is not there."""

    @property
    def signals(self) -> tuple[str, ...]:
        """The columns of a row, in order."""
        ...

    @property
    def concerns(self) -> Concern:
        """Whose ticket a finding is: the machine's or the sensor's."""
        ...

    def begin(self) -> State:
        """The state before the first row."""
        ...

    def observe(self, state: State, row: FloatColumn) -> State:
        """Take one row in. What is normal does not change by this."""
        ...

    def score(self, state: State) -> Score:
        """How far from normal the latest row is, with those before it that still count."""
        ...

    def learn(self, state: State) -> State:
        """Let what was observed last count as normal, a little."""
        ...

    def adopt(self, state: State, first: bool) -> State:
        """Learn a new normal quickly, after an alarm went back; `first` begins a new one."""
        ...
