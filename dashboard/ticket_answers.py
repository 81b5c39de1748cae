"""A ticket's checks and parts while the technician works: each answer is kept as it is given."""

from __future__ import annotations

import streamlit as st

from dashboard import changes, markup, ticket_sheet, visit
from dashboard.client import Json
from dashboard.markup import tag
from dashboard.visit import t

#: What became of the part that was fitted.
FOUND = ("worn", "failed", "early", "kept")


def checks(ticket: Json) -> None:
    """The checklist with an input for each; an answer is kept as soon as it is given."""
    found = ticket["checks"]
    done = sum(check["answered_at"] is not None for check in found)
    with st.container(key="checks_card"):
        note_words = t("checks_done", done=done, all=len(found))
        st.html(str(markup.heading(t("checklist"), note_words)))
        for check in found:
            left, right = st.columns([1.6, 1], vertical_alignment="center", gap="small")
            with left:
                st.html(str(ticket_sheet.check_words(check)))
            with right:
                _check_input(ticket, check)
                changes.show_error(f"check_{check['sequence']}")


def _check_input(ticket: Json, check: Json) -> None:
    key = f"answer_{ticket['number']}_{check['sequence']}_{visit.language()}"
    label = visit.pick(check["check"])
    given = check["answer"]
    shared: Json = {
        "key": key,
        "label_visibility": "collapsed",
        "on_change": _answer,
        "args": (ticket["number"], check["sequence"], key),
    }
    if check["result"] == "ok":
        st.segmented_control(
            label,
            [True, False],
            default=given,
            format_func=lambda ok: t("check_ok") if ok else t("check_bad"),
            **shared,
        )
    elif check["result"] == "number":
        st.number_input(label, value=given, placeholder=check["unit"] or "", step=None, **shared)
    elif check["result"] == "choice":
        names = [visit.pick(choice) for choice in check["choices"]]
        st.selectbox(
            label,
            range(len(names)),
            index=given,
            format_func=names.__getitem__,
            placeholder=t("value"),
            **shared,
        )
    else:
        st.text_input(label, value=given or "", placeholder=t("value"), **shared)
    if check["answered_at"]:
        st.html(str(tag("div", ticket_sheet.answer_words(check), class_="ip-small")))


def _answer(number: str, sequence: int, key: str) -> None:
    value = st.session_state[key]
    if value is None or value == "":
        return
    path = f"/tickets/{number}/checks/{sequence}"
    changes.do(f"check_{sequence}", lambda: visit.client().put(path, {"answer": value}))


def parts(ticket: Json) -> None:
    """The parts to bring, each with what became of the one that was fitted."""
    with st.container(key="bring_card"):
        st.html(str(markup.heading(t("bring"))))
        for part in ticket["parts"]:
            st.html(str(ticket_sheet.part_words(part)))
            key = f"part_{part['id']}_{visit.language()}"
            place = visit.pick(part["position"]) if part["position"] else ""
            st.selectbox(
                " · ".join(filter(None, (visit.pick(part["name"]), place, t("part_found")))),
                FOUND,
                index=_found(part),
                format_func=lambda found: t("kept" if found == "kept" else f"replaced_{found}"),
                placeholder=t("part_found"),
                label_visibility="collapsed",
                key=key,
                on_change=_part,
                args=(ticket["number"], part["id"], key),
            )
            changes.show_error(key)


def _found(part: Json) -> int | None:
    if part["replaced"] is None:
        return None
    return FOUND.index(part["found"] or "kept")


def _part(number: str, part_id: int, key: str) -> None:
    found = st.session_state[key]
    if found is None:
        return
    body: Json = {"replaced": False}
    if found != "kept":
        body = {"replaced": True, "reason": found}
    changes.do(key, lambda: visit.client().put(f"/tickets/{number}/parts/{part_id}", body))
