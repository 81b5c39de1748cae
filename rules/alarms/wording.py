"""The sentence that says why an alarm was raised, built from the names and units of the plan."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

from fleet.calls import called, text_of, window_of
from fleet.plan import ProductPlan
from fleet.signals import Signal
from fleet.text import Language, Text
from rules.changes import AlarmChange
from rules.condition import ConditionRule

#: What a window function of a signal was, as one says it.
_WINDOW_WORDS = {
    "avg": Text(
        en="{signal} {value} on average over {window}", zh="{signal}近{window}平均 {value}"
    ),
    "low": Text(
        en="{signal} {value} at the lowest in {window}", zh="{signal}近{window}最低 {value}"
    ),
    "high": Text(
        en="{signal} {value} at the highest in {window}", zh="{signal}近{window}最高 {value}"
    ),
    "delta": Text(
        en="{signal} changed by {value} in {window}", zh="{signal}近{window}变化 {value}"
    ),
    "rate": Text(
        en="{signal} changing by {value} over {window}", zh="{signal}近{window}平均变化 {value}"
    ),
    "count": Text(en="{signal} {value} times in {window}", zh="{signal}近{window}内 {value} 次"),
    "hours": Text(en="{signal} for {value} in {window}", zh="{signal}近{window}累计 {value}"),
    "growth": Text(en="{signal} grown by {value} in {window}", zh="{signal}近{window}增长 {value}"),
}
#: The same, counted since a service.
_SINCE_WORDS = {
    "count": Text(
        en="{signal} {value} times since the last service “{service}”",
        zh="{signal}自上次“{service}”以来 {value} 次",
    ),
    "hours": Text(
        en="{signal} for {value} since the last service “{service}”",
        zh="{signal}自上次“{service}”以来累计 {value}",
    ),
    "growth": Text(
        en="{signal} grown by {value} since the last service “{service}”",
        zh="{signal}自上次“{service}”以来增长 {value}",
    ),
}
_NORMAL_WORDS = {
    "baseline": Text(en="normal for this machine {value}", zh="本机常态 {value}"),
    "spread": Text(en="usually within ±{value}", zh="本机常态波动 ±{value}"),
    "peers": Text(en="machines like it {value}", zh="同类设备 {value}"),
    "peer_spread": Text(en="machines like it within ±{value}", zh="同类设备差异 ±{value}"),
}
_TIME_UNITS = {
    "s": Text(en="s", zh="秒"),
    "min": Text(en="min", zh="分钟"),
    "h": Text(en="h", zh="小时"),
    "d": Text(en="days", zh="天"),
    "op_min": Text(en="operating min", zh="运行分钟"),
    "op_h": Text(en="operating hours", zh="运行小时"),
}
_KEY = re.compile(r"[a-z_][a-z0-9_]*")
#: What the least or greatest of a flag over a window says of it.
_FLAG_WORDS = {
    ("low", 1): Text(en="{signal} on throughout {window}", zh="{signal}近{window}一直开"),
    ("low", 0): Text(en="{signal} off at times in {window}", zh="{signal}近{window}曾关"),
    ("high", 1): Text(en="{signal} on at times in {window}", zh="{signal}近{window}曾开"),
    ("high", 0): Text(en="{signal} off throughout {window}", zh="{signal}近{window}一直关"),
}
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
    words = _WINDOW_WORDS[called(side)]
    if _is_flag(plan, side.args[0]):
        words = _FLAG_WORDS.get((called(side), int(value)), words)
    en, zh = _worded(plan, side.args[0])
    shown = f"{value:.4g}{_side_unit(plan, side)}"
    service = window_of(side).service
    if service:
        name, words = plan.service[service].name, _SINCE_WORDS[called(side)]
        return (
            words.en.format(signal=en, value=shown, service=name.en),
            words.zh.format(signal=zh, value=shown, service=name.zh),
        )
    window_en, window_zh = _window(side)
    return (
        words.en.format(signal=en, value=shown, window=window_en),
        words.zh.format(signal=zh, value=shown, window=window_zh),
    )


def _is_flag(plan: ProductPlan, argument: ast.expr) -> bool:
    return isinstance(argument, ast.Name) and plan.signal[argument.id].kind == "flag"


def _window(side: ast.Call) -> tuple[str, str]:
    """The length of a window in words; hours of operation are no hours of the day."""
    window = side.args[1]
    assert isinstance(window, ast.Constant)
    number, unit = re.split(r"(?<=\d)\s*(?=[a-z])", str(window.value).strip(), maxsplit=1)
    return f"{number} {_TIME_UNITS[unit].en}", f"{number}{_TIME_UNITS[unit].zh}"


def _normals(plan: ProductPlan, change: AlarmChange) -> Iterator[tuple[str, str]]:
    """What was normal for the machine and for its peers."""
    for text, value in (change.windows or {}).items():
        call = ast.parse(text, mode="eval").body
        words = _NORMAL_WORDS.get(called(call))
        if words is None or not isinstance(call, ast.Call):
            continue
        shown = f"{value:.4g}{_side_unit(plan, call.args[0])}"
        yield words.en.format(value=shown), words.zh.format(value=shown)


def _worded(plan: ProductPlan, argument: ast.expr) -> tuple[str, str]:
    """A formula in words: the names of its signals in place of their keys."""
    formula = ast.unparse(argument).replace(" ** 2", "²").replace(" * ", " × ")
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
    told = isinstance(side, ast.Call) and _is_flag(plan, side.args[0])
    if limit is None or told or (signal is not None and signal.kind in ("flag", "enum")):
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
            count = f"{seconds / length:.1f}".removesuffix(".0")
            return f"{count} {en}", f"{count}{zh}"
    return f"{seconds:.0f} s", f"{seconds:.0f}秒"
