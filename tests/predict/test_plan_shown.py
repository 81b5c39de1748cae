"""What condition, alarms and age say of a fitted part counts in the parts plan."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from fleet.wear import WearPart
from predict.demand.needs import worn
from predict.outlook import month_ends
from predict.plan.shown import days_of_age, hazard_beyond_use
from tests.small import wear_part

AT = datetime(2026, 3, 10, tzinfo=UTC)
ENDS = month_ends(round(AT.timestamp() * 1000))


def assessed(worn_by: float, plain_by: float) -> dict[str, Any]:
    """A part whose chance within the year is so high with what it shows, and so high without."""
    share = ENDS / ENDS[-1]
    return {"assessed_at": AT, "worn_by": list(worn_by * share), "plain_by": list(plain_by * share)}


def half_within(used: np.ndarray, more: np.ndarray) -> np.ndarray:
    """Lives that half of the parts end within every 100 of use."""
    return np.asarray(1.0 - 0.5 ** (more / 100))


def chances(beyond: np.ndarray | None) -> np.ndarray:
    ahead = np.full((1, 6), 10.0)
    return worn(half_within, np.zeros(1), ahead, [1.0], beyond)[0, 0]


def test_what_a_part_shows_adds_to_its_hazard_and_what_it_does_not_takes_away() -> None:
    days = np.arange(1, 7) * 30.0
    ill, well, silent = hazard_beyond_use(
        [assessed(0.9, 0.2), assessed(0.1, 0.5), {"assessed_at": None}], days
    )
    assert (ill > 0).all() and (np.diff(ill) > 0).all()
    assert (well < 0).all() and not silent.any()
    usual = chances(None)
    assert chances(ill[None])[0] > usual[0] > chances(well[None])[0] >= 0.0
    assert chances(np.zeros((1, 6))) == pytest.approx(usual)


def test_by_the_end_of_a_month_the_hazard_is_that_of_the_two_chances() -> None:
    row = assessed(0.9, 0.2)
    (found,) = hazard_beyond_use([row], ENDS)
    both = [-np.log(1 - np.array(row[name])) for name in ("worn_by", "plain_by")]
    assert found == pytest.approx(both[0] - both[1])


def test_a_part_that_is_too_old_is_asked_for() -> None:
    part = WearPart(**wear_part("hose", "left"), most_months=12)
    assert part.most_days is not None
    now_ms = round(AT.timestamp() * 1000)
    rows = [{"fitted_at": AT - timedelta(days=days)} for days in (10, 300, 900)]
    left = days_of_age(part, rows, now_ms)
    assert left == pytest.approx([part.most_days - 10, part.most_days - 300, 0.0])
    third = np.where(np.arange(6) >= 2, np.inf, 0.0)[None]
    by_month = chances(third)
    assert by_month[:2] == pytest.approx(chances(None)[:2])
    assert by_month[:3].sum() > 0.99
