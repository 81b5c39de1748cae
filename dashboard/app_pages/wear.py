"""Wear parts: what, where, when, how sure, what to order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import (
    live_html,
    markup,
    paging,
    seen_tabs,
    time_axis,
    visit,
    wear_lives,
    wear_order,
)
from dashboard.choice import choose, choose_or_all, filters
from dashboard.client import Json
from dashboard.formats import MISSING, share
from dashboard.markup import Html, tag
from dashboard.visit import t

EVERY_S = 15
MOST_LISTED = 500
LIVE = "live"
LIVE_STATES = ("open", "ordered")


def draw() -> None:
    """The whole page."""
    st.title(t("wear_title"))
    with visit.answers():
        overview = visit.client().get("/overview")
        _live(overview)


@st.fragment(run_every=EVERY_S)
def _live(overview: Json) -> None:
    with visit.answers():
        above = st.container()
        tab, place = seen_tabs.opened("wear", ("tab_alerts", "by_urgency", "totals"))
        with above:
            columns = filters("wear", 5)
        chosen = _filters(overview, columns[:3])
        if tab == "by_urgency":
            part = _part(columns[3], wear_lives.part_names(overview, chosen["product"]))
            with place:
                wear_lives.draw({**chosen, "part": part})
            return
        alerts = _found(chosen, _status(columns[4]))
        part = _part(columns[3], _part_names(alerts))
        shown = [alert for alert in alerts if part is None or alert["part"] == part]
        with place:
            if tab == "totals":
                live_html.show(_totals(shown), "wear_totals")
            else:
                _alerts(shown, _regions(overview), tuple(chosen.values()))


def _regions(overview: Json) -> dict[str, str]:
    return {r["id"]: visit.pick(r["name"]) for r in overview["regions"]}


def _filters(overview: Json, places: Sequence[DeltaGenerator]) -> dict[str, str | None]:
    """What every tab can be asked for."""
    region, product, machine = places
    products = {p["id"]: visit.pick(p["name"]) for p in overview["products"]}
    asked = _asked()
    with region:
        in_region = choose_or_all(t("region"), "wear_region", _regions(overview), of=asked)
    with product:
        of_product = choose_or_all(t("product_col"), "wear_product", products, of=asked)
    serial = machine.text_input(t("serial"), asked, key=f"wear_serial_{asked}").strip()
    return {"region": in_region, "product": of_product, "machine": serial or None}


def _asked() -> str:
    """The machine that the address names; it is not hidden by what was chosen before."""
    return visit.asked("machine")


def _status(place: DeltaGenerator) -> str | None:
    """Alerts have a status; the parts of the fleet, which stand by urgency, have none."""
    any_state: list[str | None] = [LIVE, None, *visit.words()["part_alert_states"]]
    with place:
        return choose(t("status"), "wear_status", any_state, _status_name, of=_asked())


def _part(place: DeltaGenerator, names: dict[str, str]) -> str | None:
    with place:
        return choose_or_all(t("part"), "wear_part", names)


def _found(chosen: dict[str, str | None], status: str | None) -> list[Json]:
    """The alerts asked for, those to be ordered first on top. The fleet's past holds many more
    than stand now: only those that are wanted are asked for."""
    states = LIVE_STATES if status == LIVE else (status,)
    alerts = [
        alert
        for state in states
        for alert in visit.client().pages("/parts/alerts", MOST_LISTED, status=state, **chosen)
    ]
    return sorted(alerts, key=lambda alert: str(alert["order_by"]))


def _status_name(status: str | None) -> str:
    if status == LIVE:
        return t("live_alerts")
    return t("all") if status is None else visit.word("part_alert_states", status)


def _alerts(shown: Sequence[Json], regions: dict[str, str], asked: Sequence[object]) -> None:
    open_alerts = [alert for alert in shown if alert["status"] in LIVE_STATES]
    if open_alerts and visit.has_role("manager", "parts"):
        wear_order.act(open_alerts)
    paging.show("wear", shown, lambda page: _table(page, regions), of=asked)


def _part_names(alerts: Sequence[Json]) -> dict[str, str]:
    return dict(sorted({a["part"]: visit.pick(a["name"]) for a in alerts}.items()))


def _table(alerts: Sequence[Json], regions: dict[str, str]) -> None:
    if not alerts:
        live_html.show(markup.card(t("wear_title"), markup.empty(t("no_alerts"))), "wear_rows")
        return
    heads: list[str] = [t("part"), t("machine"), t("when"), t("sure"), t("order_by"), t("lead"),
                        t("status")]  # fmt: skip
    now = datetime.now(UTC)
    axis: list[object] = ["", "", time_axis.axis(now), *([""] * 4)]
    rows = [axis, *(_row(alert, now, regions) for alert in alerts)]
    table = markup.table(heads, rows, kind="ip-wear")
    card = markup.card(t("wear_alerts"), table, note=t("interval_legend"))
    live_html.show(card, "wear_rows")


def _row(alert: Json, now: datetime, regions: dict[str, str]) -> list[object]:
    language = visit.language()
    machine = markup.link("machine", alert["serial"], language, machine=alert["serial"])
    ticket = alert["ticket"]
    below: list[object] = [visit.word("part_alert_states", alert["status"])]
    if ticket:
        below += [tag("br"), markup.link("tickets", ticket, language, ticket=ticket)]
    late = tag("div", tag("b", "⚠ ", t("overdue")), class_="ip-small") if alert["overdue"] else ""
    return [
        tag(
            "div",
            tag("b", f"{alert['quantity']} × {visit.pick(alert['name'])}"),
            tag("div", f"{alert['number'] or MISSING} · {visit.pick(alert['position_name'])}",
                class_="ip-small ip-muted"),
        ),
        tag("div", machine, tag("div", regions.get(alert["region"], alert["region"]),
                                class_="ip-small ip-muted")),
        time_axis.interval(
            alert["remaining"],
            now,
            f"{t('needed_by')} {visit.day(alert['needed_by'])}",
            alert["order_by"],
        ),
        tag("div", share(alert["probability"]),
            tag("div", _basis(alert["remaining"]), class_="ip-small ip-muted")),
        tag("div", visit.day(alert["order_by"]), late),
        tag("div", visit.word("lead_classes", alert["lead_class"]),
            tag("div", visit.word("price_classes", alert["price_class"]),
                class_="ip-small ip-muted")),
        tag("div", *below),
    ]  # fmt: skip


def _basis(life: Json | None) -> str:
    if life is None:
        return MISSING
    return t("samples", count=life["sample_size"]) if life["sample_size"] else t("from_plan")


def _totals(alerts: Sequence[Json]) -> Html:
    groups: dict[str, list[Json]] = {}
    for alert in alerts:
        groups.setdefault(alert["part"], []).append(alert)
    rows = [
        [
            visit.pick(group[0]["name"]),
            group[0]["number"] or MISSING,
            str(sum(alert["quantity"] for alert in group)),
            str(len({alert["serial"] for alert in group})),
            visit.day(min(alert["order_by"] for alert in group)),
            visit.word("lead_classes", group[0]["lead_class"]),
        ]
        for group in sorted(groups.values(), key=lambda g: min(a["order_by"] for a in g))
    ]
    heads = [t("part"), t("number"), t("quantity"), t("machines_count"), t("earliest"), t("lead")]
    return markup.card(t("totals"), markup.table(heads, rows, right=(2, 3)))
