"""What one reads of an alarm, and does with it: seeing, shelving, out of service, maintenance."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import streamlit as st

from dashboard import changes, evidence, formats, lists, live_html, markup, visit
from dashboard.choice import choose
from dashboard.client import Json
from dashboard.course_chart import course_chart
from dashboard.formats import MISSING
from dashboard.markup import Html, tag
from dashboard.ticket_reasons import cause
from dashboard.visit import t

SHELVE_H = (1, 8, 24, 72, 168)
MAINTENANCE_H = (2, 8, 24, 72)
MOST_RUNNING = 50


def head(alarm: Json) -> Html:
    """What it is, where, since when, and its state."""
    machine = markup.link("machine", alarm["serial"], visit.language(), machine=alarm["serial"])
    title = tag(
        "div",
        tag("strong", visit.pick(alarm["name"])),
        lists.severity_of(alarm["severity"]),
        lists.alarm_state(alarm),
        class_="ip-head",
    )
    ticket = alarm["ticket"]
    seen = alarm["acknowledged_by"]
    pairs: list[tuple[str, object]] = [
        (t("machine"), machine),
        (t("component"), visit.pick(alarm["component_name"])),
        (t("raised"), visit.moment(alarm["raised_at"])),
        (t("returned"), visit.moment(alarm["returned_at"])),
        (t("occurrences"), alarm["occurrences"]),
        (t("seen_by"), f"{seen} · {visit.moment(alarm['acknowledged_at'])}" if seen else MISSING),
        (
            t("ticket"),
            markup.link("tickets", ticket, visit.language(), ticket=ticket) if ticket else MISSING,
        ),
    ]
    return tag("section", title, markup.facts(pairs), class_="ip-card ip-quarters")


def evidence_of(alarm: Json, plan: Json) -> Html:
    """What was measured, and what to do."""
    told = alarm["evidence"].get("reason")
    parts: list[object] = [tag("p", visit.pick(told))] if told else []
    shown = evidence.facts(alarm["evidence"], plan)
    if shown:
        parts.append(markup.facts(shown))
    if alarm["advice"]:
        parts.append(tag("p", tag("b", t("advice"), ": "), visit.pick(alarm["advice"])))
    return markup.card(t("why"), *parts)


def causes(alarm: Json, plan: Json) -> Html:
    """The failure modes that fit, the likeliest first, with what helps and what to bring; of an
    alarm that a learned detector raised, by what it saw."""
    rule = next((one for one in plan["rules"] if one["id"] == alarm["rule"]), None)
    named = alarm["evidence"].get("failure_modes") or (rule["failure_modes"] if rule else [])
    modes = {mode["id"]: mode for mode in plan["failure_modes"]}
    parts = {part["id"]: visit.pick(part["name"]) for part in plan["parts"]}
    told = []
    for mode in (modes[name] for name in named if name in modes):
        bring = [parts[part] for part in mode["parts"] if part in parts]
        words = f"{t('bring')}: {' · '.join(bring)}"
        more = [tag("div", words, class_="ip-muted")] if bring else []
        told.append(cause(mode, *more))
    if not told:
        return Html("")
    card = markup.card(t("likely_causes"), tag("ol", *told), note=t("likeliest_first"))
    return tag("div", card, class_="ip-causes")


def course(alarm: Json, plan: Json) -> None:
    """Expected and seen over time, of what carries a learned detector's finding."""
    if not alarm["evidence"].get("learned"):
        return
    found = visit.client().get(f"/alarms/{alarm['id']}/course")
    signals = {signal["key"]: signal for signal in plan["signals"]}
    drawn = [one for one in found["signals"] if one["signal"] in signals]
    if not found["times"] or not drawn:
        return
    with st.container(key="alarm_course", border=True):
        live_html.show(tag("h3", t("course")), "course_head")
        for one in drawn:
            signal = signals[one["signal"]]
            name = visit.pick(signal["name"])
            words = t("course_fluctuation", signal=name) if one["fluctuation"] else name
            share = t("course_share", share=formats.share(one["share"]))
            key = f"course_{one['signal']}_{one['fluctuation']}"
            live_html.show(tag("p", tag("b", words), f" · {share}"), key)
            unit = signal["unit"] if signal["unit"] != "count" else ""
            spec = course_chart(found, one, alarm, unit or "", visit.language())
            st.vega_lite_chart(spec, width="stretch", theme=None, key=f"{key}_chart")
        st.caption(t("course_how"))


def history(events: list[Json]) -> Html:
    """Every transition, the latest first."""
    steps = [
        tag(
            "div",
            tag("small", f"{visit.moment(event['at'], seconds=True)} · {event['actor']}"),
            tag("b", visit.word("alarm_events", event["kind"])),
            f" ({visit.word('alarm_suppressions', event['detail'])})" if event["detail"] else "",
        )
        for event in reversed(events)
    ]
    return markup.card(t("history_of"), tag("div", *steps, class_="ip-log"))


def actions(alarm: Json) -> None:
    """The steps that are open to the reader."""
    with st.container(key="alarm_steps"):
        st.html(str(markup.heading(t("next_step"))))
        if not visit.has_role("manager", "technician"):
            st.caption(t("no_step"))
            return
        if alarm["state"] in ("active", "returned") and st.button(
            t("acknowledge"), key="acknowledge", icon=":material/check:", type="primary",
            width="stretch",
        ):  # fmt: skip
            _post(f"/alarms/{alarm['id']}/acknowledge", {}, "alarm")
        running = visit.client().pages(
            "/suppressions", MOST_RUNNING, machine=alarm["serial"], running=True
        )
        own = [
            one
            for one in running
            if (one["rule"], one["component"]) == (alarm["rule"], alarm["component"])
        ]
        if own:
            _take_back(own[0])
        else:
            _put_aside(alarm)
        changes.show_error("alarm")


def _take_back(held: Json) -> None:
    live_html.show(lists.suppression_facts(held), "held")
    if st.button(t("take_back"), key="take_back", icon=":material/undo:", width="stretch"):
        _post(f"/suppressions/{held['id']}/end", {}, "alarm")


def _put_aside(alarm: Json) -> None:
    with st.form("shelve", border=False):
        hours = choose(t("shelve_for"), "shelve_for", SHELVE_H, _hours, SHELVE_H[1])
        reason = st.text_input(t("why_silence"), key="shelve_reason")
        if st.form_submit_button(t("shelve"), icon=":material/snooze:", width="stretch"):
            if reason.strip():
                body = {"until": _in(hours), "reason": reason.strip()}
                _post(f"/alarms/{alarm['id']}/shelve", body, "alarm")
            st.error(t("reason_needed"))
    with st.expander(t("out_of_service")), st.form("out", border=False):
        reason = st.text_input(t("why_silence"), key="out_reason")
        if st.form_submit_button(t("out_of_service"), icon=":material/block:", width="stretch"):
            if reason.strip():
                body = {"reason": reason.strip()}
                _post(f"/alarms/{alarm['id']}/out-of-service", body, "alarm")
            st.error(t("reason_needed"))


def maintenance(serial: str, plan: Json) -> None:
    """Maintenance mode of a machine or a component: what runs, and beginning one."""
    if not visit.has_role("manager", "technician"):
        return
    running = [
        one
        for one in visit.client().pages("/suppressions", MOST_RUNNING, machine=serial, running=True)
        if one["kind"] == "maintenance"
    ]
    with st.container(key="maintenance_card"):
        st.html(str(markup.heading(t("maintenance"))))
        for one in running:
            live_html.show(lists.suppression_facts(one), f"mode_{one['id']}")
            if st.button(t("end_it"), key=f"end_{one['id']}", width="stretch"):
                _post(f"/suppressions/{one['id']}/end", {}, "maintenance")
        names = {part["id"]: visit.pick(part["name"]) for part in plan["components"]}
        with st.form("maintenance", border=False):
            places: list[str | None] = [None, *names]
            component = choose(
                t("component"), "maintenance_of", places,
                lambda key: t("whole_machine") if key is None else names[key], of=serial,
            )  # fmt: skip
            hours = choose(t("lasts"), "maintenance_for", MAINTENANCE_H, _hours, MAINTENANCE_H[1])
            reason = st.text_input(t("why_silence"), key="mode_reason")
            pressed = st.form_submit_button(
                t("begin_maintenance"), icon=":material/build:", width="stretch"
            )
        if pressed and reason.strip():
            body = {"until": _in(hours), "reason": reason.strip(), "component": component}
            _post(f"/machines/{serial}/maintenance", body, "maintenance")
        elif pressed:
            st.error(t("reason_needed"))
        changes.show_error("maintenance")


def _hours(hours: int) -> str:
    return visit.span(hours * 3600)


def _in(hours: int) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


def _post(path: str, body: Json, place: str) -> None:
    changes.do(place, lambda: visit.client().post(path, body))
    st.rerun()
