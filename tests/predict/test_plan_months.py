"""Calendar months made of a plan's months of 30 days."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson

from predict.plan.calendar_months import calendar_months

DAYS = st.dates(date(2024, 1, 1), date(2028, 12, 31))


def at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 9, tzinfo=UTC)


@given(day=DAYS)
def test_calendar_months_hold_each_day_once(day: date) -> None:
    months = calendar_months(at(day), 6)
    assert months[0].first == day.replace(day=1)
    days = [round(30 * sum(share for _, share in month.shares)) for month in months]
    whole = [monthrange(month.first.year, month.first.month)[1] for month in months]
    assert days == [whole[0] - day.day + 1, *whole[1:]]
    # As long as the plan's months last, they are given out whole.
    given_out = np.zeros(6)
    for month in months:
        for number, share in month.shares:
            given_out[number] += share
    assert given_out[:5] == pytest.approx(np.ones(5))


def test_demand_that_comes_evenly_stays_poisson() -> None:
    """Three pieces in 30 days, from 22 November on: nine days are left of it."""
    months = [np.asarray(poisson.pmf(np.arange(40), 3.0))] * 6
    rest, december = calendar_months(at(date(2026, 11, 22)), 2)
    for month, days in ((rest, 9), (december, 31)):
        pmf = month.of(months)
        assert pmf == pytest.approx(poisson.pmf(np.arange(len(pmf)), 3 * days / 30), abs=1e-6)
    assert december.first - rest.first == timedelta(days=30)
