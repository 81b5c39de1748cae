"""A line of the parts plan, opened: why, stock against demand, who is behind it, the override."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard import live_html, markup, plan_charts, visit
from dashboard.client import ApiError, Json
from dashboard.formats import MISSING, plain, share
from dashboard.markup import Html, tag
from dashboard.visit import t


def draw(line_id: int) -> None:
    """The whole of one line."""
    detail = visit.client().get(f"/plan/lines/{line_id}")
    line = detail["line"]
    left, right = st.columns([1, 1.15], gap="small")
    with left:
        live_html.show(_why(detail), f"plan_why_{line_id}")
        _override(line)
    with right:
        _charts(line)
        live_html.show(_behind(detail["behind"]), f"plan_behind_{line_id}")


def _why(detail: Json) -> Html:
    items = [tag("li", visit.pick(each)) for each in detail["sentences"]]
    line = detail["line"]
    title = f"{visit.pick(line['name'])} · {visit.pick(line['warehouse_name'])}"
    return markup.card(title, tag("ol", *items, class_="ip-sentences"), note=line["number"])


def _charts(line: Json) -> None:
    head = line["warehouse_level"] == "headquarters"
    found = visit.client().get(f"/plan/runs/{line['run']}/demand", number=line["number"])["items"]
    region = None if head else line["region"]
    months = [each for each in found if each["region"] == region]
    if not months:
        return
    language = visit.language()
    st.html(str(markup.label(t("demand_by_month"), t("band_90"))))
    st.vega_lite_chart(plan_charts.demand_chart(months, language), width="stretch", theme=None)
    st.html(str(markup.label(t("stock_and_demand"), t("band_summed"))))
    planned = line["quantity"] if line["override"] is None else line["override"]["quantity"]
    spec = plan_charts.stock_chart(months, line["position"], planned, language)
    st.vega_lite_chart(spec, width="stretch", theme=None)


def _behind(needs: Sequence[Json]) -> Html:
    if not needs:
        return markup.card(t("behind_line"), markup.empty(t("nobody_behind")))
    heads = [t("machine"), t("reason"), t("within_3_months"), t("quantity")]
    rows = [[_who(each), _need(each), share(each["chance"]), str(each["quantity"])]
            for each in needs]  # fmt: skip
    return markup.card(t("behind_line"), markup.table(heads, rows, right=(2, 3)))


def _who(need: Json) -> object:
    if need["serial"]:
        return markup.link("machine", need["serial"], visit.language(), machine=need["serial"])
    return f"{need['model']} × {need['machines']}" if need["model"] else MISSING


def _need(need: Json) -> str:
    if need["kind"] == "worn":
        return t("need_worn", place=visit.pick(need["position"]), share=share(need["worn_share"]))
    if need["kind"] == "service":
        return t("need_service", service=visit.pick(need["service"]), day=need["due_at"])
    return t("need_new", month=str(need["month"])[:7])


def _override(line: Json) -> None:
    given = line["override"]
    if given is not None:
        st.info(t("override_is", quantity=given["quantity"], who=given["made_by"],
                  reason=plain(given["reason"])), icon=":material/edit_note:")  # fmt: skip
    if not visit.has_role("manager"):
        return
    path = f"/plan/lines/{line['id']}/override"
    with st.form(f"override_{line['id']}"):
        start = given["quantity"] if given else line["quantity"]
        quantity = st.number_input(t("override_quantity"), min_value=0, value=start, step=1)
        reason = st.text_input(t("override_reason"))
        with st.container(horizontal=True):
            put = st.form_submit_button(t("override_put"), type="primary")
            drop = st.form_submit_button(t("override_drop")) if given else False
    try:
        if put and not reason.strip():
            st.error(t("note_needed"), icon=":material/error:")
        elif put:
            visit.client().put(path, {"quantity": int(quantity), "reason": reason.strip()})
            st.rerun()
        elif drop:
            visit.client().delete(path)
            st.rerun()
    except ApiError as error:
        st.error(visit.sentence(error), icon=":material/error:")
