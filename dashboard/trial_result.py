"""What came of a trial: counts beside today's rule, machines, and one of them drawn."""

from __future__ import annotations

from datetime import datetime, timedelta

import streamlit as st

from dashboard import charts, live_html, markup, visit
from dashboard.choice import choose
from dashboard.client import Json
from dashboard.formats import MISSING, number, parse_time
from dashboard.markup import Html, tag
from dashboard.visit import t

MOST_LISTED = 30
STEPS = 480
COUNTS = (
    "alarms", "machines", "tickets", "joined", "attached", "again", "suppressed", "recorded",
)  # fmt: skip
KNOWN = ("confirmed", "beside", "false", "unknown", "faults_missed")
#: How much is drawn before the first and after the last alarm of a machine.
MARGIN = timedelta(hours=2)
#: The most that one picture shows.
LONGEST = timedelta(days=7)


def draw(trial: Json) -> None:
    """The whole result."""
    name = visit.pick(trial["name"])
    span = f"{visit.day(trial['since'])} – {visit.day(trial['until'])}"
    if trial["state"] != "done":
        words = visit.pick(trial["error"]) if trial["error"] else t("trial_cancelled")
        live_html.show(markup.card(name, markup.empty(words)), "trial_over")
        return
    result = trial["result"]
    note = t("trial_note", span=span, machines=result["machines"], samples=f"{result['samples']:,}")
    live_html.show(
        markup.card(name, _change(trial["change"]), _counts(result), note=note), "trial_counts"
    )
    live_html.show(_machines(result), "trial_machines")
    if result["by_machine"]:
        _picture(trial, result)


def _change(change: Json) -> Html:
    pairs: list[tuple[str, object]] = [
        (t(f"field_{field}"), ", ".join(f"{k} = {v:g}" for k, v in value.items()))
        if isinstance(value, dict)
        else (t(f"field_{field}"), tag("code", value))
        for field, value in change.items()
    ]
    return markup.facts(pairs) if pairs else markup.empty(t("nothing_changed"))


def _counts(result: Json) -> Html:
    new, old = result["changed"], result["today"]
    rows = [_row(t(f"count_{key}"), new[key], old[key]) for key in COUNTS if key in new]
    rows.append(_row(t("count_hours"), new["technician_hours"], old["technician_hours"]))
    if "known" in new:
        rows += [_row(t(f"count_{key}"), new["known"][key], old["known"][key]) for key in KNOWN]
        lead = [side["known"]["lead_h"] for side in (new, old)]
        rows.append(
            [t("count_lead"), *(number(one["median"], "h") if one else MISSING for one in lead), ""]
        )
    heads = ["", t("changed_rule"), t("todays_rule"), t("difference")]
    return markup.table(heads, rows, right=(1, 2, 3))


def _row(name: str, new: float, old: float) -> list[object]:
    gap = new - old
    shown = f"{'+' if gap > 0 else '−'}{number(abs(gap))}" if gap else MISSING
    return [name, number(new), number(old), shown]


def _machines(result: Json) -> Html:
    found = result["by_machine"]
    if not found:
        words = t("trial_quiet") if result["samples"] else t("trial_no_history")
        return markup.card(t("trial_machines"), markup.empty(words))
    rows = [
        [
            markup.link("machine", one["machine"], visit.language(), machine=one["machine"]),
            *_row("", one["changed"], one["today"])[1:],
        ]
        for one in found[:MOST_LISTED]
    ]
    more = len(found) - MOST_LISTED
    heads = [t("machine"), t("changed_rule"), t("todays_rule"), t("difference")]
    note = t("more", count=more) if more > 0 else t("most_different_first")
    return markup.card(t("trial_machines"), markup.table(heads, rows, right=(1, 2, 3)), note=note)


def _picture(trial: Json, result: Json) -> None:
    """Signals of one machine around its alarms, those of the changed rule drawn as windows."""
    with st.container(key="trial_picture", border=True):
        machines = [one["machine"] for one in result["by_machine"]]
        serial = choose(t("look_at"), "look_at", machines, str, of=str(trial["id"]))
        sides = {
            side: [one for one in result[f"{side}_alarms"] if one["machine"] == serial]
            for side in ("changed", "today")
        }
        alarms = sides["changed"] or sides["today"]
        if not alarms:
            st.caption(t("no_alarms"))
            return
        begin, end = _span(trial, alarms)
        plan = visit.product(trial["product"])
        rule = next(one for one in plan["rules"] if one["id"] == trial["rule"])
        signals = {signal["key"]: signal for signal in plan["signals"]}
        keys = [key for key in _signals_of(trial, rule) if key in signals][:3]
        when = {"from": begin.isoformat(), "to": end.isoformat(),
                "step": (end - begin).total_seconds() / STEPS}  # fmt: skip
        telemetry = visit.client().get(
            f"/machines/{serial}/telemetry", signals=",".join(keys), **when
        )
        bands = visit.client().get(f"/machines/{serial}/regimes", **when)["bands"]
        edges = (begin.timestamp() * 1000, end.timestamp() * 1000)
        marks = [{**one, "name": rule["name"], "severity": rule["severity"]} for one in alarms]
        for key in keys:
            label = f"{visit.pick(signals[key]['name'])} ({signals[key]['unit'] or '–'})"
            st.html(str(markup.label(label)))
            spec = charts.signal_chart(
                signals[key], telemetry, bands, marks, edges, plan, visit.language()
            )
            windows = [
                (sides["changed"], t("changed_rule"), "#d9480f"),
                (sides["today"], t("todays_rule"), "#1c7ed6"),
            ]
            charts.add_windows(spec, windows, edges)
            st.vega_lite_chart(spec, width="stretch", theme=None, key=f"trial_{serial}_{key}")
        st.caption(t("windows_legend"))


def _span(trial: Json, alarms: list[Json]) -> tuple[datetime, datetime]:
    """Around the latest alarms, as many as fit into one picture."""
    last = alarms[-1]
    end = parse_time(last["cleared_at"] or trial["until"])
    end = min(end, parse_time(last["raised_at"]) + LONGEST / 2) + MARGIN
    first = next(
        parse_time(one["raised_at"])
        for one in alarms
        if end - parse_time(one["raised_at"]) < LONGEST
    )
    return first - MARGIN, end


def _signals_of(trial: Json, rule: Json) -> list[str]:
    """The signals that the conditions name, then those the rule shows."""
    words = " ".join(str(trial["change"].get(field) or rule[field]) for field in ("when", "clear"))
    named = "".join(c if c.isalnum() or c == "_" else " " for c in words).split()
    return list(dict.fromkeys([*named, *rule["shows"]]))
