"""Why an alarm was raised, for programs (evidence) and for people (a sentence in both languages),
made from the words of the plan."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fleet.expression import WINDOW_FUNCTIONS
from fleet.plan import Catalogue, ProductPlan, Rule, Signal
from fleet.text import Language, Text
from rules.changes import AlarmChange
from rules.compiled import CompiledPlan, ConditionRule, Identity

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
_LAMPS = {
    "stop": Text(en="red stop lamp", zh="红色停机灯"),
    "warning": Text(en="amber warning lamp", zh="黄色警告灯"),
    "mil": Text(en="malfunction lamp", zh="故障指示灯"),
    "protect": Text(en="protect lamp", zh="保护灯"),
}


@dataclass(frozen=True, slots=True)
class Account:
    """An alarm explained: `title` and `reason` for people, `evidence` as JSON."""

    title: Text
    reason: Text
    evidence: dict[str, Any]


def account_of(
    compiled: CompiledPlan, catalogue: Catalogue, who: Identity, change: AlarmChange
) -> Account:
    """Explain an alarm that was raised."""
    rule = compiled.plan.rule[change.rule]
    if rule.faults is not None:
        return _fault_account(compiled.plan, catalogue, rule, change)
    condition = compiled.conditions[compiled.condition_index[change.rule]]
    params = {name: float(value) for name, value in _plain_params(condition, who).items()}
    values = change.values or {}
    evidence = {
        "expression": condition.when.text,
        "params": params,
        "regime": change.regime,
        "held_s": (change.at - change.since) / 1000,
        "from_ms": change.since,
        "to_ms": change.at,
        "signals": {
            key: _reading(compiled.plan, key, values.get(key)) for key in condition.signals
        },
        "windows": dict(change.windows or {}),
    }
    return Account(rule.name, _reason(compiled.plan, condition, params, change), evidence)


def silence_account(
    plan: ProductPlan, rule: Rule, since: int, heard_at: int | None, now: int
) -> Account:
    """Explain a silence: a case for the connection, no fault of the machine."""
    evidence: dict[str, Any] = {
        "silence": rule.silence,
        "from_ms": since,
        "to_ms": now,
        "heard_ms": heard_at,
        "signals": {},
    }
    if heard_at is None:
        reason = Text(
            en="Nothing was ever heard of this machine since it was registered.",
            zh="该设备自登记以来从未上报数据。",
        )
    else:
        en, zh = _duration(now - heard_at)
        reason = Text(
            en=f"Nothing heard for {en}; the connection is to be checked, not the machine.",
            zh=f"已{zh}未收到数据；应检查通信，而非设备本身。",
        )
    return Account(rule.name, reason, evidence)


def _plain_params(condition: ConditionRule, who: Identity) -> Mapping[str, Any]:
    found = condition.params([who])
    return {
        name: value if isinstance(value, int | float) else value[0] for name, value in found.items()
    }


def _reading(plan: ProductPlan, key: str, value: float | None) -> dict[str, Any]:
    signal = plan.signal[key]
    return {
        "value": value,
        "unit": signal.unit,
        "normal": signal.normal,
        "warn": signal.warn.model_dump(exclude_none=True) if signal.warn else None,
        "alarm": signal.alarm.model_dump(exclude_none=True) if signal.alarm else None,
    }


def _reason(
    plan: ProductPlan, condition: ConditionRule, params: Mapping[str, float], change: AlarmChange
) -> Text:
    terms = list(dict.fromkeys(_terms(plan, condition, params, change)))
    if not terms:
        terms = [(condition.rule.name.en, condition.rule.name.zh)]
    en, zh = ", ".join(term[0] for term in terms), "，".join(term[1] for term in terms)
    held = change.at - change.since
    if held > 0:
        duration = _duration(held)
        en, zh = f"{en}, for {duration[0]}", f"{zh}，持续{duration[1]}"
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


def _duration(milliseconds: int) -> tuple[str, str]:
    seconds = milliseconds / 1000
    for length, en, zh in ((86400, "d", "天"), (3600, "h", "小时"), (60, "min", "分钟")):
        if seconds >= 2 * length:
            return f"{seconds / length:.3g} {en}", f"{seconds / length:.3g}{zh}"
    return f"{seconds:.3g} s", f"{seconds:.3g}秒"


def _fault_account(
    plan: ProductPlan, catalogue: Catalogue, rule: Rule, change: AlarmChange
) -> Account:
    codes = [_explained(catalogue, code) for code in change.codes]
    said = [_code_words(code) for code in codes]
    words = Text(en="; ".join(one.en for one in said), zh="；".join(one.zh for one in said))
    evidence = {
        "codes": codes,
        "held_s": (change.at - change.since) / 1000,
        "from_ms": change.since,
        "to_ms": change.at,
        "signals": {key: _reading(plan, key, None) for key in rule.shows},
    }
    title = Text(en=f"{rule.name.en}: {words.en}", zh=f"{rule.name.zh}：{words.zh}")
    reason = Text(
        en=f"The machine reports the active trouble code {words.en}{_details(codes, 'en')}.",
        zh=f"设备报出现行故障码：{words.zh}{_details(codes, 'zh')}。",
    )
    return Account(title, reason, evidence)


def _explained(catalogue: Catalogue, code: Mapping[str, object]) -> dict[str, Any]:
    """A code with the texts of its SPN and FMI where they are known."""
    texts: dict[str, Any] = {}
    for name, known in (("spn", catalogue.spn), ("fmi", catalogue.fmi)):
        number = code.get(name)
        text = known.get(number) if isinstance(number, int) else None
        if text is not None:
            texts[f"{name}_text"] = text.model_dump()
    return {**code, **texts}


def _code_words(code: Mapping[str, Any]) -> Text:
    if code.get("spn") is None:
        return Text(en=str(code["key"]), zh=f"代码 {code['key']}")
    number = f"SPN {code['spn']}" + (f" FMI {code['fmi']}" if code.get("fmi") is not None else "")
    texts = [code[name] for name in ("spn_text", "fmi_text") if name in code]
    en, zh = ", ".join(text["en"] for text in texts), "，".join(text["zh"] for text in texts)
    return Text(
        en=f"{number} ({en})" if en else number,
        zh=f"{number}（{zh}）" if zh else f"代码 {number}",
    )


def _details(codes: list[dict[str, Any]], language: str) -> str:
    """How often it occurred, and the lamp the control unit lit."""
    said = ""
    for code in codes:
        lamp = _LAMPS.get(str(code.get("lamp")))
        if code.get("oc"):
            said += (
                f", counted {code['oc']} times" if language == "en" else f"，已出现 {code['oc']} 次"
            )
        if lamp is not None:
            said += f", {lamp.en} lit" if language == "en" else f"，{lamp.zh}亮"
    return said
