"""Machines: the list to find one in, and everything known of one."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard import (
    formats,
    lists,
    live_html,
    machine_history,
    machine_tabs,
    markup,
    paging,
    visit,
)
from dashboard.choice import choose, choose_or_all, filters
from dashboard.client import Json
from dashboard.formats import MISSING, number
from dashboard.markup import Html, tag
from dashboard.visit import t

EVERY_S = 5
MOST_LISTED = 100
COLUMNS = (
    "serial",
    "product_col",
    "customer",
    "region",
    "health",
    "connection",
    "regime",
    "data_age",
    "alarms",
    "tickets",
)


def draw() -> None:
    """The machine of the address, or the list where it names none."""
    serial = visit.asked("machine")
    if serial:
        _one(serial)
        return
    st.title(t("machines_title"))
    _list()


def _list() -> None:
    search, product, region, health, belongs = filters("machines", [2, 1.2, 1, 1, 1])
    text = search.text_input(t("search"), placeholder=t("search_hint"), key="machine_search")
    with visit.answers():
        overview = visit.client().get("/overview")
        names = {
            "product": {each["id"]: visit.pick(each["name"]) for each in overview["products"]},
            "region": {each["id"]: visit.pick(each["name"]) for each in overview["regions"]},
            "health": lists.health_words(),
        }
        labels = {"product": t("product_col"), "region": t("region"), "health": t("health")}
        chosen = {}
        for key, place in (("product", product), ("region", region), ("health", health)):
            with place:
                chosen[key] = choose_or_all(labels[key], f"machine_{key}", names[key])
        with belongs:
            shown = choose(t("belongs"), "machine_belongs", ("in_fleet", "retired"), t)
        _rows(text.strip() or None, {**chosen, "retired": "true" if shown == "retired" else None})


@st.fragment(run_every=EVERY_S)
def _rows(text: str | None, chosen: dict[str, str | None]) -> None:
    with visit.answers():
        found = visit.client().pages("/machines", MOST_LISTED, text=text, **chosen)
        if not found:
            live_html.show(markup.card(t("no_machines")), "machine_rows")
            return
        note = t("first_shown", count=MOST_LISTED) if len(found) == MOST_LISTED else ""
        asked = (text, *chosen.values())
        paging.show("machines", found, lambda shown: _table(shown, note), of=asked)


def _table(shown: Sequence[Json], note: str) -> None:
    hrefs = [markup.address("machine", visit.language(), machine=m["serial"]) for m in shown]
    heads = [t(column) for column in COLUMNS]
    table = markup.table(heads, map(_row, shown), hrefs=hrefs, right=(8, 9))
    live_html.show(tag("section", table, tag("p", note), class_="ip-card"), "machine_rows")


def _row(machine: Json) -> list[object]:
    customer, site = visit.pick(machine["customer"]["name"]), visit.pick(machine["site"])
    product = visit.pick(machine["product"]["name"])
    return [
        tag("b", machine["serial"], class_="ip-nowrap"),
        tag("div", product, _small(visit.pick(machine["model"]["name"]))),
        tag("div", customer, _small(site)),
        visit.pick(machine["region"]["name"]),
        _health(machine),
        visit.word("connections", machine["connection"]),
        lists.regime_of(machine),
        visit.age(machine["last_measured_age_s"]),
        machine["live_alarms"] or MISSING,
        machine["open_tickets"] or MISSING,
    ]


def _small(words: str) -> Html:
    return tag("div", words, class_="ip-small ip-muted")


def _one(serial: str) -> None:
    with visit.answers():
        live_html.show(markup.link("machine", "← " + t("back_machines"), visit.language()), "back")
        machine = visit.lately(f"/machines/{serial}")
        _now(serial)
        machine_history.draw(machine)
        machine_tabs.draw(serial)


@st.fragment(run_every=EVERY_S)
def _now(serial: str) -> None:
    with visit.answers():
        machine = visit.lately(f"/machines/{serial}")
        plan = visit.product(machine["product"]["id"])
        live_html.show(markup.join([_head(machine), _tiles(machine, plan)]), "machine_now")


def _health(machine: Json) -> Html:
    """How it is, or since when it is no longer in the fleet."""
    if machine["retired_at"] is None:
        return lists.health_of(machine["health"])
    return markup.pill(t("retired_on", day=visit.day(machine["retired_at"])))


def _head(machine: Json) -> Html:
    regime = machine["regime"]
    began = regime["since"] if regime else None
    since = f" · {t('since', time=visit.moment(began))}" if began else ""
    connected = visit.word("connections", machine["connection"])
    if machine["connection_since"]:
        connected += f" · {t('since', time=visit.moment(machine['connection_since']))}"
    head = tag(
        "div",
        tag("strong", machine["serial"]),
        _health(machine),
        markup.pill(_product(machine)),
        class_="ip-head",
    )
    hours = machine["hours"]
    pairs: list[tuple[str, object]] = [
        (t("customer"), visit.pick(machine["customer"]["name"])),
        (t("site"), f"{visit.pick(machine['site'])}, {visit.pick(machine['region']['name'])}"),
        (t("station"), visit.pick(machine["station"]["name"])),
        (t("tier"), visit.pick(machine["tier"]["name"])),
        (t("regime"), tag("span", lists.regime_of(machine), tag("small", since))),
        (t("connection"), connected),
        (t("data_age"), visit.age(machine["last_measured_age_s"])),
        (t("hours"), number(hours["value"], hours["unit"]) if hours else MISSING),
    ]
    gone = tag("p", t("retired_note"), class_="ip-muted") if machine["retired_at"] else Html("")
    return tag("section", head, gone, markup.facts(pairs), class_="ip-card ip-quarters")


def _product(machine: Json) -> str:
    return f"{visit.pick(machine['product']['name'])} · {visit.pick(machine['model']['name'])}"


def _tiles(machine: Json, plan: Json) -> Html:
    planned = {signal["key"]: signal for signal in plan["signals"]}
    headline = [signal for signal in machine["signals"] if signal["headline"]]
    # A model without a sensor never measures its signal; before the first data all are shown.
    shown = [signal for signal in headline if signal["at"]] or headline
    tiles = [_tile(signal, planned[signal["key"]]) for signal in shown]
    return markup.tiles(tiles, "ip-signals")


def _tile(signal: Json, planned: Json) -> Html:
    if signal["text"] is not None:
        value: object = visit.pick(signal["text"])
    else:
        value = tag("span", formats.number(signal["value"]), tag("small", signal["unit"] or ""))
    graded = planned["normal"] or planned["warn"] or planned["alarm"]
    first = [lists.grade_of(signal["grade"])] if graded or signal["grade"] == "unknown" else []
    age = visit.age(signal["age_s"]) if signal["at"] else t("never_measured")
    lines: list[object] = [tag("span", *first, " · " if first else "", age)]
    if planned["normal"]:
        low, high = planned["normal"]
        band = t("normal_band", low=number(low), high=number(high, signal["unit"]))
        lines.append(band)
    return markup.tile(visit.pick(signal["name"]), value, *lines)
