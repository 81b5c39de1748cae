"""Every rule, service and wear part of the real products leads to a visit that can be prepared."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet.loader import load_catalogue
from fleet.pace import pace_of
from fleet.plan import ProductPlan
from predict.life import PlanLife
from predict.usage import needed_signals
from tests.tickets.findings import NOW, finding
from tickets.content import FittedPlace, contribution
from tickets.policy import decide

CATALOGUE = load_catalogue(Path(__file__).parents[2] / "products")
PLANS = sorted(CATALOGUE.plans.values(), key=lambda plan: plan.product)


def fitted(plan: ProductPlan) -> list[FittedPlace]:
    places = [(part.id, position.id) for part in plan.parts for position in part.positions]
    return [FittedPlace(i, *place) for i, place in enumerate(places)]


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.product)
def test_every_rule_leads_to_a_visit_or_a_reason(plan: ProductPlan) -> None:
    for rule in plan.rules:
        for tier in CATALOGUE.tiers.values():
            alarm = finding(
                rule.id,
                kind="connection" if rule.silence else "alarm",
                component=rule.component,
                severity=rule.severity,
                failure_modes=rule.failure_modes,
            )
            verdict = decide(alarm, plan, tier, None, (), NOW)
            assert (verdict.outcome == "opened") == (rule.ticket and rule.severity > 1), rule.id
            assert verdict.target_at > NOW
        added = contribution(plan, alarm, fitted(plan))
        assert added.checks, rule.id
        assert bool(added.minutes) == bool(rule.failure_modes), rule.id


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.product)
def test_every_service_takes_as_long_as_its_plan_says(plan: ProductPlan) -> None:
    for service in plan.services:
        due = finding(service.id, kind="service", severity=1, failure_modes=(), component="none")
        added = contribution(plan, due, fitted(plan))
        lines = [check for check in added.checks if check.checklist.startswith("service_")]
        assert sum(check.item.minutes for check in lines) == pytest.approx(service.minutes)
        for need in service.parts:
            assert need.part in {part.part for part in added.parts}


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.product)
def test_every_wear_part_can_be_followed(plan: ProductPlan) -> None:
    assert plan.hours_signal in needed_signals(plan)
    for part in plan.parts:
        assert PlanLife(part.life).median == part.life.mid
        if part.driver.counter is not None:
            assert pace_of(plan, part.driver.counter).per_h > 0
