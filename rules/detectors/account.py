"""A learned detector's finding explained: what was seen, what was expected, what it may be."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from fleet.plan import ProductPlan
from fleet.rule import Rule
from fleet.signals import Signal
from fleet.text import Text

#: Signals that the sentence names; the evidence has more.
_NAMED = 3
_FAULTS = {
    "stuck": Text(en="has not moved while other signals did", zh="读数卡死，而其它信号仍在变化"),
    "missing": Text(
        en="is not sent any more, while other signals are", zh="不再上报，而其它信号正常上报"
    ),
    "drift": Text(
        en="has drifted by itself: no failure of the machine explains it",
        zh="单独漂移，无法用设备故障解释",
    ),
    "unit": Text(en="reads as if it were in another unit", zh="读数疑似单位错乱"),
}


def title_of(plan: ProductPlan, rule: Rule, learned: Mapping[str, Any]) -> Text:
    """What is unlike normal, and the likeliest failure mode or the sensor."""
    if learned.get("sensor"):
        name = plan.signal[learned["sensor"]].name
        return Text(en=f"{rule.name.en}: {name.en}", zh=f"{rule.name.zh}：{name.zh}")
    modes = [plan.failure_mode[one["mode"]] for one in learned["failure_modes"]]
    if not modes:
        return rule.name
    return Text(
        en=f"{rule.name.en}: {modes[0].name.en}?", zh=f"{rule.name.zh}：疑似{modes[0].name.zh}"
    )


def reason_of(plan: ProductPlan, learned: Mapping[str, Any], regime: str | None) -> Text:
    """The sentence for people: what carries the finding, with values and units."""
    where = plan.regime[regime].name if regime else None
    if learned.get("sensor"):
        return _sensor_reason(plan, learned)
    parts = [_part(plan, one) for one in learned["signals"][:_NAMED]]
    en, zh = "; ".join(one.en for one in parts), "；".join(one.zh for one in parts)
    if where is not None:
        en, zh = f"while in {where.en}: {en}", f"工况“{where.zh}”下：{zh}"
    modes = [plan.failure_mode[one["mode"]].name for one in learned["failure_modes"][:_NAMED]]
    if modes:
        en += f". Fits: {', '.join(mode.en for mode in modes)}"
        zh += f"。可能为：{'、'.join(mode.zh for mode in modes)}"
    return Text(en=f"{en[:1].upper()}{en[1:]}.", zh=f"{zh}。")


def evidence_of(plan: ProductPlan, learned: Mapping[str, Any]) -> dict[str, Any]:
    """Evidence as JSON: each signal with what was seen and expected."""
    told: Sequence[Mapping[str, Any]] = learned.get("signals", ())
    return {
        "learned": dict(learned),
        "failure_modes": [one["mode"] for one in learned.get("failure_modes", ())],
        "signals": {
            one["signal"]: {
                "value": one["seen"],
                "expected": one["expected"],
                "share": one["share"],
                "unit": plan.signal[one["signal"]].unit,
                "warn": None,
                "alarm": None,
            }
            for one in told
            if not one["fluctuation"]
        },
    }


def _part(plan: ProductPlan, one: Mapping[str, Any]) -> Text:
    signal = plan.signal[one["signal"]]
    unit = _unit(signal)
    # What follows the operating point as a line may end below nothing.
    least = 0.0 if one["fluctuation"] else -math.inf
    seen, expected = (f"{max(one[key], least):.4g}{unit}" for key in ("seen", "expected"))
    share = f"{100 * one['share']:.0f} %"
    what = ("fluctuation of ", "的波动") if one["fluctuation"] else ("", "")
    return Text(
        en=f"{what[0]}{signal.name.en} {seen}, expected {expected} ({share} of the finding)",
        zh=f"{signal.name.zh}{what[1]} {seen}，应为 {expected}（占 {share}）",
    )


def _sensor_reason(plan: ProductPlan, learned: Mapping[str, Any]) -> Text:
    if learned["fault"] == "range":
        return _implausible_reason(plan.signal[learned["sensor"]], learned)
    name = plan.signal[learned["sensor"]].name
    fault = _FAULTS[learned["fault"]]
    en, zh = f"{name.en} {fault.en}", f"{name.zh}：{fault.zh}"
    if learned.get("unit"):
        en, zh = f"{en} ({learned['unit']})", f"{zh}（{learned['unit']}）"
    for one in learned.get("signals", ())[:1]:
        part = _part(plan, one)
        en, zh = f"{en}: {part.en}", f"{zh}，{part.zh}"
    blind = _blind_without(plan, learned["sensor"]) if learned["fault"] == "missing" else []
    if blind:
        en = f"{en}. Until it is back, nothing is judged by: {', '.join(one.en for one in blind)}"
        zh = f"{zh}。恢复之前，以下规则无法判断：{'、'.join(one.zh for one in blind)}"
    return Text(en=f"{en}.", zh=f"{zh}。")


def _blind_without(plan: ProductPlan, key: str) -> list[Text]:
    """The learned rules that judge nothing without a signal, as it tells them how the machine
    works."""
    return [
        rule.name for rule in plan.rules
        if rule.normal is not None and any(key in factors for factors in rule.normal.factors)
    ]  # fmt: skip


def _implausible_reason(signal: Signal, learned: Mapping[str, Any]) -> Text:
    """What came, and what the sensor can say."""
    low, high, count = float(learned["low"]), float(learned["high"]), learned["values"]
    name, tops = signal.name, None if signal.j1939 is None else signal.j1939.tops
    if tops is not None and tops[0] <= low and high < tops[1]:
        return Text(
            en=f"{name.en}: the controller says {count} times that the sensor is at fault, "
            "in place of a value.",
            zh=f"{name.zh}：控制器 {count} 次上报传感器错误，未给出测量值。",
        )
    ends = (_number(low), _number(high))
    en, zh = (ends[0], ends[0]) if ends[0] == ends[1] else (" to ".join(ends), " 至 ".join(ends))
    least, most = (_number(end) for end in signal.range)
    unit = _unit(signal)
    return Text(
        en=f"{name.en}: {count} readings of {en}{unit}, which cannot be true; "
        f"the sensor measures {least} to {most}{unit}.",
        zh=f"{name.zh}：收到 {count} 个不可能的读数（{zh}{unit}），"
        f"传感器量程为 {least} 至 {most}{unit}。",
    )


def _number(value: float) -> str:
    return f"{value:.5g}" if abs(value) < 1e5 or abs(value) >= 1e9 else f"{value:.0f}"


def _unit(signal: Signal) -> str:
    return f" {signal.unit}" if signal.unit and signal.unit != "count" else ""
