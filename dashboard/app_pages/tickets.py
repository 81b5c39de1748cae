"""Tickets: the queue, and one ticket as the technician sees it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard import (
    lists,
    live_html,
    paging,
    ticket_answers,
    ticket_reasons,
    ticket_sheet,
    ticket_work,
    visit,
)
from dashboard.choice import choose, choose_or_all, filters
from dashboard.client import Json
from dashboard.markup import tag
from dashboard.visit import t

EVERY_S = 5
MOST_LISTED = 200
OPEN = "open"
BEFORE_WORK = ("assigned", "accepted", "travelling")
CLOSED = ("done", "cancelled")


def draw() -> None:
    """The ticket of the address, or the queue where it names none."""
    number = visit.asked("ticket")
    if number:
        _one(number)
        return
    st.title(t("tickets_title"))
    _queue()


def _queue() -> None:
    with visit.answers():
        states = list(visit.words()["ticket_states"])
        left, middle, right, last = filters("queue", [1.2, 1, 1.4, 0.8])
        with left:
            any_state: list[str | None] = [OPEN, None, *states]
            status = choose(t("status"), "queue_status", any_state, _status_name)
        with middle:
            any_priority: list[int | None] = [None, 1, 2, 3, 4]
            priority = choose(t("priority"), "queue_priority", any_priority, _priority_name)
        with right:
            station = choose_or_all(t("station"), "queue_station", _stations())
        overdue = last.toggle(t("only_overdue"), key="queue_overdue")
        _rows(status, priority, station, overdue)


def _status_name(status: str | None) -> str:
    if status == OPEN:
        return t("open_ones")
    return t("all") if status is None else visit.word("ticket_states", status)


def _priority_name(priority: int | None) -> str:
    return t("all") if priority is None else visit.word("priorities", priority)


def _stations() -> dict[str, str]:
    """Stations that have tickets."""
    found = visit.client().pages("/tickets", MOST_LISTED)
    names = {ticket["station"]["id"]: visit.pick(ticket["station"]["name"]) for ticket in found}
    return dict(sorted(names.items(), key=lambda entry: entry[1]))


@st.fragment(run_every=EVERY_S)
def _rows(status: str | None, priority: int | None, station: str | None, overdue: bool) -> None:
    with visit.answers():
        found = visit.client().pages(
            "/tickets",
            MOST_LISTED,
            status=None if status == OPEN else status,
            open=True if status == OPEN else None,
            priority=priority,
            station=station,
        )
        if overdue:
            found = [ticket for ticket in found if ticket["overdue"]]
        note = t("first_shown", count=MOST_LISTED) if len(found) == MOST_LISTED else ""
        asked = (status, priority, station, overdue)
        paging.show("queue", found, lambda shown: _table(shown, note), of=asked)


def _table(shown: Sequence[Json], note: str) -> None:
    table = lists.tickets(shown, machine=True)
    live_html.show(tag("section", table, tag("p", note), class_="ip-card"), "queue")


def _one(number: str) -> None:
    with visit.answers():
        ticket = visit.client().get(f"/tickets/{number}")
        live_html.show(ticket_sheet.bar(), "sheet_bar")
        live_html.show(ticket_sheet.head(ticket), "ticket_head")
        with st.container(key="ticket_body"):
            left, right = st.columns([1.9, 1], gap="small")
        with left:
            live_html.show(ticket_reasons.reasons(ticket), "ticket_why")
            live_html.show(ticket_reasons.causes(ticket), "ticket_causes")
            live_html.show(ticket_sheet.attached(ticket), "ticket_attached")
            _checks(ticket)
        with right:
            # Whoever works answers for checks and parts before the visit can be finished.
            if _working(ticket):
                _parts(ticket)
            with st.container(key="last_step" if _working(ticket) else "steps"):
                ticket_work.steps(ticket)
            live_html.show(ticket_sheet.visit_facts(ticket), "ticket_facts")
            if _plannable(ticket):
                ticket_work.plan(ticket)
            if not _working(ticket):
                _parts(ticket)
            live_html.show(ticket_sheet.history(ticket), "ticket_history")
            if ticket["status"] not in CLOSED:
                ticket_work.note(ticket)


def _plannable(ticket: Json) -> bool:
    mine = ticket["assignee"] == visit.account()["name"]
    return ticket["status"] in BEFORE_WORK and (mine or visit.has_role("manager"))


def _working(ticket: Json) -> bool:
    return ticket["status"] == "working" and visit.has_role("manager", "technician")


def _checks(ticket: Json) -> None:
    if _working(ticket) and ticket["checks"]:
        ticket_answers.checks(ticket)
    else:
        live_html.show(ticket_sheet.checks(ticket), "ticket_checks")


def _parts(ticket: Json) -> None:
    if _working(ticket) and ticket["parts"]:
        ticket_answers.parts(ticket)
    else:
        live_html.show(ticket_sheet.parts(ticket), "ticket_parts")
