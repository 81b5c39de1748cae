"""When services are due, and when a part is worth ordering."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from fleet.clock import to_ms
from predict.alerts import needs, threshold_of
from predict.busy import busy
from predict.life import PlanLife
from predict.outlook import left_of, outlook
from predict.pace import Ahead, by_calendar
from predict.services import Meter, due_services, lead_h
from store.wear import DueService
from tests.predict.plans import pump

PLAN = pump()
NOW = datetime(2026, 11, 21, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=100)


def steady(per_day: float, n: int = 1) -> Ahead:
    """So much use a day, whatever the season."""
    return by_calendar(per_day, n, busy([(None, "south", None)], to_ms(NOW)), to_ms(NOW))


def due(
    hours: float, first: float = 130.0, per_day: float | None = 5.0, **done: float
) -> dict[str, DueService]:
    """What is due at `hours`, first seen at `first`; `done` service -> hours."""
    last = {key: (NOW - timedelta(days=30), at) for key, at in done.items()}
    meter = Meter(hours, first, LONG_AGO, None if per_day is None else steady(per_day))
    return {row.service: row for row in due_services(PLAN, 3, meter, last, NOW)}


def test_services_are_due_at_the_next_multiple_after_the_first_sample() -> None:
    rows = due(240.0)
    assert {key: row.due_hours for key, row in rows.items()} == {
        "s250": 250.0,
        "s500": 500.0,
        "yearly": 2000.0,
    }
    assert [key for key, row in rows.items() if row.announce] == ["s250"]
    assert rows["s250"].due_at == NOW + timedelta(days=2)


def test_what_is_not_done_stays_due() -> None:
    rows = due(300.0)
    assert rows["s250"].due_hours == 250.0
    assert rows["s250"].announce
    assert rows["s250"].due_at == NOW


def test_a_service_counts_from_when_it_or_a_longer_one_was_done() -> None:
    assert due(700.0, s500=510.0)["s250"].due_hours == 760.0
    rows = due(700.0, s500=510.0)
    assert rows["s500"].due_hours == 1010.0
    assert rows["s250"].since == NOW - timedelta(days=30)


def test_a_first_service_is_due_once_and_only_on_a_new_machine() -> None:
    assert due(20.0, first=2.0)["first"].due_hours == 50.0
    assert "first" not in due(140.0, first=130.0)
    done = {"first": (NOW, 51.0)}
    rows = list(due_services(PLAN, 3, Meter(60.0, 2.0, LONG_AGO, None), done, NOW))
    assert "first" not in {row.service for row in rows}


def test_the_calendar_makes_a_service_due_too() -> None:
    meter = Meter(150.0, 130.0, NOW - timedelta(days=360), ahead=None)
    rows = {row.service: row for row in due_services(PLAN, 3, meter, {}, NOW)}
    assert rows["yearly"].announce
    assert rows["yearly"].due_at == NOW + timedelta(days=12 * 30.4375 - 360)
    assert rows["s250"].due_at is None


def test_the_operator_s_services_are_no_tickets() -> None:
    assert "daily" not in due(240.0)


@pytest.mark.parametrize(("service", "lead"), [("first", 10.0), ("s500", 25.0), ("yearly", 100.0)])
def test_lead_times(service: str, lead: float) -> None:
    assert lead_h(PLAN.service[service]) == lead


def test_a_part_is_ordered_when_it_could_be_missing() -> None:
    part = PLAN.part["piston"]
    model = PlanLife(part.life)
    threshold = threshold_of(PLAN, part)
    assert threshold == pytest.approx(0.15 * 0.8)
    used = np.array([100.0, 9000.0])
    new, worn = needs(PLAN, part, outlook(left_of(model, used), steady(300.0, 2)), NOW)
    assert (new.needed, worn.needed) == (False, True)
    (unused,) = needs(PLAN, part, outlook(left_of(model, used[1:]), steady(0.0)), NOW)
    assert unused.needed is False
    # 3 days of delivery and 14 of planning at 300 m3 a day.
    more = np.array([17 * 300.0])
    within = float(model.fail_within(np.array([9000.0]), more)[0])
    assert worn.chance == pytest.approx(within, abs=0.01)
    days = (worn.needed_by - NOW) / timedelta(days=1)
    reached = model.fail_within(np.array([9000.0]), np.array([days * 300.0]))
    assert reached[0] == pytest.approx(threshold, abs=0.01)
    assert worn.needed_by - worn.order_by == timedelta(days=3)
