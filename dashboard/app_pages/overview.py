"""The fleet at a glance: what is wrong, what will be, are promises kept."""

from __future__ import annotations

from collections import Counter

import streamlit as st

from dashboard import decide, fleet_map, lists, live_html, markup, visit
from dashboard.client import Client, Json
from dashboard.formats import share
from dashboard.markup import Html, tag
from dashboard.visit import t

EVERY_S = 5
MACHINES_LAST_S = 15
MOST_MACHINES = 2000
ALARMS = 8
PROMISES = 6
AT_RISK_S = 24 * 3600


def draw() -> None:
    """The whole page; it refreshes itself."""
    st.title(t("overview_title"))
    _live()


@st.fragment(run_every=EVERY_S)
def _live() -> None:
    with visit.answers():
        overview = visit.client().get("/overview")
        machines = _machines(visit.client())
        alarms = visit.client().pages("/alarms", ALARMS)
        live_html.show(markup.join([_losses(overview), _headline(overview)]), "headline")
        left, right = st.columns([1.35, 1], gap="small")
        with left:
            live_html.show(decide.card(overview["decisions"]), "decisions")
        with right, st.container(key="map_card"):
            _map(machines)
        left, right = st.columns([1.35, 1], gap="small")
        with left:
            live_html.show(_matrix(overview, machines), "matrix")
            live_html.show(_promises(overview["promises"]), "promises")
        with right:
            live_html.show(
                markup.card(t("recent_alarms"), lists.alarms(alarms, machine=True)), "alarms"
            )


@st.cache_data(ttl=MACHINES_LAST_S, show_spinner=False)
def _machines(_client: Client) -> list[Json]:
    return _client.pages("/machines", MOST_MACHINES)


def _losses(overview: Json) -> Html:
    """What the broker dropped lately, where it did."""
    dropped = overview["broker_dropped"]
    said = t("broker_dropped_today", count=f"{dropped:,}")
    return markup.loss(said) if dropped else markup.join([])


def _headline(overview: Json) -> Html:
    labels = lists.health_words()
    fresh, parts = overview["freshness"], overview["parts"]
    soon = sum(0 <= promise["left_s"] < AT_RISK_S for promise in overview["promises"])
    index = overview["health_index"]
    return markup.tiles(
        [
            markup.tile(
                t("fleet_health"),
                tag("span", overview["machines"], tag("small", t("machines_unit"), _index(index))),
                markup.health_bar(overview["health"], labels),
                kind="ip-wide",
            ),
            markup.tile(
                t("reporting_now"),
                tag(
                    "span",
                    fresh["reporting"],
                    tag("small", share(fresh["reporting"] / max(1, overview["machines"]))),
                ),
                t("newest_data", age=visit.age(fresh["age_s"])),
                _connections(fresh["connections"]),
            ),
            _open_tickets(overview["tickets"]),
            markup.tile(
                t("promises_at_risk"),
                soon + overview["promises_broken"],
                t("promises_broken", count=overview["promises_broken"]),
                t("promises_soon", count=soon),
            ),
            markup.tile(
                t("wear_alerts"),
                parts["order_now"],
                t("order_now"),
                t("wear_open", open=parts["open"], ordered=parts["ordered"]),
            ),
        ]
    )


def _index(index: int | None) -> str:
    return "" if index is None else f" · {t('health_index', value=index)}"


def _connections(counts: Json) -> str:
    return " · ".join(
        f"{count} {visit.word('connections', key)}" for key, count in counts.items() if count
    )


def _open_tickets(counts: list[Json]) -> Html:
    by_priority = [
        markup.pill(
            f"{visit.word('priorities', c['priority'])} {c['open']}", f"ip-p{c['priority']}"
        )
        for c in counts
        if c["open"]
    ]
    return markup.tile(
        t("open_tickets"),
        sum(count["open"] for count in counts),
        tag("div", *by_priority, class_="ip-pills"),
        t("unassigned", count=sum(count["unassigned"] for count in counts)),
    )


def _map(machines: list[Json]) -> None:
    note = t("map_note")
    if len(machines) == MOST_MACHINES:
        note = t("first_shown", count=MOST_MACHINES)
    st.html(str(markup.heading(t("map"), note)))
    labels = lists.health_words()
    spec = fleet_map.fleet_map(machines, labels, visit.language())
    st.vega_lite_chart(spec, width="stretch", theme=None, key="map")
    counts = Counter(machine["health"] for machine in machines)
    legend = [markup.health(key, f"{labels[key]} {counts[key]}") for key in markup.HEALTH_SIGNS]
    st.html(str(tag("div", *legend, class_="ip-legend")))


def _matrix(overview: Json, machines: list[Json]) -> Html:
    cells: dict[tuple[str, str], Counter[str]] = {}
    for machine in machines:
        place = (machine["region"]["id"], machine["product"]["id"])
        cells.setdefault(place, Counter())[machine["health"]] += 1
    products = [product for product in overview["products"] if product["machines"]]
    heads = [t("region"), *(visit.pick(p["name"]) for p in products), t("total")]
    rows: list[list[object]] = [
        [
            visit.pick(region["name"]),
            *(_cell(cells.get((region["id"], product["id"]), Counter())) for product in products),
            _cell(Counter(region["health"])),
        ]
        for region in overview["regions"]
        if region["machines"]
    ]
    rows.append([t("total"), *(_cell(Counter(p["health"])) for p in products),
                 _cell(Counter(overview["health"]))])  # fmt: skip
    return markup.card(t("matrix"), markup.table(heads, rows, kind="ip-matrix"))


def _cell(counts: Counter[str]) -> Html:
    total = sum(counts.values())
    if not total:
        return tag("span", "–", class_="ip-muted")
    labels = lists.health_words()
    worst = next(key for key in markup.HEALTH_SIGNS if counts[key])
    bars = [
        tag("b", style=f"width:{counts[key] / total:.1%}", class_=f"ip-fill-{key}")
        for key in markup.HEALTH_SIGNS
        if counts[key]
    ]
    spoken = ", ".join(f"{counts[k]} {labels[k]}" for k in markup.HEALTH_SIGNS if counts[k])
    sign = markup.health(worst, str(counts[worst]))
    figure = tag("span", sign, tag("small", f" / {total}"))
    return tag("div", figure, tag("div", *bars, class_="ip-bar"), title=spoken)


def _promises(promises: list[Json]) -> Html:
    if not promises:
        return markup.card(t("next_promises"), markup.empty(t("no_promises")))
    shown = promises[:PROMISES]
    rows = [
        [
            tag(
                "div",
                tag("b", promise["number"], class_="ip-nowrap"),
                tag("div", promise["serial"], class_="ip-small ip-muted"),
            ),
            visit.pick(promise["title"]),
            lists.time_left(promise["left_s"]),
        ]
        for promise in shown
    ]
    hrefs = [markup.address("tickets", visit.language(), ticket=p["number"]) for p in shown]
    heads = [t("ticket"), t("title"), t("target")]
    return markup.card(t("next_promises"), markup.table(heads, rows, hrefs=hrefs))
