"""What one does with a ticket: the next step, answers to checks, parts replaced, notes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from dashboard import ticket_sheet, visit
from dashboard.client import ApiError, Json
from dashboard.formats import parse_time
from dashboard.visit import t

#: The order in which steps are offered; those that go on come first.
ORDER = ("assigned", "accepted", "travelling", "working", "done", "new", "cancelled")
ICONS = {
    "assigned": ":material/person_add:",
    "accepted": ":material/check:",
    "travelling": ":material/local_shipping:",
    "working": ":material/build:",
    "done": ":material/task_alt:",
    "new": ":material/undo:",
    "cancelled": ":material/block:",
}
#: What became of the part that was fitted.
FOUND = ("worn", "failed", "early", "kept")
MOST_PEOPLE = 200


def steps(ticket: Json) -> None:
    """The steps that are open to the reader, the next one first."""
    st.html(f'<h3 class="ip-heading">{t("next_step")}</h3>')
    open_steps = [step for step in ORDER if step in ticket["next_states"]]
    if not open_steps:
        st.caption(t("no_step"))
    for step in open_steps:
        if step == "done":
            _finish(ticket)
        elif step == "assigned":
            _assign(ticket)
        elif step == "cancelled":
            _cancel(ticket)
        elif st.button(
            t(f"to_{step}"),
            key=f"to_{step}",
            icon=ICONS[step],
            type="primary" if step == open_steps[0] else "secondary",
            width="stretch",
        ):
            _move(ticket, {"to": step})
    _show_error("step")


def _move(ticket: Json, body: Json) -> None:
    def change() -> None:
        visit.client().post(
            f"/tickets/{ticket['number']}/transitions", {**body, "version": ticket["version"]}
        )

    _do("step", change)
    st.rerun()


def _assign(ticket: Json) -> None:
    people = {p["name"]: p for p in visit.client().pages("/technicians", MOST_PEOPLE)}
    if visit.has_role("technician"):
        people = {name: p for name, p in people.items() if name == visit.account()["name"]}
    if not people:
        st.caption(t("nobody_to_assign"))
        return
    # Those of the ticket's own station come first.
    names = sorted(people, key=lambda name: people[name]["station"] != ticket["station"]["id"])
    with st.form("assign", border=False):
        name = st.selectbox(t("assign_to"), names, format_func=lambda name: _person(people[name]))
        if st.form_submit_button(
            t("to_assigned"),
            icon=ICONS["assigned"],
            type="primary" if ticket["status"] == "new" else "secondary",
            width="stretch",
        ):
            _move(ticket, {"to": "assigned", "assignee": name})


def _person(person: Json) -> str:
    return t("person_open", name=visit.pick(person["display"]), count=person["open_tickets"])


def _finish(ticket: Json) -> None:
    codes = list(visit.words()["finding_codes"])
    with st.form("finish", border=False):
        code = st.selectbox(
            t("finding_code"), codes, format_func=lambda key: visit.word("finding_codes", key)
        )
        own: dict[str, str] = {}
        for item in ticket["items"] if len(ticket["items"]) > 1 else ():
            chosen = st.selectbox(
                t("finding_code_of", title=visit.pick(item["title"])),
                [None, *codes],
                format_func=_code_name,
                key=f"code_{item['id']}",
            )
            if chosen is not None:
                own[str(item["id"])] = chosen
        words = st.text_area(t("note"), height=80, key="finish_note")
        if st.form_submit_button(t("to_done"), icon=ICONS["done"], type="primary", width="stretch"):
            body = {"to": "done", "finding_code": code, "item_codes": own}
            _move(ticket, body | _note(words))


def _code_name(code: str | None) -> str:
    return t("as_visit") if code is None else visit.word("finding_codes", code)


def _cancel(ticket: Json) -> None:
    with st.expander(t("to_cancelled")), st.form("cancel", border=False):
        words = st.text_area(t("cancel_why"), height=80)
        if st.form_submit_button(t("to_cancelled"), icon=ICONS["cancelled"], width="stretch"):
            if words.strip():
                _move(ticket, {"to": "cancelled", "note": words.strip()})
            st.error(t("note_needed"))


def plan(ticket: Json) -> None:
    """When the visit is meant to begin."""
    zone = visit.zone()
    begin = parse_time(ticket["planned_at"] or ticket["target_at"]).astimezone(zone)
    with st.container(key="plan_card"), st.form("plan", border=False):
        chosen = st.datetime_input(t("plan_visit"), value=begin.replace(tzinfo=None))
        if st.form_submit_button(t("plan_visit"), icon=":material/event:", width="stretch"):
            body = {
                "planned_at": chosen.replace(tzinfo=zone).isoformat(),
                "version": ticket["version"],
            }
            _do("plan", lambda: visit.client().put(f"/tickets/{ticket['number']}/plan", body))
            st.rerun()
        _show_error("plan")


def note(ticket: Json) -> None:
    """A note in the history."""
    with st.container(key="note_card"), st.form("note", border=False, clear_on_submit=True):
        words = st.text_area(t("add_note"), height=80)
        if st.form_submit_button(t("add_note"), width="stretch") and words.strip():
            _do(
                "note",
                lambda: visit.client().post(
                    f"/tickets/{ticket['number']}/notes", {"note": words.strip()}
                ),
            )
            st.rerun()
    _show_error("note")


def _note(words: str) -> Json:
    return {"note": words.strip()} if words.strip() else {}


def checks(ticket: Json) -> None:
    """The checklist with an input for each; an answer is kept as soon as it is given."""
    found = ticket["checks"]
    done = sum(check["answered_at"] is not None for check in found)
    with st.container(key="checks_card"):
        note_words = t("checks_done", done=done, all=len(found))
        st.html(f'<h3 class="ip-heading">{t("checklist")}<small>{note_words}</small></h3>')
        for check in found:
            left, right = st.columns([1.6, 1], vertical_alignment="center", gap="small")
            with left:
                st.html(str(ticket_sheet.check_words(check)))
            with right:
                _check_input(ticket, check)
                _show_error(f"check_{check['sequence']}")


def _check_input(ticket: Json, check: Json) -> None:
    key = f"answer_{ticket['number']}_{check['sequence']}"
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
        st.html(f'<div class="ip-small">{ticket_sheet.answer_words(check)}</div>')


def _answer(number: str, sequence: int, key: str) -> None:
    value = st.session_state[key]
    if value is None or value == "":
        return
    path = f"/tickets/{number}/checks/{sequence}"
    _do(f"check_{sequence}", lambda: visit.client().put(path, {"answer": value}))


def parts(ticket: Json) -> None:
    """The parts to bring, each with what became of the one that was fitted."""
    with st.container(key="bring_card"):
        st.html(f'<h3 class="ip-heading">{t("bring")}</h3>')
        for part in ticket["parts"]:
            st.html(str(ticket_sheet.part_words(part)))
            key = f"part_{part['id']}"
            st.selectbox(
                t("part_found"),
                FOUND,
                index=_found(part),
                format_func=lambda found: t("kept" if found == "kept" else f"replaced_{found}"),
                placeholder=t("part_found"),
                label_visibility="collapsed",
                key=key,
                on_change=_part,
                args=(ticket["number"], part["id"], key),
            )
            _show_error(key)


def _found(part: Json) -> int | None:
    if part["replaced"] is None:
        return None
    return FOUND.index(part["found"] or "kept")


def _part(number: str, part_id: int, key: str) -> None:
    found = st.session_state[key]
    if found is None:
        return
    body: dict[str, Any] = {"replaced": False}
    if found != "kept":
        body = {"replaced": True, "reason": found}
    _do(key, lambda: visit.client().put(f"/tickets/{number}/parts/{part_id}", body))


def _do(place: str, change: Callable[[], object]) -> None:
    """Make a change; where the API refuses, its sentence appears beside the control."""
    errors: dict[str, str] = st.session_state.setdefault("errors", {})
    errors.pop(place, None)
    try:
        change()
    except ApiError as error:
        errors[place] = visit.sentence(error)


def _show_error(place: str) -> None:
    words = st.session_state.get("errors", {}).pop(place, None)
    if words:
        st.error(words, icon=":material/error:")
