"""Everything in a plan checked against everything else.

`problems_of` takes a plan whose fields are each well formed and finds what does not fit
together: names that lead nowhere, units, ranges, expressions, regimes, parts.
"""

from __future__ import annotations

from collections.abc import Iterator

from fleet.plan import ProductPlan
from fleet.problem import Path, Problem, all_known, expression_at, known_name
from fleet.rule_consistency import rule_problems
from fleet.signals import Signal
from fleet.wear import Condition, Driver
from fleet.words import SIGNAL_UNITS


def problems_of(plan: ProductPlan) -> list[Problem]:
    """All inconsistencies of a plan; empty when it can be used."""
    checks = (
        _models,
        _signals,
        _regimes,
        rule_problems,
        _failure_modes,
        _parts,
        _services,
        _checklists,
    )
    return [problem for check in checks for problem in check(plan)]


def _models(plan: ProductPlan) -> Iterator[Problem]:
    """What a service brings is on every model: it is planned and packed without asking which."""
    brought = {need.part: service.id for service in plan.services for need in service.parts}
    for i, model in enumerate(plan.models):
        for j, part in enumerate(model.without):
            path: Path = ("models", i, "without", j)
            yield from known_name(path, part, plan.part, "part")
            if part in brought:
                yield Problem(path, f"the service {brought[part]} brings {part} to every model")


def _signals(plan: ProductPlan) -> Iterator[Problem]:
    for i, signal in enumerate(plan.signals):
        path: Path = ("signals", i)
        yield from known_name((*path, "component"), signal.component, plan.component, "component")
        yield from _unit(path, signal)
        yield from _spans(path, signal)
        if signal.kind == "enum" and not signal.values:
            yield Problem(path, f"the enumeration {signal.key} names no values")
    yield from _metrics(plan)
    hours = plan.signal.get(plan.hours_signal)
    if hours is None or hours.kind != "counter" or hours.unit != "h":
        yield Problem(("hours_signal",), f"{plan.hours_signal} is no counter of hours")


def _metrics(plan: ProductPlan) -> Iterator[Problem]:
    """One metric is one signal: not two, and not another one than the one of that key."""
    owners: dict[str, str] = {}
    for i, signal in enumerate(plan.signals):
        for name in signal.metrics:
            owner = owners.setdefault(name, signal.key)
            if owner == signal.key and name in plan.signal:
                owner = name
            if owner != signal.key:
                message = f"the metric {name} is {owner} already and cannot be {signal.key}"
                yield Problem(("signals", i, "metrics"), message)


def _unit(path: Path, signal: Signal) -> Iterator[Problem]:
    if signal.kind in ("enum", "flag"):
        if signal.unit is not None:
            yield Problem((*path, "unit"), f"{signal.key} is an {signal.kind} and has no unit")
        return
    if signal.unit is None:
        yield Problem(path, f"{signal.key} has no unit")
        return
    endings = SIGNAL_UNITS.get(signal.unit)
    if endings is None:
        units = ", ".join(SIGNAL_UNITS)
        yield Problem((*path, "unit"), f"unknown unit {signal.unit!r}; there are {units}")
    elif endings and signal.key.rsplit("_", 1)[-1] not in endings:
        yield Problem(
            (*path, "key"),
            f"{signal.key} is in {signal.unit}: its key ends with _{' or _'.join(endings)}",
        )


def _spans(path: Path, signal: Signal) -> Iterator[Problem]:
    low, high = signal.range
    if low >= high:
        yield Problem((*path, "range"), f"the range of {signal.key} is empty: {low} to {high}")
    if signal.normal is not None:
        if signal.normal[0] > signal.normal[1]:
            yield Problem((*path, "normal"), f"the normal band of {signal.key} is upside down")
        if not low <= signal.normal[0] <= signal.normal[1] <= high:
            yield Problem((*path, "normal"), f"{signal.key}: normal lies outside the range")
    for grade in ("warn", "alarm"):
        limit = getattr(signal, grade)
        for side in ("above", "below"):
            value = getattr(limit, side) if limit is not None else None
            if value is not None and not low <= value <= high:
                yield Problem((*path, grade), f"{signal.key}: {grade} lies outside the range")


def _regimes(plan: ProductPlan) -> Iterator[Problem]:
    for i, regime in enumerate(plan.regimes):
        path: Path = ("regimes", i, "when")
        found = expression_at(path, regime.when, plan.signal)
        yield from found[1]
        if found[0] is not None and not found[0].momentary:
            yield Problem(path, "a regime is judged on one moment: windows have no place in it")


def _failure_modes(plan: ProductPlan) -> Iterator[Problem]:
    for i, mode in enumerate(plan.failure_modes):
        path: Path = ("failure_modes", i)
        yield from known_name((*path, "component"), mode.component, plan.component, "component")
        yield from all_known((*path, "parts"), mode.parts, plan.part, "part")
        yield from all_known((*path, "regimes"), mode.regimes, plan.regime, "regime")
        for j, symptom in enumerate(mode.signature):
            yield from known_name((*path, "signature", j), symptom.signal, plan.signal, "signal")
        if mode.detectable and not mode.signature:
            yield Problem(path, f"{mode.id} is detectable but no signature says by what")
        if mode.lead_h is not None and mode.lead_h[0] > mode.lead_h[1]:
            yield Problem((*path, "lead_h"), f"the lead time of {mode.id} is upside down")


#: Units of drivers that are units of signals too.
_COUNTED = {"m3": "m³", "h": "h", "t": "t", "km": "km"}


def _parts(plan: ProductPlan) -> Iterator[Problem]:
    for i, part in enumerate(plan.parts):
        path: Path = ("parts", i)
        yield from known_name((*path, "component"), part.component, plan.component, "component")
        yield from all_known(
            (*path, "failure_modes"), part.failure_modes, plan.failure_mode, "failure mode"
        )
        yield from _driver((*path, "driver"), part.driver, plan)
        if part.condition is not None:
            yield from _condition((*path, "condition"), part.condition, plan)


def _condition(path: Path, condition: Condition, plan: ProductPlan) -> Iterator[Problem]:
    yield from all_known((*path, "regimes"), condition.regimes, plan.regime, "regime")
    found = expression_at((*path, "shows"), condition.shows, plan.signal)
    yield from found[1]
    if found[0] is not None and not found[0].momentary:
        yield Problem((*path, "shows"), "a condition has no windows")


def _driver(path: Path, driver: Driver, plan: ProductPlan) -> Iterator[Problem]:
    if driver.counter is not None:
        yield from known_name((*path, "counter"), driver.counter, plan.signal, "signal")
        signal = plan.signal.get(driver.counter)
        if signal is not None and signal.kind != "counter":
            yield Problem((*path, "counter"), f"{driver.counter} is no counter")
        counts = _COUNTED.get(driver.unit)
        counter = signal if signal is not None and signal.kind == "counter" else None
        if counter is not None and counts and driver.per_count == 1 and counter.unit != counts:
            message = f"{driver.counter} counts in {counter.unit}, the driver in {counts}"
            yield Problem((*path, "unit"), message)
    if isinstance(driver.hours, tuple):
        yield from all_known((*path, "hours"), driver.hours, plan.regime, "regime")
    wanted = "month" if driver.age else "h" if driver.hours is not None else None
    if wanted is not None and driver.unit != wanted:
        yield Problem((*path, "unit"), f"such a driver counts in {wanted}, not {driver.unit}")
    if driver.factor is not None:
        found = expression_at((*path, "factor"), driver.factor, plan.signal)
        yield from found[1]
        if found[0] is not None and not found[0].momentary:
            yield Problem((*path, "factor"), "a wear factor has no windows")


def _services(plan: ProductPlan) -> Iterator[Problem]:
    for i, service in enumerate(plan.services):
        path: Path = ("services", i)
        yield from all_known((*path, "includes"), service.includes, plan.service, "service")
        needs = [need.part for need in service.parts]
        yield from all_known((*path, "parts"), needs, plan.part, "part")


def _checklists(plan: ProductPlan) -> Iterator[Problem]:
    for i, checklist in enumerate(plan.checklists):
        for j, item in enumerate(checklist.items):
            path: Path = ("checklists", i, "items", j)
            yield from known_name((*path, "component"), item.component, plan.component, "component")
            yield from all_known(
                (*path, "failure_modes"), item.failure_modes, plan.failure_mode, "failure mode"
            )
            if (item.result == "choice") != bool(item.choices):
                yield Problem(path, f"{item.id}: choices belong to a choice, and to nothing else")
            if item.result == "number" and item.unit is None:
                yield Problem(path, f"{item.id}: a number needs its unit")
            if any(index >= len(item.choices) for index in item.passes):
                yield Problem((*path, "passes"), f"{item.id}: passes counts choices from 0")
