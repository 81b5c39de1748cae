"""Where the learned detectors of a machine stand: which judge it, and which still learn. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rules.compiled import CompiledPlan, DetectorRule
from rules.detectors.live import Taught
from rules.detectors.regime import REGIME_THRESHOLD
from rules.detectors.threshold import Phase
from rules.detectors.watched import Watched
from rules.state import FleetState

#: `untaught`: its fleet is not long enough known. `learning`: this machine is learned and not
#: judged, at its beginning, after an alarm that went or after a repair.
State = Literal["untaught", "learning", "judging", "alarmed"]


@dataclass(frozen=True, slots=True)
class DetectorStanding:
    """One detector on one machine: its rule, its state, `left` stretches of `every_ms` of work in
    the rule's regimes until it judges, by how many `machines` of its fleet it was taught, how many
    stretches of this machine's `own` it knows, and the signals it goes `without`, as their sensors
    are at fault."""

    rule: str
    state: State
    left: int
    every_ms: int
    machines: int
    own: int
    without: tuple[str, ...]


def standings(
    compiled: CompiledPlan, taught: Taught, model: str, state: FleetState, now: int
) -> list[DetectorStanding]:
    """The detectors of the one machine in `state`, in the order of the plan; `now` in ms."""
    (watched,) = state.watched
    return [
        _standing(detector, taught, model, own, now)
        for detector, own in zip(compiled.detectors, watched, strict=True)
    ]


def _standing(
    detector: DetectorRule, taught: Taught, model: str, own: Watched, now: int
) -> DetectorStanding:
    rule, normal = detector.rule.id, taught.normal(detector.rule.id, model, now)
    known = round(own.state.age) if own.state is not None else 0
    if normal is None:
        return DetectorStanding(rule, "untaught", 0, detector.every_ms, 0, known, ())
    told: State = "judging"
    left = own.standing.left
    if own.standing.alarmed:
        told = "alarmed"
    elif own.standing.phase is not Phase.QUIET:
        told = "learning"
        if own.standing.phase is Phase.REPAIRED:  # settles first, and is learned then
            left += REGIME_THRESHOLD.grace
    without = tuple(sorted(name for name in own.faulty))
    return DetectorStanding(rule, told, left, detector.every_ms, normal.machines, known, without)
