"""Data coming in: who reports, how late, what was rejected and why, who reads on."""

from __future__ import annotations

import base64

import streamlit as st

from dashboard import live_html, markup, visit
from dashboard.client import Json
from dashboard.formats import MISSING, number
from dashboard.markup import Html, tag
from dashboard.visit import t

EVERY_S = 5
MOST_REPORTERS = 30
MOST_REJECTED = 50
#: Key of a title, list in the answer, group of words.
REASONS = (
    ("rejected_by_reason", "rejected_by_reason", "rejection_reasons"),
    ("bad_by_reason", "bad_values_by_reason", "bad_value_reasons"),
)


def draw() -> None:
    """The whole page."""
    st.title(t("ingest_title"))
    _numbers()
    _messages()


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
            tag("b", reporter["serial"]),
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
        rows = [[visit.word(group, row["reason"]), f"{row['count']:,}"] for row in ingest[key]]
        shown = markup.table([t("reason"), t("count")], rows, right=(1,)) if rows else None
        tables.append(markup.card(t(title), shown or markup.empty(t("none"))))
    return markup.join(tables)


def _messages() -> None:
    with visit.answers(), st.container(key="rejected_card"):
        st.html(f'<h3 class="ip-heading">{t("rejected_messages")}</h3>')
        rejected = visit.client().pages("/rejected", MOST_REJECTED)
        if not rejected:
            st.html(str(markup.empty(t("no_rejected"))))
            return
        by_id = {message["id"]: message for message in rejected}
        chosen = st.selectbox(
            t("message"), list(by_id), format_func=lambda key: _name(by_id[key]), key="message"
        )
        message = by_id[chosen]
        facts = markup.facts(
            [
                (t("received_at"), visit.moment(message["received_at"], seconds=True)),
                (t("serial"), message["serial"] or MISSING),
                (t("topic"), message["topic"]),
                (t("reason"), visit.word("rejection_reasons", message["reason"])),
                (t("detail"), visit.pick(message["detail"])),
                (t("size"), f"{message['payload_size']:,} B"),
            ]
        )
        label = tag("div", t("payload"), class_="ip-label")
        payload = tag("div", _payload(message["payload_base64"]), class_="ip-code")
        st.html(str(markup.join([facts, label, payload])))


def _name(message: Json) -> str:
    when = visit.moment(message["received_at"], seconds=True)
    reason = visit.word("rejection_reasons", message["reason"])
    return f"{when} · {message['serial'] or message['topic']} · {reason}"


def _payload(encoded: str) -> str:
    """The bytes as text where they are text, else as hexadecimal digits."""
    raw = base64.b64decode(encoded)
    try:
        shown = raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.hex(" ")
    return shown if all(c.isprintable() or c in "\r\n\t" for c in shown) else raw.hex(" ")
