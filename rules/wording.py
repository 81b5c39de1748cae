"""The sentence that says why an alarm was raised, built from the names and units of the plan."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

from fleet.expression import called, text_of
from fleet.plan import ProductPlan
from fleet.signals import Signal
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
    "hours": Text(en="hours in {} of {}", zh="{}小时数{}"),
    "growth": Text(en="growth in {} of {}", zh="{}增长{}"),
}
_NORMAL_WORDS = {
    "baseline": Text(en="normal for this machine: {}", zh="{}（本机常态）"),
    "spread": Text(en="usual spread of {}", zh="{}（本机波动）"),
    "peers": Text(en="machines like it: {}", zh="{}（同类设备）"),
    "peer_spread": Text(en="spread among machines like it of {}", zh="{}（同类设备差异）"),
}
_TIME_UNITS = {"op_min": Text(en="operating min", zh="运行分钟"),
               "op_h": Text(en="operating h", zh="运行小时")}  # fmt: skip
_KEY = re.compile(r"[a-z_][a-z0-9_]*")
_ON_OFF = {0: Text(en="off", zh="关"), 1: Text(en="on", zh="开")}


def reason_of(
    plan: ProductPlan, condition: ConditionRule, params: Mapping[str, float], change: AlarmChange
) -> Text:
    """What was measured against which limit, for how long and in which regime."""
    measured = _terms(plan, condition, params, change)
    terms = list(dict.fromkeys([*measured, *_normals(plan, change)]))
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
    if not isinstance(side, ast.Call):
        return None
    value = (change.windows or {}).get(text_of(side))
    if value is None or called(side) not in _WINDOW_WORDS:
        return None
    argument, words = side.args[0], _WINDOW_WORDS[called(side)]
    unit = _side_unit(plan, side)
    en, zh = _worded(plan, argument)
    window_en, window_zh = _window(side)
    return (
        f"{words.en.format(window_en, en)} {value:.4g}{unit}",
        f"{zh}{words.zh.format(window_zh, '')} {value:.4g}{unit}",
    )


def _window(side: ast.Call) -> tuple[str, str]:
    """The length of a window in words; hours of operation are no hours of the day."""
    window = side.args[1]
    assert isinstance(window, ast.Constant)
    number, unit = re.split(r"(?<=\d)\s*(?=[a-z])", str(window.value).strip(), maxsplit=1)
    if unit not in _TIME_UNITS:
        return str(window.value), str(window.value)
    return f"{number} {_TIME_UNITS[unit].en}", f"{number}{_TIME_UNITS[unit].zh}"


def _normals(plan: ProductPlan, change: AlarmChange) -> Iterator[tuple[str, str]]:
    """What was normal for the machine and for its peers."""
    for text, value in (change.windows or {}).items():
        call = ast.parse(text, mode="eval").body
        words = _NORMAL_WORDS.get(called(call))
        if words is None or not isinstance(call, ast.Call):
            continue
        en, zh = _worded(plan, call.args[0])
        unit = _side_unit(plan, call.args[0])
        yield f"{words.en.format(en)} {value:.4g}{unit}", f"{words.zh.format(zh)} {value:.4g}{unit}"


def _worded(plan: ProductPlan, argument: ast.expr) -> tuple[str, str]:
    """A formula in words: the names of its signals in place of their keys."""
    formula = ast.unparse(argument)
    if isinstance(argument, ast.Name):
        return plan.signal[formula].name.en, plan.signal[formula].name.zh
    if isinstance(argument, ast.Call) and called(argument) == "where":
        return _worded(plan, argument.args[0])
    if isinstance(argument, ast.Call) and called(argument) == "asym":
        (left_en, left_zh), (right_en, right_zh) = (_worded(plan, one) for one in argument.args)
        return f"{left_en} against {right_en}", f"{left_zh}与{right_zh}之差"

    def name(language: Language) -> str:
        return _KEY.sub(
            lambda key: plan.signal[key[0]].name.to(language) if key[0] in plan.signal else key[0],
            formula,
        )

    return f"({name('en')})", f"（{name('zh')}）"


def _side_unit(plan: ProductPlan, side: ast.expr) -> str:
    """The unit of a signal, or of a window over a signal that keeps its unit; else none."""
    if isinstance(side, ast.Call) and isinstance(side.func, ast.Name):
        if side.func.id == "hours":
            return " h"
        if side.func.id == "asym":
            return " %"
        if side.func.id == "where":
            return _side_unit(plan, side.args[0])
        if side.func.id not in ("avg", "low", "high", "delta", "rate", "growth"):
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
