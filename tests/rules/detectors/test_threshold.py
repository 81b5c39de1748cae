"""Hold, clear, return and grace, row by row."""

from __future__ import annotations

from collections.abc import Sequence

from rules.detectors.threshold import Phase, Standing, Threshold, level, start, step

LIMITS = Threshold(limit=1.0, hold=2, clear=0.5, clear_hold=3, returned=0.6, plateau=4, grace=2)


def _phases(scores: Sequence[float], standing: Standing | None = None) -> list[Phase]:
    standing = standing or Standing(Phase.QUIET)
    phases = []
    for score in scores:
        standing = step(LIMITS, standing, score)
        phases.append(standing.phase)
    return phases


def test_raised_only_after_the_hold() -> None:
    assert _phases([2, 0, 2, 2]) == [Phase.QUIET] * 3 + [Phase.ALARMED]


def test_cleared_only_after_the_clear_hold_below_the_clear_level() -> None:
    phases = _phases([2, 2, 0.7, 0.7, 0.7, 0.4, 0.4, 0.7, 0.4, 0.4, 0.4])
    assert phases[1:10] == [Phase.ALARMED] * 9
    assert phases[10] is Phase.QUIET


def test_hovering_at_the_limit_is_one_alarm() -> None:
    phases = _phases([1.1, 1.1] + [0.9, 1.1] * 20)
    assert phases[1:] == [Phase.ALARMED] * 41


def test_falling_well_below_the_alarm_is_a_return_with_a_grace() -> None:
    phases = _phases([9, 9, 9, 9, 9, 9, 9, 3, 3, 3, 9, 9])
    assert phases[8] is Phase.ALARMED
    assert phases[9:] == [Phase.RETURNED, Phase.RETURNED, Phase.QUIET]


def test_a_short_alarm_has_no_plateau_to_return_from() -> None:
    assert _phases([9, 9, 9, 3, 3, 3])[-1] is Phase.ALARMED


def test_coming_back_to_the_old_normal_needs_no_grace() -> None:
    assert _phases([9, 9, 9, 9, 9, 9, 0.1, 0.1, 0.1])[-1] is Phase.QUIET


def test_the_beginning_is_a_grace() -> None:
    assert _phases([9, 9, 9, 9], start(LIMITS)) == [
        Phase.SETTLING, Phase.QUIET, Phase.QUIET, Phase.ALARMED,
    ]  # fmt: skip
    assert start(Threshold(grace=0)).phase is Phase.QUIET


def test_the_level_in_force_is_the_one_that_decides() -> None:
    assert level(LIMITS, Standing(Phase.QUIET)) == 1.0
    assert level(LIMITS, Standing(Phase.ALARMED, alarmed_rows=2, alarmed_sum=18)) == 0.5
    assert level(LIMITS, Standing(Phase.ALARMED, alarmed_rows=5, alarmed_sum=50)) == 6.0
