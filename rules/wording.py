"""The sentence that says why an alarm was raised, built from the names and units of the plan."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

from fleet.expression import WINDOW_FUNCTIONS
from fleet.plan import ProductPlan, Signal
from fleet.text import Language, Text
from rules.changes import AlarmChange
from rules.compiled import ConditionRule

_WINDOW_WORDS = {
    "avg": Text(en="average over {} of {}", zh="{}平均{}"),
    "low": Text(en="lowest in {} of {}", zh="{}最低{}"),
    "high": Text(en="highest in {} of {}", zh="{}最高{}"),
    "delta": Text(en="change in {} of {}", zh="{}变化{}"),
    "rate": Text(en="change per minute over {} of {}", zh="{}每分钟变化{}"),
    "count": Text(en="occurrences in {} of {}", zh="{}次数{}"),
}
_KEY = re.compile(r"[a-z_][a-z0-9_]*")
_ON_OFF = {0: Text(en="off", zh="关"), 1: Text(en="on", zh="开")}


def reason_of(
    plan: ProductPlan, condition: ConditionRule, params: Mapping[str, float], change: AlarmChange
) -> Text:
    """What was measured against which limit, for how long and in which regime."""
    terms = list(dict.fromkeys(_terms(plan, condition, params, change)))
    if not terms:
        terms = [(condition.rule.name.en, condition.rule.name.zh)]
    en, zh = ", ".join(term[0] for term in terms), "，".join(term[1] for term in terms)
    held = change.at - change.since
    if held > 0:
        en_held, zh_held = duration(held)
        en, zh = f"{en}, for {en_held}", f"{zh}，持续{zh_held}"
    if change.regime is not None:
        name = plan.regime[change.regime].name
        en, zh = f"{en}, while in: {name.en}", f"{zh}，工况：{name.zh}"
    return Text(en=f"{en[:1].upper()}{en[1:]}.", zh=f"{zh}。")


def _terms(
    plan: ProductPlan, condition: ConditionRule, params: Mapping[str, float], change: AlarmChange
) -> Iterator[tuple[str, str]]:
    """Each measured side of the condition's comparisons with its limit, then signals that stand
    in none."""
    told: set[str] = set()
    for node in ast.walk(condition.when.tree):
        if not isinstance(node, ast.Compare):
            continue
        for left, right in zip([node.left, *node.comparators], node.comparators, strict=False):
            for side, other in ((left, right), (right, left)):
                term = _term(plan, side, change)
                if term is not None:
                    told |= {name.id for name in ast.walk(side) if isinstance(name, ast.Name)}
                    yield _limited(plan, side, term, _number(other, params))
    values = change.values or {}
    for key in sorted((condition.when.names & set(values)) - told):
        yield _named(plan.signal[key], values[key])


def _term(plan: ProductPlan, side: ast.expr, change: AlarmChange) -> tuple[str, str] | None:
    """A signal or a window function with what it was; None for anything else, or unknown."""
    values = change.values or {}
    if isinstance(side, ast.Name) and side.id in values:
        return _named(plan.signal[side.id], values[side.id])
    if not isinstance(side, ast.Call) or not isinstance(side.func, ast.Name):
        return None
    value = (change.windows or {}).get(ast.unparse(side))
    if side.func.id not in WINDOW_FUNCTIONS or value is None:
        return None
    window = side.args[1]
    assert isinstance(window, ast.Constant)
    argument, words = side.args[0], _WINDOW_WORDS[side.func.id]
    unit = _side_unit(plan, side)
    en, zh = _worded(plan, argument)
    return (
        f"{words.en.format(window.value, en)} {value:.4g}{unit}",
        f"{zh}{words.zh.format(window.value, '')} {value:.4g}{unit}",
    )


def _worded(plan: ProductPlan, argument: ast.expr) -> tuple[str, str]:
    """A formula in words: the names of its signals in place of their keys."""
    formula = ast.unparse(argument)
    if isinstance(argument, ast.Name):
        return plan.signal[formula].name.en, plan.signal[formula].name.zh

    def name(language: Language) -> str:
        return _KEY.sub(
            lambda key: plan.signal[key[0]].name.to(language) if key[0] in plan.signal else key[0],
            formula,
        )

    return f"({name('en')})", f"（{name('zh')}）"


def _side_unit(plan: ProductPlan, side: ast.expr) -> str:
    """The unit of a signal, or of a window over a signal that keeps its unit; else none."""
    if isinstance(side, ast.Call) and isinstance(side.func, ast.Name):
        if side.func.id not in ("avg", "low", "high", "delta", "rate"):
            return ""
        rate, side = side.func.id == "rate", side.args[0]
        unit = _side_unit(plan, side)
        return f"{unit}/min" if rate and unit else unit
    signal = plan.signal.get(side.id) if isinstance(side, ast.Name) else None
    return _unit(signal) if signal else ""


def _limited(
    plan: ProductPlan, side: ast.expr, term: tuple[str, str], limit: float | None
) -> tuple[str, str]:
    signal = plan.signal.get(side.id) if isinstance(side, ast.Name) else None
    if limit is None or (signal is not None and signal.kind in ("flag", "enum")):
        return term
    bound = f"{limit:.4g}{_side_unit(plan, side)}"
    return f"{term[0]} (limit {bound})", f"{term[1]}（限值 {bound}）"


def _number(node: ast.expr, params: Mapping[str, float]) -> float | None:
    """The value of a side that reads no signal."""
    names = {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}
    if not names <= set(params):
        return None
    match node:
        case ast.Constant(value=bool() | int() | float() as value):
            return float(value)
        case ast.Name():
            return params[node.id]
        case ast.UnaryOp():
            inner = _number(node.operand, params)
            return None if inner is None else -inner
        case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult()):
            left, right = _number(node.left, params), _number(node.right, params)
            if left is None or right is None:
                return None
            match node.op:
                case ast.Add():
                    return left + right
                case ast.Sub():
                    return left - right
            return left * right
    return None


def _named(signal: Signal, value: float) -> tuple[str, str]:
    meaning = signal.values.get(int(value)) if signal.kind == "enum" else None
    if signal.kind == "flag":
        meaning = _ON_OFF.get(int(value))
    if meaning is not None:
        return f"{signal.name.en}: {meaning.en}", f"{signal.name.zh}：{meaning.zh}"
    shown = f"{value:.4g}" if abs(value) < 1e4 else f"{value:.0f}"
    return f"{signal.name.en} {shown}{_unit(signal)}", f"{signal.name.zh} {shown}{_unit(signal)}"


def _unit(signal: Signal) -> str:
    return f" {signal.unit}" if signal.unit and signal.unit != "count" else ""


def duration(milliseconds: int) -> tuple[str, str]:
    """A length of time in English and in Chinese."""
    seconds = milliseconds / 1000
    for length, en, zh in ((86400, "d", "天"), (3600, "h", "小时"), (60, "min", "分钟")):
        if seconds >= 2 * length:
            return f"{seconds / length:.3g} {en}", f"{seconds / length:.3g}{zh}"
    return f"{seconds:.3g} s", f"{seconds:.3g}秒"
