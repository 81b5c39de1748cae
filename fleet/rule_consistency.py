"""The rules of a plan checked against the plan: names, expressions, and what can never be."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace

from fleet.calls import PEER_FUNCTIONS, called, window_of
from fleet.errors import ExpressionError
from fleet.expression import Expression, parse
from fleet.plan import ProductPlan
from fleet.problem import Path, Problem, all_known, expression_at, known_name
from fleet.rule import Rule


def rule_problems(plan: ProductPlan) -> Iterator[Problem]:
    """What does not fit together in the rules of a plan."""
    for i, rule in enumerate(plan.rules):
        path: Path = ("rules", i)
        yield from known_name((*path, "component"), rule.component, plan.component, "component")
        if isinstance(rule.regimes, tuple):
            yield from all_known((*path, "regimes"), rule.regimes, plan.regime, "regime")
        yield from all_known((*path, "shows"), rule.shows, plan.signal, "signal")
        yield from all_known(
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
        found, problems = expression_at((*path, field), text, known)
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
    for problem in known_name(path, service, plan.service, "service"):
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
    yield from all_known((*path, "normal", "inputs"), read, plan.signal, "signal")
    for field in ("signals", "inputs", "unsteady"):
        names = getattr(rule.normal, field)
        if field != "inputs":
            yield from all_known((*path, "normal", field), names, plan.signal, "signal")
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
        yield from all_known((*here, "params"), override.params, rule.params, "parameter")
        if override.model is not None:
            models = {model.id for model in plan.models}
            yield from known_name((*here, "model"), override.model, models, "model")
