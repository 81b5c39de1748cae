"""What one does with a ticket: the next step, when the visit is planned, notes."""

from __future__ import annotations

import streamlit as st

from dashboard import changes, markup, visit
from dashboard.choice import choose
from dashboard.client import Json
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
MOST_PEOPLE = 200


def steps(ticket: Json) -> None:
    """The steps that are open to the reader, the next one first."""
    st.html(str(markup.heading(t("next_step"))))
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
    changes.show_error("step")


def _move(ticket: Json, body: Json) -> None:
    def change() -> None:
        visit.client().post(
            f"/tickets/{ticket['number']}/transitions", {**body, "version": ticket["version"]}
        )

    changes.do("step", change)
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
        name = choose(
            t("assign_to"), "assignee", names, lambda key: _person(people[key]),
            of=ticket["number"],
        )  # fmt: skip
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
        code = choose(t("finding_code"), "finding_code", codes, _code_name, of=ticket["number"])
        own = _own_codes(ticket["items"], codes) if len(ticket["items"]) > 1 else {}
        words = st.text_area(t("note"), height=80, key="finish_note")
        if st.form_submit_button(t("to_done"), icon=ICONS["done"], type="primary", width="stretch"):
            body = {"to": "done", "finding_code": code, "item_codes": own}
            _move(ticket, body | _note(words))


def _own_codes(items: list[Json], codes: list[str]) -> dict[str, str]:
    """What was found of single reasons where it is not what was found of the visit."""
    own: dict[str, str] = {}
    with st.expander(t("own_codes")):
        for item in items:
            label = t("finding_code_of", title=visit.pick(item["title"]))
            either: list[str | None] = [None, *codes]
            chosen = choose(label, "item_code", either, _code_name, of=str(item["id"]))
            if chosen is not None:
                own[str(item["id"])] = chosen
    return own


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
            changes.do(
                "plan", lambda: visit.client().put(f"/tickets/{ticket['number']}/plan", body)
            )
            st.rerun()
        changes.show_error("plan")


def note(ticket: Json) -> None:
    """A note in the history."""
    with st.container(key="note_card"), st.form("note", border=False, clear_on_submit=True):
        words = st.text_area(t("add_note"), height=80)
        if st.form_submit_button(t("add_note"), width="stretch") and words.strip():
            changes.do(
                "note",
                lambda: visit.client().post(
                    f"/tickets/{ticket['number']}/notes", {"note": words.strip()}
                ),
            )
            st.rerun()
    changes.show_error("note")


def _note(words: str) -> Json:
    return {"note": words.strip()} if words.strip() else {}
