"""Use at past moments, as a parts plan of then needs it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from predict.plan.lives import seen_at, used_at

FITTED = datetime(2026, 1, 1)
UNTIL = FITTED + timedelta(days=100)


def row(used: float | None, used_before: float = 0.0) -> dict[str, object]:
    return {
        "fitted_at": FITTED,
        "used_before": used_before,
        "used": used,
        "removed_at": None,
        "removed_reason": None,
    }


@pytest.mark.parametrize(
    ("day", "use"), [(-5, 1000.0), (0, 1000.0), (25, 1100.0), (100, 1400.0), (130, 1400.0)]
)
def test_a_part_has_the_use_it_was_fitted_with_and_a_share_of_what_came_since(
    day: int, use: float
) -> None:
    at = FITTED + timedelta(days=day)
    assert used_at(row(1400.0, 1000.0), UNTIL, at) == pytest.approx(use)


def test_no_life_seen_from_the_past_ends_before_it_began() -> None:
    at = FITTED + timedelta(days=1)
    gone_later = {**row(1010.0, 1000.0), "removed_at": UNTIL, "removed_reason": "worn"}
    (seen,) = seen_at([gone_later], at)
    assert seen["used"] >= seen["used_before"]
    assert seen["removed_reason"] is None


def test_unknown_use_stays_unknown() -> None:
    assert used_at(row(None), UNTIL, UNTIL) is None
