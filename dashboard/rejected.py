"""Rejected messages: which, why, what was sent, and putting them back."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Sequence

import streamlit as st

from dashboard import markup, visit
from dashboard.choice import choose, choose_or_all
from dashboard.client import ApiError, Json
from dashboard.formats import MISSING
from dashboard.markup import Html, tag
from dashboard.visit import t

MOST = 50


def draw() -> None:
    """The card with its filters; messages that were put back are left out unless asked for."""
    with visit.answers(), st.container(key="rejected_card"):
        st.html(str(markup.heading(t("rejected_messages"))))
        _result()
        messages = visit.client().pages("/rejected", MOST, **_filters())
        if not messages:
            st.html(str(markup.empty(t("no_rejected"))))
            return
        st.html(str(_list(messages)))
        if any(message["reason"] == "unknown_machine" for message in messages):
            st.caption(t("early_messages"))
        by_id = {message["id"]: message for message in messages}
        chosen = choose(t("message"), "message", list(by_id), lambda key: _name(by_id[key]))
        st.html(str(_whole(by_id[chosen])))
        if visit.has_role("manager"):
            _put_back(by_id[chosen], messages)


def _filters() -> dict[str, object]:
    """What the reader wants to see, as parameters of the API."""
    counts = {r["reason"]: r for r in visit.client().get("/ingest")["rejected_by_reason"]}
    reason, serial, done = st.columns([1.2, 1, 1], vertical_alignment="bottom")
    with reason:
        reasons = {key: visit.word("rejection_reasons", key) for key in counts}
        chosen = choose_or_all(t("reason"), "rejected_reason", reasons)
    with serial:
        machine = st.text_input(t("serial"), key="rejected_serial").strip()
    with done:
        everything = st.toggle(t("also_put_back"), key="rejected_done")
    return {
        "reason": chosen,
        "machine": machine or None,
        "waiting": None if everything else True,
    }


def _list(messages: Sequence[Json]) -> Html:
    heads = [t("received_at"), t("serial"), t("reason"), t("detail"), t("state")]
    rows = [
        [
            visit.moment(message["received_at"], seconds=True),
            tag("b", message["serial"] or MISSING),
            visit.word("rejection_reasons", message["reason"]),
            visit.pick(message["detail"]),
            _state(message),
        ]
        for message in messages
    ]
    return markup.table(heads, rows, kind="ip-scroll")


def _state(message: Json) -> str:
    if message["replayed_at"]:
        return f"✓ {t('put_back_at', at=visit.moment(message['replayed_at']))}"
    return t("waits")


def _whole(message: Json) -> Html:
    facts = markup.facts(
        [
            (t("received_at"), visit.moment(message["received_at"], seconds=True)),
            (t("serial"), message["serial"] or MISSING),
            (t("topic"), message["topic"]),
            (t("reason"), visit.word("rejection_reasons", message["reason"])),
            (t("detail"), visit.pick(message["detail"])),
            (t("state"), _state(message)),
            (t("size"), f"{message['payload_size']:,} B"),
        ]
    )
    label = tag("div", t("payload"), class_="ip-label")
    payload = tag("div", _payload(message["payload_base64"]), class_="ip-code")
    return markup.join([facts, label, payload])


def _put_back(message: Json, messages: Sequence[Json]) -> None:
    """Buttons that ask before they act."""
    waiting = [each["id"] for each in messages if not each["replayed_at"]]
    with st.container(horizontal=True):
        if not message["replayed_at"]:
            _ask(t("put_back_one"), t("put_back_one_sure"), [message["id"]], "put_back_one")
        if len(waiting) > 1:
            count = len(waiting)
            title = t("put_back_all", count=count)
            _ask(title, t("put_back_all_sure", count=count), waiting, "put_back_all")


def _ask(title: str, sure: str, ids: Sequence[int], key: str) -> None:
    with st.popover(title, icon=":material/replay:"):
        st.write(sure)
        if st.button(t("put_back"), key=key, type="primary"):
            st.session_state.replayed = _replay(ids)
            st.rerun()


def _replay(ids: Sequence[int]) -> Json:
    """Put messages back; returns what became of them, for the reader."""
    counts: Counter[str] = Counter()
    still: Counter[str] = Counter()
    for rejected_id in ids:
        try:
            done = visit.client().post(f"/rejected/{rejected_id}/replay")
        except ApiError as error:
            if error.status != 409:  # which only this message is in the way of
                raise
            still[visit.sentence(error)] += 1
            continue
        if done["outcome"] == "replayed":
            counts.update({name: done[name] for name in ("stored", "merged", "repeated", "again")})
            counts["messages"] += 1
        else:
            still[visit.word("rejection_reasons", done["reason"])] += 1
    return {"counts": counts, "still": still}


def _result() -> None:
    """What the last putting back did, said once."""
    done = st.session_state.pop("replayed", None)
    if done is None:
        return
    if done["counts"]["messages"]:
        counts = {
            name: done["counts"][name] for name in ("messages", "stored", "merged", "repeated")
        }
        st.success(t("put_back_done", **counts), icon=":material/check:")
    for reason, count in done["still"].items():
        st.warning(t("put_back_still", count=count, reason=reason), icon=":material/error:")


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
