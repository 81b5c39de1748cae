"""The evidence of a finding as names and values: what was measured, against which limit."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dashboard import lists, visit
from dashboard.client import Json
from dashboard.formats import number, share
from dashboard.markup import Html, tag
from dashboard.visit import t

#: A function of one signal over a window, or of what is normal for it, as the rules write it.
_WINDOW = re.compile(
    r"(?P<function>avg|low|high|delta|rate|count|growth|baseline|spread|peers|peer_spread)"
    r"\((?P<key>\w+)(, '(?P<window>[\w. ]+)')?\)"
)
_SAME_UNIT = ("avg", "low", "high", "delta", "growth", "baseline", "spread", "peers", "peer_spread")
_OPERATING = re.compile(r" *op_(min|h)$")
_UNIT = re.compile(r"(?<=\d) *(s|min|h|d)$")


def facts(evidence: Json, plan: Json) -> list[tuple[str, object]]:
    """Names and values of the evidence in the reader's language.

    `plan` is the product, which names the signals, working states and positions it speaks of.
    """
    signals = {signal["key"]: signal for signal in plan["signals"]}
    return [
        *_signals(evidence.get("signals", {}), signals),
        *_windows(evidence.get("windows", {}), signals, plan),
        *_circumstances(evidence, plan),
        *_wear(evidence, plan),
        *_service(evidence),
        *_inspection(evidence, plan),
    ]


def _signals(readings: Json, signals: Json) -> Iterator[tuple[str, object]]:
    for key, reading in readings.items():
        if reading["value"] is None:
            continue
        signal = signals.get(key)
        names = signal["values"] if signal is not None and signal["kind"] == "enum" else {}
        meaning = names.get(f"{reading['value']:g}")
        value = visit.pick(meaning) if meaning else number(reading["value"], reading["unit"])
        name = visit.pick(signal["name"]) if signal is not None else key
        yield name, _with_note(value, _expected(reading) or lists.limits(reading))


def _expected(reading: Json) -> str:
    """What a learned detector expected instead, and how much of its finding rests on the signal."""
    if reading.get("expected") is None:
        return ""
    value = number(reading["expected"], reading["unit"])
    return t("expected_instead", value=value, share=share(reading["share"]))


def _windows(windows: Json, signals: Json, plan: Json) -> Iterator[tuple[str, object]]:
    services = {service["id"]: visit.pick(service["name"]) for service in plan["services"]}
    for expression, value in windows.items():
        found = _WINDOW.fullmatch(expression)
        if found is None or value is None:
            continue
        signal = signals.get(found["key"])
        name = visit.pick(signal["name"]) if signal is not None else found["key"]
        unit = signal["unit"] if signal is not None and found["function"] in _SAME_UNIT else None
        words = _past(found["function"], found["window"] or "", name, services)
        yield words, tag("b", number(value, unit))


def _past(function: str, window: str, signal: str, services: Json) -> str:
    """What was looked at over a window or since a service, in words."""
    service = window.removeprefix("since ")
    if service != window:
        return t(f"since_{function}", signal=signal, service=services.get(service, service))
    window = _OPERATING.sub(lambda unit: t(f"operating_{unit[1]}"), window)
    window = _UNIT.sub(lambda unit: t(f"unit_{unit[1]}"), window)
    return t(f"window_{function}", window=window, signal=signal)


def _circumstances(evidence: Json, plan: Json) -> Iterator[tuple[str, object]]:
    regimes = {regime["id"]: visit.pick(regime["name"]) for regime in plan["regimes"]}
    if evidence.get("regime"):
        yield t("regime"), regimes.get(evidence["regime"], evidence["regime"])
    if evidence.get("held_s"):
        yield t("held"), visit.span(evidence["held_s"])
    if evidence.get("from_ms"):
        yield t("began"), visit.epoch(evidence["from_ms"])
    if evidence.get("heard_ms"):
        yield t("last_data"), visit.epoch(evidence["heard_ms"])


def _wear(evidence: Json, plan: Json) -> Iterator[tuple[str, object]]:
    positions = {
        position["id"]: visit.pick(position["name"])
        for part in plan["parts"]
        for position in part["positions"]
    }
    for place in evidence.get("places", []):
        unit = visit.word("usage_units", evidence["unit"])
        low, high = number(place["p10"]), number(place["p90"])
        left = f"{t('remaining_life')} {low} – {high} {unit}"
        used = f"{t('used')} {number(place['used'], unit)} ({share(place['worn_share'])})"
        yield positions.get(place["position"], place["position"]), _with_note(used, left)


def _service(evidence: Json) -> Iterator[tuple[str, object]]:
    if "due_hours" in evidence:
        yield t("hours"), number(evidence["hours"], "h")
        yield t("due_at_hours"), number(evidence["due_hours"], "h")


def _inspection(evidence: Json, plan: Json) -> Iterator[tuple[str, object]]:
    if "prevents" not in evidence:
        return
    parts = {part["id"]: part for part in plan["parts"]}
    for part in evidence["parts"]:
        yield _placed(part, parts.get(part["part"])), t("wears_after", chance=share(part["chance"]))
    yield t("prevents"), t("visits_worth", count=f"{evidence['prevents']:.1f}")
    day, count = visit.epoch(evidence["fixed_at"])[:10], f"{evidence['fixed_prevents']:.1f}"
    yield t("fixed_calendar"), t("fixed_would", day=day, count=count)


def _placed(part: Json, planned: Json | None) -> str:
    """The name of a part, with its place where there are several of its kind."""
    if planned is None:
        return str(part["part"])
    name = visit.pick(planned["name"])
    places = {place["id"]: visit.pick(place["name"]) for place in planned["positions"]}
    return f"{name} · {places[part['position']]}" if len(places) > 1 else name


def _with_note(value: str, note: str) -> Html:
    return tag("div", tag("b", value), tag("div", note, class_="ip-small ip-muted"))
