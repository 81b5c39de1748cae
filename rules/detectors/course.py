"""A finding of a learned detector over time: what was seen, and what was expected, stretch by
stretch. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fleet.batch import FloatColumn, IntColumn, SampleBatch
from rules.compiled import CompiledPlan
from rules.detectors.live import Taught
from rules.detectors.past import past_of
from rules.detectors.regime import Normal

#: Signals that are drawn, those that carry most.
MOST_DRAWN = 3


@dataclass(frozen=True, slots=True)
class SignalCourse:
    """`seen` and `expected` (n,) in the signal's unit, NaN where unknown; of a `fluctuation`, both
    are standard deviations within stretches. `share` of the finding."""

    signal: str
    fluctuation: bool
    share: float
    seen: FloatColumn
    expected: FloatColumn


@dataclass(frozen=True, slots=True)
class Course:
    """The stretches of a machine around a finding; `end_ms` (n,)."""

    end_ms: IntColumn
    signals: tuple[SignalCourse, ...]


def course_of(
    compiled: CompiledPlan,
    taught: Taught,
    model: str,
    learned: Mapping[str, Any],
    batch: SampleBatch,
) -> Course | None:
    """The signals that carry a finding, in the samples of one machine; `learned` is its evidence.

    What was expected follows the operating point as the lesson that raised it says, and is moved
    to the machine's own place as it was then. None where that lesson is not known any more.
    """
    rule = learned["detector"]
    normal = taught.version(rule, model, learned["learned_ms"])
    detector = next((one for one in compiled.detectors if one.rule.id == rule), None)
    seen = past_of(compiled, batch).get(rule)
    if normal is None or detector is None or seen is None:
        return None
    if not set(normal.features) <= set(detector.features):
        return None
    q = len(detector.features)
    place = {name: at for at, name in enumerate(detector.features)}
    inputs = seen.rows[:, q:]
    expected = normal.point.expected(inputs)
    expected[[not normal.point.knows(one) for one in inputs]] = np.nan
    then = _expected_then(normal, learned)
    signals = [
        SignalCourse(
            one["signal"],
            one["fluctuation"],
            one["share"],
            seen.rows[:, place[name]],
            _possible(expected[:, at] + one["expected"] - then[at], one["fluctuation"]),
        )
        for one, name, at in _drawn(normal, learned["signals"])
    ]
    return Course(seen.end_ms, tuple(signals))


def _possible(expected: FloatColumn, fluctuation: bool) -> FloatColumn:
    """Nothing fluctuates by less than nothing."""
    return np.maximum(expected, 0.0) if fluctuation else expected


def _expected_then(normal: Normal, learned: Mapping[str, Any]) -> FloatColumn:
    """What the operating point of the finding let one expect of machines in general."""
    return normal.point.expected(np.array([learned["operating_point"][k] for k in normal.inputs]))


def _drawn(
    normal: Normal, told: Sequence[Mapping[str, Any]]
) -> list[tuple[Mapping[str, Any], str, int]]:
    """The first signals of a finding that its lesson knows, as feature and its number."""
    named = [(one, f"~{one['signal']}" if one["fluctuation"] else one["signal"]) for one in told]
    known = [(one, name) for one, name in named if name in normal.features]
    return [(one, name, normal.features.index(name)) for one, name in known[:MOST_DRAWN]]
