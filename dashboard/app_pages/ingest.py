"""Data coming in: who reports, how late, what was rejected and why, who reads on."""

from __future__ import annotations

import streamlit as st

from dashboard import live_html, markup, rejected, visit
from dashboard.client import Json
from dashboard.formats import number
from dashboard.markup import Html, tag
from dashboard.visit import t

EVERY_S = 5
MOST_REPORTERS = 30
#: Key of a title, list in the answer, group of words.
REASONS = (
    ("rejected_by_reason", "rejected_by_reason", "rejection_reasons"),
    ("bad_by_reason", "bad_values_by_reason", "bad_value_reasons"),
)


def draw() -> None:
    """The whole page."""
    st.title(t("ingest_title"))
    _numbers()
    rejected.draw()


@st.fragment(run_every=EVERY_S)
def _numbers() -> None:
    with visit.answers():
        ingest = visit.client().get("/ingest")
        reporters = visit.client().pages("/ingest/machines", MOST_REPORTERS)
        live_html.show(markup.join([_losses(ingest), _tiles(ingest)]), "ingest_tiles")
        left, right = st.columns([1.35, 1], gap="small")
        with left:
            live_html.show(_reporters(reporters), "reporters")
        with right:
            below = [_consumers(ingest), _processes(ingest), _reasons(ingest)]
            live_html.show(tag("div", *below, class_="ip-stack"), "readers")


def _losses(ingest: Json) -> Html:
    """What the broker dropped, where it did."""
    if not ingest["broker_dropped"]:
        return markup.join([])
    when = visit.moment(ingest["broker_dropped_at"], seconds=True)
    said = t("broker_dropped", count=f"{ingest['broker_dropped']:,}", when=when)
    return markup.loss(said)


def _tiles(ingest: Json) -> Html:
    keys = ("messages", "received", "stored", "merged", "repeated", "late", "rejected")
    tiles = [markup.tile(t(key), f"{ingest[key]:,}") for key in keys]
    unknown = markup.tile(t("unknown_machine"), f"{ingest['unknown_machine']:,}")
    return markup.tiles([*tiles, unknown], kind="ip-narrow")


def _reporters(reporters: list[Json]) -> Html:
    heads = [t("serial"), t("connection"), t("last_data"), t("age"), t("delay"), t("received"),
             t("late"), t("rejected")]  # fmt: skip
    rows = [
        [
            tag("b", reporter["serial"], class_="ip-nowrap"),
            visit.word("connections", reporter["connection"]),
            visit.moment(reporter["last_measured_at"], seconds=True),
            visit.age(reporter["age_s"]),
            visit.span(reporter["delay_s"]),
            f"{reporter['received']:,}",
            f"{reporter['late']:,}",
            f"{reporter['rejected']:,}",
        ]
        for reporter in reporters
    ]
    hrefs = [markup.address("machine", visit.language(), machine=r["serial"]) for r in reporters]
    note = t("longest_silent", count=MOST_REPORTERS) if len(rows) == MOST_REPORTERS else ""
    table = markup.table(heads, rows, hrefs=hrefs, right=(5, 6, 7))
    return markup.card(t("who_reports"), table, note=note)


def _consumers(ingest: Json) -> Html:
    rows = [
        [
            consumer["consumer"],
            number(consumer["behind"]),
            visit.span(consumer["lag_s"]),
            visit.moment(consumer["updated_at"], seconds=True),
        ]
        for consumer in ingest["consumers"]
    ]
    heads = [t("consumer"), t("behind"), t("lag"), t("heard")]
    return markup.card(t("consumers"), markup.table(heads, rows, right=(1, 2)))


def _processes(ingest: Json) -> Html:
    rows = [
        [
            tag("div", tag("b", beat["process"]),
                tag("div", beat["address"] or f"pid {beat['pid']}", class_="ip-small ip-muted")),
            _runs(beat["alive"]),
            visit.age(beat["age_s"]),
            visit.moment(beat["started_at"]),
        ]
        for beat in ingest["beats"]
    ]  # fmt: skip
    heads = [t("process"), t("state"), t("heard"), t("started")]
    return markup.card(t("processes"), markup.table(heads, rows))


def _runs(alive: bool) -> Html:
    return tag("b", "● ", t("running")) if alive else tag("b", "✗ ", t("not_running"))


def _reasons(ingest: Json) -> Html:
    tables = []
    for title, key, group in REASONS:
        waiting = key == "rejected_by_reason"
        heads = [t("reason"), t("count"), *([t("waiting")] if waiting else [])]
        rows = [
            [
                visit.word(group, row["reason"]),
                f"{row['count']:,}",
                *([f"{row['waiting']:,}"] if waiting else []),
            ]
            for row in ingest[key]
        ]
        shown = markup.table(heads, rows, right=(1, 2)) if rows else None
        tables.append(markup.card(t(title), shown or markup.empty(t("none"))))
    return markup.join(tables)
