"""Why an alarm was raised, for programs (evidence) and for people (a sentence in both languages),
made from the words of the plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fleet.plan import Catalogue, ProductPlan
from fleet.rule import Rule
from fleet.text import Text
from rules.alarms.wording import duration, reason_of
from rules.changes import AlarmChange
from rules.compiled import CompiledPlan
from rules.condition import ConditionRule, Identity
from rules.detectors import account

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
    if change.learned is not None:
        return _learned_account(compiled.plan, rule, change, change.learned)
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
    return Account(rule.name, reason_of(compiled.plan, condition, params, change), evidence)


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
        en, zh = duration(now - heard_at)
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


def _learned_account(
    plan: ProductPlan, rule: Rule, change: AlarmChange, learned: Mapping[str, Any]
) -> Account:
    span = {
        "regime": change.regime,
        "held_s": (change.at - change.since) / 1000,
        "from_ms": change.since,
        "to_ms": change.at,
    }
    return Account(
        account.title_of(plan, rule, learned),
        account.reason_of(plan, learned, change.regime),
        {**span, **account.evidence_of(plan, learned)},
    )


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
            times = "once" if code["oc"] == 1 else f"{code['oc']} times"
            said += f", counted {times}" if language == "en" else f"，已出现 {code['oc']} 次"
        if lamp is not None:
            said += f", {lamp.en} lit" if language == "en" else f"，{lamp.zh}亮"
    return said
