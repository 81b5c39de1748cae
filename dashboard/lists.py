"""Lists and pieces that several pages show: health in words, alarms, tickets, life of parts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from dashboard import markup, visit
from dashboard.client import Json
from dashboard.formats import MISSING, number, parse_time
from dashboard.markup import Html, tag
from dashboard.visit import t


def health_words() -> dict[str, str]:
    """Every health in words."""
    return {key: visit.word("health", key) for key in markup.HEALTH_SIGNS}


def health_of(key: str) -> Html:
    """A health with sign, colour and word."""
    return markup.health(key, visit.word("health", key))


def severity_of(severity: int) -> Html:
    """A severity with sign, colour and word."""
    return markup.health(markup.SEVERITY_HEALTH[severity], visit.word("severities", severity))


def grade_of(grade: str) -> Html:
    """Where a value stands against its limits, with sign, colour and word."""
    return markup.health(markup.GRADE_HEALTH[grade], t(f"grade_{grade}"))


def priority_of(priority: int) -> Html:
    """A priority as a label."""
    return markup.pill(visit.word("priorities", priority), f"ip-p{priority}")


def regime_of(machine: Json) -> Html:
    """What a machine is doing, with the colour of its plan."""
    regime = machine["regime"]
    if regime is None:
        return markup.text(MISSING)
    plan = visit.product(machine["product"]["id"])
    colors = {known["id"]: known["color"] for known in plan["regimes"]}
    swatch = tag("span", class_="ip-swatch", style=f"background:{colors.get(regime['id'], '#ccc')}")
    return tag("span", swatch, visit.pick(regime["name"]), class_="ip-nowrap")


def time_left(seconds: float) -> Html:
    """How long until a promise, or for how long it is broken."""
    if seconds < 0:
        return tag("b", "⚠ ", t("late_by", span=visit.span(seconds)))
    return tag("span", t("left", span=visit.span(seconds)))


def alarm_state(alarm: Json) -> Html:
    """The state of an alarm, why it pages nobody, and whether it flaps."""
    parts: list[object] = [markup.pill(visit.word("alarm_states", alarm["state"]))]
    if alarm["suppression"]:
        parts.append(markup.pill(visit.word("alarm_suppressions", alarm["suppression"])))
    if alarm["flapping"]:
        parts.append(markup.pill(t("flapping")))
    if alarm["occurrences"] > 1:
        parts.append(markup.pill(t("times", count=alarm["occurrences"])))
    return tag("span", *parts, class_="ip-pills")


def suppressions(found: Sequence[Json]) -> Html:
    """Who silenced what, until when and why."""
    heads = [t("machine"), t("what"), t("until"), t("who"), t("reason")]
    rows: list[list[object]] = []
    for one in found:
        kind = visit.word("alarm_suppressions", one["kind"])
        about = [one["name"], one["component_name"]]
        place = " · ".join(visit.pick(name) for name in about if name) or t("whole_machine")
        rows.append(
            [
                markup.link("machine", one["serial"], visit.language(), machine=one["serial"]),
                tag("div", kind, tag("div", place, class_="ip-small ip-muted")),
                visit.moment(one["until"]) if one["until"] else t("by_hand"),
                one["set_by"],
                one["reason"],
            ]
        )
    return markup.table(heads, rows)


def suppression_facts(one: Json) -> Html:
    """One thing that is silenced."""
    place = visit.pick(one["component_name"]) if one["component_name"] else t("whole_machine")
    until = visit.moment(one["until"]) if one["until"] else t("by_hand")
    return markup.facts(
        [
            (t("what"), f"{visit.word('alarm_suppressions', one['kind'])} · {place}"),
            (t("until"), until),
            (t("who"), f"{one['set_by']} · {visit.moment(one['since'])}"),
            (t("reason"), one["reason"]),
        ]
    )


def alarms(found: Sequence[Json], *, machine: bool, open_alarm: bool = False) -> Html:
    """Alarms as a table, with their machine where they are of several; `open_alarm`: a row leads
    to the alarm and not to its machine."""
    if not found:
        return markup.empty(t("no_alarms"))
    language = visit.language()
    heads = [t("severity"), t("alarm"), t("raised"), t("ticket")]
    rows: list[list[object]] = []
    for alarm in found:
        name = tag("span", visit.pick(alarm["name"]))
        place = visit.pick(alarm["component_name"])
        if machine:
            place = f"{alarm['serial']} · {place}"
        late = markup.pill(t("late_data")) if alarm["late"] else ""
        ticket = alarm["ticket"]
        rows.append(
            [
                severity_of(alarm["severity"]),
                tag(
                    "div",
                    tag("div", name, " ", late),
                    tag("div", place, class_="ip-small ip-muted"),
                    tag("div", alarm_state(alarm), class_="ip-small"),
                ),
                tag("span", visit.moment(alarm["raised_at"]), class_="ip-nowrap"),
                markup.link("tickets", ticket, language, ticket=ticket) if ticket else MISSING,
            ]
        )
    if open_alarm:
        hrefs = [markup.address("alarms", language, alarm=a["id"]) for a in found]
    else:
        hrefs = [markup.address("machine", language, machine=a["serial"]) for a in found]
    return markup.table(heads, rows, hrefs=hrefs if machine or open_alarm else (), named=1)


def tickets(found: Sequence[Json], *, machine: bool) -> Html:
    """Tickets as a table that leads to each."""
    if not found:
        return markup.empty(t("no_tickets_fit" if machine else "no_tickets"))
    heads = [t("number"), t("priority"), t("title"), t("status"), t("target"), t("station"),
             t("assignee")]  # fmt: skip
    if machine:
        heads.insert(2, t("machine"))
    rows = [_ticket_row(ticket, machine) for ticket in found]
    hrefs = [
        markup.address("tickets", visit.language(), ticket=ticket["number"]) for ticket in found
    ]
    return markup.table(heads, rows, hrefs=hrefs)


def _ticket_row(ticket: Json, machine: bool) -> list[object]:
    row: list[object] = [
        tag("b", ticket["number"], class_="ip-nowrap"),
        priority_of(ticket["priority"]),
        visit.pick(ticket["title"]),
        markup.pill(visit.word("ticket_states", ticket["status"])),
        promise_of(ticket),
        visit.pick(ticket["station"]["name"]),
        ticket["assignee"] or MISSING,
    ]
    if machine:
        place = (
            f"{visit.pick(ticket['product']['name'])} · {visit.pick(ticket['customer']['name'])}"
        )
        row.insert(2, tag("div", ticket["serial"], tag("div", place, class_="ip-small ip-muted")))
    return row


def promise_of(ticket: Json) -> Html:
    """Until when somebody is to be on site, and whether that is still open."""
    moment = tag("span", visit.moment(ticket["target_at"]))
    if ticket["overdue"]:
        return tag("div", moment, tag("div", tag("b", "⚠ ", t("overdue")), class_="ip-small"))
    waiting = not ticket["arrived_at"] and ticket["status"] not in ("done", "cancelled")
    left = (parse_time(ticket["target_at"]) - datetime.now(UTC)).total_seconds()
    if waiting and left > 0:
        below = t("left", span=visit.span(left))
        return tag("div", moment, tag("div", below, class_="ip-small ip-muted"))
    return moment


def limits(bounds: Json) -> str:
    """The limits of a signal in words; `bounds` has its `warn` and `alarm`."""
    found = []
    for grade in ("warn", "alarm"):
        for side, sign in (("below", "<"), ("above", ">")):
            limit = (bounds[grade] or {}).get(side)
            if limit is not None:
                found.append(f"{t(f'grade_{grade}')} {sign} {number(limit)}")
    return ", ".join(found)


def life_bar(used: float | None, life: float | None, unit: str | None) -> Html:
    """Use so far against the expected life."""
    if used is None or life is None:
        return markup.text(MISSING)
    width = min(used / life, 1.0)
    bar = tag("b", style=f"width:{width:.1%}", class_="ip-over" if used > life else None)
    unit_word = visit.word("usage_units", unit)
    words = t("used_of", used=number(used), life=number(life), unit=unit_word)
    return tag(
        "div",
        tag("div", words, tag("span", f" · {used / life:.0%}", class_="ip-muted")),
        tag("div", bar, class_="ip-track"),
        class_="ip-life",
    )


def due(date: str | None) -> str:
    """The day of a quantile, or that it lies beyond the horizon."""
    return visit.day(date) if date else t("beyond")
