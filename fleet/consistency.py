"""Everything in a plan checked against everything else.

`problems_of` takes a plan whose fields are each well formed and finds what does not fit
together: names that lead nowhere, units, ranges, expressions, regimes, parts.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from fleet.errors import ExpressionError
from fleet.expression import PEER_FUNCTIONS, Expression, called, parse, window_of
from fleet.plan import ProductPlan
from fleet.rule import Rule
from fleet.signals import Signal
from fleet.wear import Condition, Driver
from fleet.words import SIGNAL_UNITS

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at a path of the plan, such as ("rules", 3, "when"); `column` is the character
    (from 1) where it is in a text, 0 where it is all of the value."""

    path: Path
    message: str
    column: int = 0


def problems_of(plan: ProductPlan) -> list[Problem]:
    """All inconsistencies of a plan; empty when it can be used."""
    checks = (_models, _signals, _regimes, _rules, _failure_modes, _parts, _services, _checklists)
    return [problem for check in checks for problem in check(plan)]


def _models(plan: ProductPlan) -> Iterator[Problem]:
    """What a service brings is on every model: it is planned and packed without asking which."""
    brought = {need.part: service.id for service in plan.services for need in service.parts}
    for i, model in enumerate(plan.models):
        for j, part in enumerate(model.without):
            path: Path = ("models", i, "without", j)
            yield from _known(path, part, plan.part, "part")
            if part in brought:
                yield Problem(path, f"the service {brought[part]} brings {part} to every model")


def _signals(plan: ProductPlan) -> Iterator[Problem]:
    for i, signal in enumerate(plan.signals):
        path: Path = ("signals", i)
        yield from _known((*path, "component"), signal.component, plan.component, "component")
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
        found = _expression(path, regime.when, plan.signal)
        yield from found[1]
        if found[0] is not None and not found[0].momentary:
            yield Problem(path, "a regime is judged on one moment: windows have no place in it")


def _rules(plan: ProductPlan) -> Iterator[Problem]:
    for i, rule in enumerate(plan.rules):
        path: Path = ("rules", i)
        yield from _known((*path, "component"), rule.component, plan.component, "component")
        if isinstance(rule.regimes, tuple):
            yield from _all_known((*path, "regimes"), rule.regimes, plan.regime, "regime")
        yield from _all_known((*path, "shows"), rule.shows, plan.signal, "signal")
        yield from _all_known(
            (*path, "failure_modes"), rule.failure_modes, plan.failure_mode, "failure mode"
        )
        yield from _rule_expressions(path, rule, plan)
        yield from _normal(path, rule, plan)
        yield from _overrides(path, rule, plan)


def _rule_expressions(path: Path, rule: Rule, plan: ProductPlan) -> Iterator[Problem]:
    shadowed = sorted(set(rule.params) & set(plan.signal))
    if shadowed:
        yield Problem((*path, "params"), f"{', '.join(shadowed)} is a signal's name already")
    known = set(plan.signal) | set(rule.params)
    read: frozenset[str] | set[str] = frozenset()
    for field in ("when", "clear"):
        text = getattr(rule, field)
        if text is None:
            continue
        found, problems = _expression((*path, field), text, known)
        yield from (_in_words(problem, text, plan) for problem in problems)
        read |= found.names if found is not None else known
        for call in found.remembered if found is not None else ():
            asked = {node.id for node in ast.walk(call) if isinstance(node, ast.Name)}
            if called(call) in PEER_FUNCTIONS and asked & set(rule.params):
                own = ", ".join(sorted(asked & set(rule.params)))
                yield Problem(
                    (*path, field), f"{called(call)} reads {own}, which peers do not share"
                )
            yield from _since_service((*path, field), call, plan)
        if found is not None:
            yield from _values((*path, field), found, rule, plan)
    yield from _both_at_once(path, rule, plan)
    for name in sorted(set(rule.params) - read):
        yield Problem((*path, "params", name), f"neither when nor clear reads {name}")


def _both_at_once(path: Path, rule: Rule, plan: ProductPlan) -> Iterator[Problem]:
    """A value at which an alarm is raised and returns: it would come and go without end."""
    ends = [_limit(text, rule, plan) for text in (rule.when, rule.clear)]
    if ends[0] is None or ends[1] is None or ends[0][0] != ends[1][0]:
        return
    (name, above, limit), (_, clears_above, clear) = ends[0], ends[1]
    if above != clears_above and (clear > limit if above else clear < limit):
        low, high = sorted((limit, clear))
        message = f"when and clear both hold while {name} is between {low:g} and {high:g}"
        yield Problem((*path, "clear"), message)


def _limit(text: str | None, rule: Rule, plan: ProductPlan) -> tuple[str, bool, float] | None:
    """A condition that only compares a signal with a number: the signal, whether it is to be above,
    and the number."""
    try:
        node = parse(text or "", {*plan.signal, *rule.params}).tree
    except ExpressionError:
        return None
    if not isinstance(node, ast.Compare) or len(node.ops) != 1:
        return None
    if not isinstance(node.left, ast.Name) or node.left.id not in plan.signal:
        return None
    number = _number(node.comparators[0], rule)
    above, below = (
        isinstance(node.ops[0], ast.Gt | ast.GtE),
        isinstance(node.ops[0], ast.Lt | ast.LtE),
    )
    return (node.left.id, above, number) if number is not None and (above or below) else None


def _in_words(problem: Problem, text: str, plan: ProductPlan) -> Problem:
    """A value that was written as its word: what its number is."""
    word = re.match(r"['\"]?(\w[\w ]*)", text.strip().replace("\n", " ")[problem.column - 1 :])
    for signal in plan.signals:
        for number, value in signal.values.items() if signal.key in text and word else ():
            if word is not None and word[1].strip().lower() in (value.en.lower(), value.zh):
                message = f"{signal.key} is a number, and {value.en} is {number}"
                return replace(problem, message=f"{message}: write {signal.key} == {number}")
    return problem


def _values(path: Path, found: Expression, rule: Rule, plan: ProductPlan) -> Iterator[Problem]:
    """Comparisons with what the sensor cannot say, which is taken as missing, and the growth of
    what does not count."""
    for node in ast.walk(found.tree):
        if isinstance(node, ast.Compare) and isinstance(node.left, ast.Name):
            signal, limit = plan.signal.get(node.left.id), _number(node.comparators[0], rule)
            if signal is None or limit is None or signal.range[0] <= limit <= signal.range[1]:
                continue
            low, high = signal.range
            message = f"{signal.key} is from {low:g} to {high:g}, so it never comes to {limit:g}"
            yield Problem(path, message, node.left.col_offset + 1)
        elif called(node) == "growth":
            assert isinstance(node, ast.Call)
            argument = node.args[0]
            signal = plan.signal.get(argument.id) if isinstance(argument, ast.Name) else None
            if signal is not None and signal.kind != "counter" and not window_of(node).service:
                message = f"{signal.key} is no counter; how it changed is delta, not growth"
                yield Problem(path, message, argument.col_offset + 1)


def _number(node: ast.expr, rule: Rule) -> float | None:
    """The number that stands in a comparison, by itself or as a parameter."""
    if isinstance(node, ast.Name):
        return rule.params.get(node.id)
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, int | float) else None


def _since_service(path: Path, call: ast.Call, plan: ProductPlan) -> Iterator[Problem]:
    """What is counted since a service: of a service of the plan and, for `growth`, by a counter,
    as one that was new when it was first heard begins at 0."""
    service = window_of(call).service
    if not service:
        return
    for problem in _known(path, service, plan.service, "service"):
        yield Problem(path, problem.message, call.args[1].col_offset + 1)
    argument = call.args[0]
    signal = plan.signal.get(argument.id) if isinstance(argument, ast.Name) else None
    if called(call) == "growth" and (signal is None or signal.kind != "counter"):
        text = ast.unparse(argument)
        message = f"growth since a service is that of a counter; {text} is no counter"
        yield Problem(path, message, argument.col_offset + 1)


def _normal(path: Path, rule: Rule, plan: ProductPlan) -> Iterator[Problem]:
    if rule.normal is None:
        return
    read = sorted({key for factors in rule.normal.factors for key in factors})
    yield from _all_known((*path, "normal", "inputs"), read, plan.signal, "signal")
    for field in ("signals", "inputs", "unsteady"):
        names = getattr(rule.normal, field)
        if field != "inputs":
            yield from _all_known((*path, "normal", field), names, plan.signal, "signal")
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            yield Problem((*path, "normal", field), f"{', '.join(twice)} stands here twice")
    both = sorted(set(read) & set(rule.normal.signals))
    if both:
        yield Problem(
            (*path, "normal", "inputs"),
            f"{', '.join(both)} cannot be explained by itself: a signal is judged or an input",
        )


def _overrides(path: Path, rule: Rule, plan: ProductPlan) -> Iterator[Problem]:
    for j, override in enumerate(rule.overrides):
        here = (*path, "overrides", j)
        yield from _all_known((*here, "params"), override.params, rule.params, "parameter")
        if override.model is not None:
            models = {model.id for model in plan.models}
            yield from _known((*here, "model"), override.model, models, "model")


def _failure_modes(plan: ProductPlan) -> Iterator[Problem]:
    for i, mode in enumerate(plan.failure_modes):
        path: Path = ("failure_modes", i)
        yield from _known((*path, "component"), mode.component, plan.component, "component")
        yield from _all_known((*path, "parts"), mode.parts, plan.part, "part")
        yield from _all_known((*path, "regimes"), mode.regimes, plan.regime, "regime")
        for j, symptom in enumerate(mode.signature):
            yield from _known((*path, "signature", j), symptom.signal, plan.signal, "signal")
        if mode.detectable and not mode.signature:
            yield Problem(path, f"{mode.id} is detectable but no signature says by what")
        if mode.lead_h is not None and mode.lead_h[0] > mode.lead_h[1]:
            yield Problem((*path, "lead_h"), f"the lead time of {mode.id} is upside down")


#: Units of drivers that are units of signals too.
_COUNTED = {"m3": "m³", "h": "h", "t": "t", "km": "km"}


def _parts(plan: ProductPlan) -> Iterator[Problem]:
    for i, part in enumerate(plan.parts):
        path: Path = ("parts", i)
        yield from _known((*path, "component"), part.component, plan.component, "component")
        yield from _all_known(
            (*path, "failure_modes"), part.failure_modes, plan.failure_mode, "failure mode"
        )
        yield from _driver((*path, "driver"), part.driver, plan)
        if part.condition is not None:
            yield from _condition((*path, "condition"), part.condition, plan)


def _condition(path: Path, condition: Condition, plan: ProductPlan) -> Iterator[Problem]:
    yield from _all_known((*path, "regimes"), condition.regimes, plan.regime, "regime")
    found = _expression((*path, "shows"), condition.shows, plan.signal)
    yield from found[1]
    if found[0] is not None and not found[0].momentary:
        yield Problem((*path, "shows"), "a condition has no windows")


def _driver(path: Path, driver: Driver, plan: ProductPlan) -> Iterator[Problem]:
    if driver.counter is not None:
        yield from _known((*path, "counter"), driver.counter, plan.signal, "signal")
        signal = plan.signal.get(driver.counter)
        if signal is not None and signal.kind != "counter":
            yield Problem((*path, "counter"), f"{driver.counter} is no counter")
        counts = _COUNTED.get(driver.unit)
        counter = signal if signal is not None and signal.kind == "counter" else None
        if counter is not None and counts and driver.per_count == 1 and counter.unit != counts:
            message = f"{driver.counter} counts in {counter.unit}, the driver in {counts}"
            yield Problem((*path, "unit"), message)
    if isinstance(driver.hours, tuple):
        yield from _all_known((*path, "hours"), driver.hours, plan.regime, "regime")
    wanted = "month" if driver.age else "h" if driver.hours is not None else None
    if wanted is not None and driver.unit != wanted:
        yield Problem((*path, "unit"), f"such a driver counts in {wanted}, not {driver.unit}")
    if driver.factor is not None:
        found = _expression((*path, "factor"), driver.factor, plan.signal)
        yield from found[1]
        if found[0] is not None and not found[0].momentary:
            yield Problem((*path, "factor"), "a wear factor has no windows")


def _services(plan: ProductPlan) -> Iterator[Problem]:
    for i, service in enumerate(plan.services):
        path: Path = ("services", i)
        yield from _all_known((*path, "includes"), service.includes, plan.service, "service")
        needs = [need.part for need in service.parts]
        yield from _all_known((*path, "parts"), needs, plan.part, "part")


def _checklists(plan: ProductPlan) -> Iterator[Problem]:
    for i, checklist in enumerate(plan.checklists):
        for j, item in enumerate(checklist.items):
            path: Path = ("checklists", i, "items", j)
            yield from _known((*path, "component"), item.component, plan.component, "component")
            yield from _all_known(
                (*path, "failure_modes"), item.failure_modes, plan.failure_mode, "failure mode"
            )
            if (item.result == "choice") != bool(item.choices):
                yield Problem(path, f"{item.id}: choices belong to a choice, and to nothing else")
            if item.result == "number" and item.unit is None:
                yield Problem(path, f"{item.id}: a number needs its unit")
            if any(index >= len(item.choices) for index in item.passes):
                yield Problem((*path, "passes"), f"{item.id}: passes counts choices from 0")


def _expression(
    path: Path, text: str, known: Collection[str]
) -> tuple[Expression | None, list[Problem]]:
    try:
        return parse(text, known), []
    except ExpressionError as error:
        return None, [Problem(path, f"{error} (in {text!r})", error.column)]


def _known(path: Path, name: str, known: Collection[str], what: str) -> Iterator[Problem]:
    if name not in known:
        near = difflib.get_close_matches(name, list(known), n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        yield Problem(path, f"there is no {what} {name}{hint}")


def _all_known(
    path: Path, names: Collection[str], known: Collection[str], what: str
) -> Iterator[Problem]:
    for name in names:
        yield from _known(path, name, known, what)
