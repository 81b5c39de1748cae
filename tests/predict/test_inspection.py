"""The next inspection: where a visit prevents more than it costs, and why then."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fleet.clock import to_ms
from fleet.loader import load_catalogue
from fleet.plan import ProductPlan
from fleet.service import InspectionTerms
from predict.busy import busy
from predict.inspection import (
    SIGHT_DAYS,
    Occasion,
    choose,
    fixed_day,
    prevented,
)
from predict.life import PlanLife
from predict.looks import CHANCE_DAYS, Watched, next_look, planned_visits
from predict.outlook import left_of, outlook
from predict.pace import Ahead
from store.inspections import DueInspection
from store.wear import DueService

CATALOGUE = load_catalogue(Path(__file__).parents[2] / "products")
PAVER, TERMS = CATALOGUE.plans["asphalt_paver"], CATALOGUE.inspection
AUTUMN = datetime(2026, 11, 20, tzinfo=UTC)
DAYS = np.arange(0.0, 366.0)


def ahead(climate: str, now: datetime = AUTUMN, rate: float = 1.0) -> Ahead:
    """The season of pavers in a climate."""
    days = busy([(PAVER.season, "north" if climate == "north" else "south", None)], to_ms(now))
    return Ahead(np.array([rate]), np.array([0.01]), np.zeros(1, dtype=np.int64), days, to_ms(now))


def watched(climate: str, worn: float, rate: float, now: datetime = AUTUMN) -> list[Watched]:
    """Eight bearings that have used a share of their life, at hours a day of mean activity."""
    part = PAVER.part["auger_bearing"]
    model = PlanLife(part.life)
    left = left_of(model, np.array([worn * part.life.mid]))
    chance = outlook(left, ahead(climate, now, rate)).within(CHANCE_DAYS)[0]
    return [Watched("auger_bearing", place, 3, chance) for place in "abcdefgh"]


def look(
    parts: list[Watched],
    climate: str = "north",
    services: tuple[DueService, ...] = (),
    visits: tuple[dict[str, Any], ...] = (),
    looked: datetime | None = AUTUMN - timedelta(days=60),
    plan: ProductPlan = PAVER,
    terms: InspectionTerms = TERMS,
) -> DueInspection:
    machine = {
        "id": 5,
        "lat": 45.7,
        "lon": 126.6,
        "commissioned_on": date(2025, 3, 1),
        "registered_at": AUTUMN - timedelta(days=200),
        "looked_at": looked,
    }
    planned = planned_visits(visits, to_ms(AUTUMN))
    return next_look(machine, plan, terms, parts, ahead(climate), services, planned, to_ms(AUTUMN))


def test_a_northern_paver_is_looked_at_before_its_season_and_not_in_the_winter() -> None:
    due = look(watched("north", 0.85, 6.0))
    assert date(2027, 2, 15) <= due.due_at.date() <= date(2027, 4, 20)
    assert "before the machine's busy season" in due.reason.en
    assert "旺季之前" in due.reason.zh
    assert due.evidence["season"] > 1.5
    south = look(watched("south", 0.85, 6.0), "south")
    assert south.due_at < due.due_at


def test_the_reason_names_the_parts_and_their_chance() -> None:
    due = look(watched("north", 0.85, 6.0))
    name = PAVER.part["auger_bearing"].name
    assert name.en in due.reason.en
    assert name.zh in due.reason.zh
    assert due.evidence["parts"][0]["part"] == "auger_bearing"
    assert due.evidence["parts"][0]["chance"] > 0.1
    assert due.failure_modes == PAVER.part["auger_bearing"].failure_modes
    assert due.evidence["prevents"] >= due.evidence["price"]


def test_young_parts_need_no_look_for_a_year() -> None:
    due = look(watched("south", 0.05, 0.5), "south")
    assert (due.due_at - AUTUMN).days <= 365 - 60
    assert "once a year" in due.reason.en
    assert "每年至少检查一次" in due.reason.zh


def test_a_service_or_a_neighbour_makes_the_visit_earlier() -> None:
    parts = watched("south", 0.6, 3.0)
    alone = look(parts, "south")
    service = PAVER.services[-1].id
    at = AUTUMN + timedelta(days=(alone.due_at - AUTUMN).days - 12)
    with_service = DueService(5, service, 900.0, 1000.0, at, AUTUMN, False)
    both = look(parts, "south", services=(with_service,))
    assert both.due_at.date() == at.date()
    assert both.evidence["together_with"] == f"service:{service}"
    assert PAVER.service[service].name.en in both.reason.en
    near = {"number": "T-9", "machine_id": 8, "lat": 45.8, "lon": 126.7, "at": at}
    beside = look(parts, "south", visits=(near,))
    assert beside.evidence["together_with"] == "visit:T-9"
    far = {**near, "lat": 40.0}
    assert look(parts, "south", visits=(far,)).evidence["together_with"] is None


def test_what_a_loss_weighs_is_the_plans_word() -> None:
    parts = watched("south", 0.85, 6.0)
    cheap = TERMS.model_copy(update={"loss": dict.fromkeys(TERMS.loss, 0.01)})
    due, later = look(parts, "south"), look(parts, "south", terms=cheap)
    assert due.evidence["prevents"] >= due.evidence["price"]
    assert later.evidence["prevents"] < later.evidence["price"]
    assert "once a year" in later.reason.en


def test_what_was_just_looked_at_rests() -> None:
    due = look(watched("south", 0.95, 6.0), "south", looked=AUTUMN - timedelta(days=2))
    assert (due.due_at - AUTUMN).days >= SIGHT_DAYS - 2


def test_the_first_day_that_pays_is_taken() -> None:
    gain = np.where(DAYS < 100, 0.2, 1.5)
    assert choose(DAYS, gain, 50.0, []).day == 100.0
    early = choose(DAYS, gain, 50.0, [Occasion(40.0, 0.1, "service:x")])
    assert (early.day, early.price) == (40.0, 0.1)
    assert choose(DAYS, gain, 50.0, [Occasion(40.0, TERMS.with_service, "service:x")]).day == 100.0
    never = choose(DAYS, np.zeros(366), 300.0, [])
    assert not never.pays
    assert never.day <= 65.0
    overdue = choose(DAYS, np.zeros(366), 900.0, [])
    assert overdue.day <= 1.0


def test_a_visit_that_does_not_pay_does_not_come_as_soon_as_it_may() -> None:
    """What wears out most likely now would have the machine looked at every thirty days."""
    gain = np.linspace(0.3, 0.1, len(DAYS))
    choice = choose(DAYS, gain, since_last=60.0, occasions=[])
    assert not choice.pays
    assert choice.day == 123.0
    late = choose(DAYS, gain, since_last=400.0, occasions=[])
    assert late.day == 0.0


def test_the_reason_tells_places_of_one_kind_apart() -> None:
    part = PAVER.part["auger_bearing"]
    both = [
        Watched(part.id, place.id, 3, each.chance)
        for place, each in zip(part.positions, watched("north", 0.9, 6.0)[:2], strict=True)
    ]
    reason = look(both).reason
    for place in part.positions:
        assert f"{part.name.en}, {place.name.en}" in reason.en
        assert f"{part.name.zh}·{place.name.zh}" in reason.zh


def test_a_look_prevents_what_would_wear_out_soon_after() -> None:
    chance = np.where(CHANCE_DAYS >= 98, 1.0, 0.0)[None, :]
    gain = np.interp(DAYS, CHANCE_DAYS, prevented(CHANCE_DAYS, chance, [TERMS.loss[4]]))
    assert gain[80] == pytest.approx(1.0)
    assert gain[20] == gain[120] == pytest.approx(0.0)


@pytest.mark.parametrize(("age", "days"), [(10, 20.4), (100, 82.6), (400, 330.2), (800, 295.25)])
def test_the_fixed_calendar_beside_it(age: float, days: float) -> None:
    assert fixed_day(age) == pytest.approx(days, abs=0.1)


def test_timed_looks_prevent_more_than_the_calendar_does() -> None:
    """Two hundred pavers: each is looked at once; worn bearings found within sight are saved."""
    rng = np.random.default_rng(6)
    part = PAVER.part["auger_bearing"]
    model = PlanLife(part.life)
    timed = calendar = looks = 0.0
    for number in range(200):
        climate = "north" if number % 2 else "south"
        worn, rate = rng.uniform(0.2, 0.95), rng.uniform(2.0, 7.0)
        parts = watched(climate, worn, rate)
        due = look(parts, climate, looked=AUTUMN - timedelta(days=100))
        day = (due.due_at - AUTUMN) / timedelta(days=1)
        left = left_of(model, np.array([worn * part.life.mid]))[0]
        drawn = float(np.interp(rng.uniform(), np.linspace(0.001, 0.999, len(left)), left))
        lasts = ahead(climate, rate=rate).days_until(drawn)
        if lasts is None:
            continue
        looks += 1
        fixed = fixed_day(float((AUTUMN.date() - date(2025, 3, 1)).days))
        timed += day <= lasts < day + SIGHT_DAYS
        calendar += fixed <= lasts < fixed + SIGHT_DAYS
    assert looks > 100
    assert timed > 1.5 * calendar
