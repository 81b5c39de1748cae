"""What becomes of a finding, and what it adds to a visit."""

from __future__ import annotations

from typing import Any

import pytest

from fleet.clock import MS_PER_HOUR
from tests.predict.plans import catalogue, pump
from tests.tickets.findings import NOW, finding
from tickets.content import FittedPlace, contribution, likely_causes, title_of, widest
from tickets.policy import OpenItem, Verdict, Visit, decide

PLAN = pump()
TIER = catalogue().tiers["gold"]
FITTED = (
    FittedPlace(11, "piston", "left"),
    FittedPlace(12, "piston", "right"),
    FittedPlace(13, "valve", "main"),
    FittedPlace(14, "filter", "main"),
)
VISIT = Visit(5, "T-2026-000005", priority=3, target_at=NOW + 20 * MS_PER_HOUR)


def outcome(visit: Visit | None = None, *items: OpenItem, **changed: Any) -> Verdict:
    return decide(finding(**changed), PLAN, TIER, visit, items, NOW)


def test_a_finding_opens_a_visit_with_the_promise_of_its_severity() -> None:
    verdict = outcome(severity=4)
    assert (verdict.outcome, verdict.priority) == ("opened", 1)
    assert verdict.target_at == NOW + 4 * MS_PER_HOUR


def test_it_joins_the_visit_that_is_planned() -> None:
    verdict = outcome(VISIT, severity=2)
    assert (verdict.outcome, verdict.priority) == ("merged", 3)
    assert verdict.target_at == VISIT.target_at
    assert VISIT.number in verdict.reason.en
    assert VISIT.number in verdict.reason.zh


def test_a_graver_one_raises_the_visit_and_pulls_its_target_forward() -> None:
    verdict = outcome(VISIT, severity=4)
    assert (verdict.outcome, verdict.priority) == ("raised", 1)
    assert verdict.target_at == NOW + 4 * MS_PER_HOUR


def test_a_raise_never_puts_the_target_back() -> None:
    soon = Visit(5, "T", priority=3, target_at=NOW + MS_PER_HOUR)
    assert outcome(soon, severity=4).target_at == soon.target_at


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"source": "silent_watch", "severity": 2}, "records"),
        ({"late": True, "page": False}, "late"),
        ({"page": False}, "recorded only"),
        ({"source": "pressure_note", "severity": 1}, "no reason to drive out"),
        ({"kind": "connection", "source": "offline", "severity": 1}, "no reason to drive out"),
    ],
)
def test_what_is_recorded_says_why(changed: dict[str, Any], word: str) -> None:
    verdict = outcome(**changed)
    assert verdict.outcome == "recorded"
    assert word in verdict.reason.en


def test_information_joins_a_visit_that_takes_place_anyway() -> None:
    assert outcome(VISIT, source="pressure_note", severity=1).outcome == "merged"


def test_what_an_open_ticket_deals_with_is_not_dispatched_again() -> None:
    item = OpenItem("alarm", "overpressure", "pump", "T-2026-000004", 4)
    verdict = outcome(None, item)
    assert (verdict.outcome, verdict.ticket_id) == ("attached", 4)
    assert "T-2026-000004" in verdict.reason.en
    wear = OpenItem("wear", "piston", "pump", "T-2026-000004", 4)
    assert outcome(None, wear, kind="wear", source="piston").outcome == "recorded"


def test_an_alarm_of_a_component_somebody_is_on_the_way_to_is_attached() -> None:
    planned = OpenItem("alarm", "other", "pump", "T-2026-000004", 4)
    assert outcome(VISIT, planned, severity=2).outcome == "merged"
    on_the_way = OpenItem("alarm", "other", "pump/E7", "T-2026-000004", 4, under_way=True)
    assert outcome(None, on_the_way).outcome == "attached"
    assert outcome(None, on_the_way, component="boom").outcome == "opened"
    assert outcome(None, on_the_way, late=True, page=False).outcome == "recorded"


def test_late_but_standing_opens_a_visit() -> None:
    assert outcome(late=True).outcome == "opened"


def test_an_alarm_brings_checks_of_its_component_and_all_of_safety() -> None:
    added = contribution(PLAN, finding(), FITTED)
    assert [check.item.id for check in added.checks] == ["oil", "gap", "boom_pins", "estop"]
    # The repair of the likeliest cause; dear parts only for that one.
    assert (added.minutes, added.skill) == (60, "T1")
    assert [(p.part, p.fitted_part_id) for p in added.parts] == [("piston", 11), ("piston", 12)]


def test_a_service_brings_the_whole_routine_and_the_lines_of_what_it_includes() -> None:
    service = finding("s500", kind="service", severity=1, failure_modes=())
    added = contribution(PLAN, service, FITTED)
    lists = [check.checklist for check in added.checks]
    assert lists == ["routine"] * 5 + ["service_s500", "service_s250", "service_daily"]
    assert added.minutes + sum(c.item.minutes for c in added.checks) == pytest.approx(240 + 25)
    assert [(p.part, p.fitted_part_id, p.quantity) for p in added.parts] == [("filter", 14, 1)]


def test_wear_brings_the_part_for_the_worn_places_only() -> None:
    worn = finding("piston", kind="wear", evidence={"fitted_part_ids": [12]}, failure_modes=("F1",))
    added = contribution(PLAN, worn, FITTED)
    assert [(p.part, p.fitted_part_id) for p in added.parts] == [("piston", 12)]
    assert added.minutes == 40


def test_a_repair_is_counted_once() -> None:
    assert contribution(PLAN, finding(), FITTED, prepared={"F1"}).minutes == 0


def test_causes_named_first_and_often_are_likeliest() -> None:
    found = likely_causes(PLAN, [("F2", "F1"), ("F1",), ("gone",)])
    assert [mode.id for mode in found] == ["F1", "F2"]


def test_the_title_is_that_of_the_gravest_item() -> None:
    mild, grave = finding("mild").title, finding("grave").title
    assert title_of([(2, mild), (4, grave)]).en == "grave (+1 more)"


def test_a_longer_service_stands_for_those_it_includes() -> None:
    assert widest(PLAN, ["s250", "first", "yearly", "s500"]) == ("first", "yearly")
