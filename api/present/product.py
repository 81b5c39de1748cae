"""Product plans as answers."""

from __future__ import annotations

from api.schemas.base import Bilingual, Named
from api.schemas.product import (
    Bounds,
    ChecklistPlan,
    CheckPlan,
    FailureModePlan,
    Product,
    ProductSummary,
    RegimePlan,
    RulePlan,
    ServicePlan,
    SignalPlan,
    WearPartPlan,
)
from fleet.failure import FailureMode
from fleet.plan import ProductPlan, Regime
from fleet.rule import Rule
from fleet.service import CheckItem, Checklist, ServiceInterval
from fleet.signals import Limit, Signal
from fleet.text import Text
from fleet.wear import WearPart


def bilingual(text: Text) -> Bilingual:
    """A text of a plan."""
    return Bilingual(en=text.en, zh=text.zh)


def named(key: str, name: Text | None) -> Named:
    """A key with its name; the key itself where the plan no longer knows it."""
    return Named(id=key, name=bilingual(name) if name is not None else Bilingual(en=key, zh=key))


def model_of(key: str, plan: ProductPlan | None) -> Named:
    """A model with the name that its plan gives it."""
    models = plan.models if plan is not None else ()
    return named(key, next((model.name for model in models if model.id == key), None))


def summary(plan: ProductPlan, machines: int) -> ProductSummary:
    """A product in the list."""
    return ProductSummary(
        id=plan.product,
        name=bilingual(plan.name),
        code=plan.code,
        description=bilingual(plan.description),
        version=plan.version,
        machines=machines,
        signals=len(plan.signals),
        rules=len(plan.rules),
        parts=len(plan.parts),
    )


def product(plan: ProductPlan) -> Product:
    """A whole plan."""
    return Product(
        id=plan.product,
        name=bilingual(plan.name),
        code=plan.code,
        description=bilingual(plan.description),
        version=plan.version,
        models=[named(model.id, model.name) for model in plan.models],
        hours_signal=plan.hours_signal,
        components=[named(component.id, component.name) for component in plan.components],
        signals=[_signal(signal) for signal in plan.signals],
        regimes=[_regime(regime) for regime in plan.regimes],
        rules=[_rule(rule) for rule in plan.rules],
        failure_modes=[_failure_mode(mode) for mode in plan.failure_modes],
        parts=[_part(part) for part in plan.parts],
        services=[_service(service) for service in plan.services],
        checklists=[_checklist(checklist) for checklist in plan.checklists],
    )


def _bounds(limit: Limit | None) -> Bounds | None:
    return None if limit is None else Bounds(above=limit.above, below=limit.below)


def _signal(signal: Signal) -> SignalPlan:
    return SignalPlan(
        key=signal.key,
        name=bilingual(signal.name),
        component=signal.component,
        unit=signal.unit,
        kind=signal.kind,
        range=signal.range,
        normal=signal.normal,
        warn=_bounds(signal.warn),
        alarm=_bounds(signal.alarm),
        period_s=signal.period_s,
        values={str(value): bilingual(text) for value, text in signal.values.items()},
        headline=signal.headline,
        spn=signal.j1939.spn if signal.j1939 is not None else None,
    )


def _regime(regime: Regime) -> RegimePlan:
    return RegimePlan(
        id=regime.id,
        name=bilingual(regime.name),
        when=regime.when,
        running=regime.running,
        color=regime.color,
    )


def _rule(rule: Rule) -> RulePlan:
    return RulePlan(
        id=rule.id,
        name=bilingual(rule.name),
        component=rule.component,
        severity=rule.severity,
        trigger=rule.trigger,
        when=rule.when,
        clear=rule.clear,
        regimes=list(rule.regimes) if isinstance(rule.regimes, tuple) else None,
        hold_s=rule.hold_s,
        clear_hold_s=rule.clear_hold_s,
        params=dict(rule.params),
        shows=list(rule.shows),
        failure_modes=list(rule.failure_modes),
        advice=bilingual(rule.advice),
    )


def _failure_mode(mode: FailureMode) -> FailureModePlan:
    return FailureModePlan(
        id=mode.id,
        name=bilingual(mode.name),
        category=mode.category,
        severity=mode.severity,
        component=mode.component,
        symptoms=bilingual(mode.symptoms),
        causes=bilingual(mode.causes),
        remedy=bilingual(mode.remedy),
        parts=list(mode.parts),
        skill=mode.skill,
        minutes=mode.minutes,
    )


def _part(part: WearPart) -> WearPartPlan:
    return WearPartPlan(
        id=part.id,
        name=bilingual(part.name),
        number=part.number,
        component=part.component,
        positions=[named(position.id, position.name) for position in part.positions],
        quantity=part.quantity,
        unit=part.driver.unit,
        life_low=part.life.low,
        life_mid=part.life.mid,
        life_high=part.life.high,
        discard=bilingual(part.discard),
        price_class=part.price_class,
        lead_class=part.lead_class,
        minutes=part.minutes,
    )


def _service(service: ServiceInterval) -> ServicePlan:
    return ServicePlan(
        id=service.id,
        name=bilingual(service.name),
        every_h=service.every_h,
        first_h=service.first_h,
        every_months=service.every_months,
        by=service.by,
        items=[bilingual(item) for item in service.items],
        includes=list(service.includes),
        parts={need.part: need.quantity for need in service.parts},
        skill=service.skill,
        minutes=service.minutes,
    )


def _checklist(checklist: Checklist) -> ChecklistPlan:
    return ChecklistPlan(
        id=checklist.id,
        name=bilingual(checklist.name),
        items=[_check(item) for item in checklist.items],
    )


def _check(item: CheckItem) -> CheckPlan:
    return CheckPlan(
        id=item.id,
        check=bilingual(item.check),
        method=bilingual(item.method),
        result=item.result,
        unit=item.unit,
        limits=_bounds(item.limits),
        choices=[bilingual(choice) for choice in item.choices],
        photo=item.photo,
        fail_severity=item.fail_severity,
        component=item.component,
        minutes=item.minutes,
    )
