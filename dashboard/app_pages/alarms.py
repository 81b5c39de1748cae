"""Alarms: the list, what somebody silenced, and one alarm with its history."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard import alarm_work, lists, live_html, markup, paging, visit
from dashboard.choice import choose, choose_or_all, segment
from dashboard.client import Json
from dashboard.markup import tag
from dashboard.visit import t

EVERY_S = 5
MOST_LISTED = 100
#: What can be looked at, and what the API is asked for it.
VIEWS: dict[str, Json] = {
    "standing": {"live": True, "suppressed": False},
    "suppressed": {"live": True, "suppressed": True},
    "flapping": {"live": True, "flapping": True},
    "over": {"live": False},
}


def draw() -> None:
    """The alarm of the address, or the list where it names none."""
    alarm = visit.asked("alarm")
    if alarm.isdecimal():
        _one(int(alarm))
        return
    st.title(t("alarms_title"))
    with visit.answers():
        overview = visit.client().get("/overview")
        products = {p["id"]: visit.pick(p["name"]) for p in overview["products"]}
        left, middle, right = st.columns([2, 1, 1], vertical_alignment="bottom")
        with left:
            view = segment(t("show"), "alarm_view", list(VIEWS), lambda key: t(f"view_{key}"))
        with middle:
            severity = choose(
                t("least_severity"), "alarm_severity", [1, 2, 3, 4],
                lambda key: visit.word("severities", key),
            )  # fmt: skip
        with right:
            product = choose_or_all(t("product_col"), "alarm_product", products)
        _rows(view, severity, product)


@st.fragment(run_every=EVERY_S)
def _rows(view: str, severity: int, product: str | None) -> None:
    with visit.answers():
        found = visit.client().pages(
            "/alarms", MOST_LISTED, severity=severity, product=product, **VIEWS[view]
        )
        note = t("first_shown", count=MOST_LISTED) if len(found) == MOST_LISTED else ""
        asked = (view, severity, product)
        paging.show("alarms", found, lambda shown: _table(shown, note), of=asked)
        running = visit.client().pages("/suppressions", MOST_LISTED, running=True)
        if running:
            live_html.show(markup.card(t("silenced_now"), lists.suppressions(running)), "silenced")


def _table(shown: Sequence[Json], note: str) -> None:
    table = lists.alarms(shown, machine=True, open_alarm=True)
    live_html.show(tag("section", table, tag("p", note), class_="ip-card"), "alarm_rows")


def _one(alarm_id: int) -> None:
    with visit.answers():
        back = markup.link("alarms", "← " + t("back_alarms"), visit.language())
        live_html.show(back, "back")
        alarm = visit.client().get(f"/alarms/{alarm_id}")
        plan = visit.product(alarm["product"])
        left, right = st.columns([1.9, 1], gap="small")
        with left:
            live_html.show(alarm_work.head(alarm), "alarm_head")
            live_html.show(alarm_work.evidence_of(alarm, plan), "alarm_why")
            live_html.show(alarm_work.causes(alarm, plan), "alarm_causes")
            alarm_work.course(alarm, plan)
            events = visit.client().get(f"/alarms/{alarm_id}/history")["events"]
            live_html.show(alarm_work.history(events), "alarm_history")
        with right:
            alarm_work.actions(alarm)
            alarm_work.maintenance(alarm["serial"], plan)
