"""When a score becomes an alarm and when the alarm ends: hold, clear, return, grace.

An alarm also ends when its score falls well below what it was while raised, without reaching the
old level: a machine seldom comes back exactly to where it was. What it comes back to is then
learned during a grace period in which nothing is judged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum


class Phase(Enum):
    """Where the judgement of one detector stands."""

    SETTLING = "settling"
    QUIET = "quiet"
    ALARMED = "alarmed"
    RETURNED = "returned"
    REPAIRED = "repaired"


@dataclass(frozen=True, slots=True)
class Threshold:
    """Limits on a score, durations in rows.

    Raised after `hold` rows above `limit`; cleared after `clear_hold` rows below `clear` times
    the limit, or below `returned` times the mean score of the alarm once that lasted `plateau`
    rows. No verdict for `grace` rows at the beginning and after a return.
    """

    limit: float = 1.6
    hold: int = 3
    clear: float = 0.8
    clear_hold: int = 10
    returned: float = 0.7
    plateau: int = 30
    grace: int = 30


@dataclass(frozen=True, slots=True)
class Standing:
    """The phase, rows `left` of a grace, the `run` of rows for a change, the alarm so far."""

    phase: Phase
    left: int = 0
    run: int = 0
    alarmed_rows: int = 0
    alarmed_sum: float = 0.0

    @property
    def alarmed(self) -> bool:
        return self.phase is Phase.ALARMED


def start(threshold: Threshold) -> Standing:
    """The standing of a detector that has seen nothing yet."""
    phase = Phase.SETTLING if threshold.grace else Phase.QUIET
    return Standing(phase, left=threshold.grace)


def level(threshold: Threshold, standing: Standing) -> float:
    """The score that decides now: above it raises, or while alarmed, below it clears."""
    if not standing.alarmed:
        return threshold.limit
    cleared = threshold.limit * threshold.clear
    if standing.alarmed_rows <= threshold.plateau:
        return cleared
    return max(cleared, threshold.returned * standing.alarmed_sum / standing.alarmed_rows)


def step(threshold: Threshold, standing: Standing, score: float) -> Standing:
    """The standing after a row with this score."""
    if standing.left > 1:
        return replace(standing, left=standing.left - 1)
    if standing.phase is Phase.REPAIRED:
        return Standing(Phase.RETURNED, left=threshold.grace)
    if standing.phase in (Phase.SETTLING, Phase.RETURNED):
        return Standing(Phase.QUIET)
    if standing.phase is Phase.QUIET:
        run = standing.run + 1 if score > threshold.limit else 0
        if run < threshold.hold:
            return Standing(Phase.QUIET, run=run)
        return Standing(Phase.ALARMED)
    standing = replace(
        standing,
        alarmed_rows=standing.alarmed_rows + 1,
        alarmed_sum=standing.alarmed_sum + score,
    )
    run = standing.run + 1 if score < level(threshold, standing) else 0
    if run < threshold.clear_hold:
        return replace(standing, run=run)
    if score < threshold.limit * threshold.clear or not threshold.grace:
        return Standing(Phase.QUIET)
    return Standing(Phase.RETURNED, left=threshold.grace)
