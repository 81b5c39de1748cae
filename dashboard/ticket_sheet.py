"""One ticket to read and to print: where, what to check, what to bring, what has happened."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard import lists, markup, visit
from dashboard.client import Json
from dashboard.formats import MISSING, number
from dashboard.markup import Html, tag
from dashboard.visit import t

HOURS_FROM_MIN = 120
STEPS = ("new", "assigned", "accepted", "travelling", "working", "done")


def bar() -> Html:
    """The way back and the printer."""
    back = markup.link("tickets", "← " + t("back_tickets"), visit.language())
    printer = tag("a", t("print"), href="#", data_print="", class_="ip-print")
    return tag("div", back, printer, class_="ip-sheet-bar")


def head(ticket: Json) -> Html:
    """Number, title, machine and how far it has come."""
    title = tag(
        "div",
        tag("strong", f"{ticket['number']} · {visit.pick(ticket['title'])}"),
        lists.priority_of(ticket["priority"]),
        markup.pill(visit.word("ticket_states", ticket["status"]), "ip-strong"),
        tag("b", "⚠ ", t("overdue")) if ticket["overdue"] else "",
        class_="ip-head",
    )
    machine = markup.link("machine", ticket["serial"], visit.language(), machine=ticket["serial"])
    pairs: list[tuple[str, object]] = [
        (t("machine"), tag("div", machine, _small(_product(ticket)))),
        (t("customer"), visit.pick(ticket["customer"]["name"])),
        (t("site"), tag("div", visit.pick(ticket["site"]), _small(_map_link(ticket["position"])))),
        (t("target"), lists.promise_of(ticket)),
        (t("assignee"), ticket["assignee"] or MISSING),
        (t("skill"), visit.word("skills", ticket["skill"])),
        (t("minutes"), _work(ticket["minutes"])),
    ]
    return tag(
        "section", title, _progress(ticket), markup.facts(pairs), class_="ip-card ip-quarters"
    )


def _product(ticket: Json) -> str:
    return f"{visit.pick(ticket['product']['name'])} · {visit.pick(ticket['model']['name'])}"


def _map_link(place: Json) -> Html:
    """Where it stands, for the map of whatever one holds in the hand (RFC 5870)."""
    at = f"{place['lat']:.5f},{place['lon']:.5f}"
    return tag("a", t("open_map"), href=f"geo:{at}?q={at}", title=at)


def _small(content: object) -> Html:
    return tag("div", content, class_="ip-small ip-muted")


def _work(minutes: int) -> str:
    if minutes < HOURS_FROM_MIN:
        return t("minutes_value", count=minutes)
    return f"{minutes / 60:.1f}{t('unit_h')}"


def _progress(ticket: Json) -> Html:
    status = ticket["status"]
    if status not in STEPS:
        return Html("")
    here = STEPS.index(status)
    marks = [
        tag(
            "span",
            ("✓ " if index < here else "") + visit.word("ticket_states", step),
            class_="ip-past" if index < here else "ip-here" if index == here else None,
        )
        for index, step in enumerate(STEPS)
    ]
    return tag("div", *marks, class_="ip-steps")


def attached(ticket: Json) -> Html:
    """Alarms that came while the ticket was open and were not raised anew."""
    found = ticket["attached_alarms"]
    if not found:
        return Html("")
    rows = [
        [
            lists.severity_of(one["severity"]),
            tag(
                "div",
                visit.pick(one["name"]),
                tag("div", visit.pick(one["component_name"]), class_="ip-small ip-muted"),
            ),
            visit.moment(one["happened_at"]),
            visit.pick(one["reason"]),
        ]
        for one in found
    ]
    hrefs = [
        markup.address("alarms", visit.language(), alarm=one["alarm_id"])
        if one["alarm_id"]
        else None
        for one in found
    ]
    heads = [t("severity"), t("alarm"), t("raised"), t("reason")]
    return markup.card(t("attached"), markup.table(heads, rows, hrefs=hrefs))


def checks(ticket: Json) -> Html:
    """The checklist with its answers, to read."""
    found = ticket["checks"]
    if not found:
        return markup.card(t("checklist"), markup.empty(t("no_checks")))
    done = sum(check["answered_at"] is not None for check in found)
    rows = [[str(check["sequence"]), check_words(check), _answer(check)] for check in found]
    table = markup.table(["#", t("checklist"), t("value")], rows, named=1)
    hint = ""
    if ticket["status"] in STEPS[:4]:
        hint = tag("p", t("check_after_start"), class_="ip-empty ip-small")
    note = t("checks_done", done=done, all=len(found))
    return markup.card(t("checklist"), hint, table, note=note)


def check_words(check: Json) -> Html:
    """What to check and how, with limits, time and whether a photo is asked for."""
    below = [visit.pick(check["method"])]
    limits = check["limits"] or {}
    for side, sign in (("below", "≥"), ("above", "≤")):
        if limits.get(side) is not None:
            below.append(f"{sign} {number(limits[side], check['unit'])}")
    below.append(t("minutes_value", count=number(check["minutes"])))
    if check["photo"]:
        below.append(t("photo"))
    small = tag("div", " · ".join(below), class_="ip-small ip-muted")
    return tag("div", visit.pick(check["check"]), small)


def _answer(check: Json) -> Html:
    if check["answered_at"] is None:
        return tag("span", "☐", class_="ip-muted")
    when = visit.moment(check["answered_at"])
    who = t("answered_by", who=check["answered_by"], time=when)
    return tag("div", answer_words(check), tag("div", who, class_="ip-small ip-muted ip-nowrap"))


def answer_words(check: Json) -> Html:
    """The answer in words, and whether it passed."""
    answer = check["answer"]
    if check["result"] == "ok":
        words = t("check_ok") if answer else t("check_bad")
    elif check["result"] == "number":
        words = number(answer, check["unit"])
    elif check["result"] == "choice":
        words = visit.pick(check["choices"][int(answer)])
    else:
        words = str(answer)
    if check["passed"] is None:
        return tag("b", words)
    sign = "✓" if check["passed"] else "✗"
    verdict = t("passed") if check["passed"] else t("failed")
    return tag("b", f"{sign} {words}", title=verdict)


def visit_facts(ticket: Json) -> Html:
    """The times of the visit and what came of it."""
    pairs: list[tuple[str, object]] = [
        (t("opened"), visit.moment(ticket["opened_at"])),
        (t("planned"), visit.moment(ticket["planned_at"])),
        (t("arrived"), visit.moment(ticket["arrived_at"])),
        (t("finished"), visit.moment(ticket["done_at"])),
        (t("station"), visit.pick(ticket["station"]["name"])),
    ]
    if ticket["finding_code"]:
        pairs.append((t("finding_code"), visit.word("finding_codes", ticket["finding_code"])))
    if ticket["finding_note"]:
        pairs.append((t("note"), ticket["finding_note"]))
    return markup.card(t("visit"), markup.facts(pairs))


def parts(ticket: Json) -> Html:
    """The parts to bring, to read."""
    if not ticket["parts"]:
        return markup.card(t("bring"), markup.empty(t("no_bring")))
    if all(part["replaced"] is None for part in ticket["parts"]):
        return markup.card(t("bring"), tag("ul", *map(_to_bring, _alike(ticket["parts"]))))
    rows = [[part_words(part), _replaced(part)] for part in ticket["parts"]]
    return markup.card(t("bring"), markup.table([t("part"), t("part_found")], rows))


def _alike(parts: Sequence[Json]) -> list[list[Json]]:
    """Parts of one kind that are brought for the same reason, together."""
    kinds: dict[tuple[str, str | None, str], list[Json]] = {}
    for part in parts:
        key = (part["part"], part["number"], visit.pick(part["reason"]))
        kinds.setdefault(key, []).append(part)
    return list(kinds.values())


def _to_bring(alike: Sequence[Json]) -> Html:
    """How many of a kind to put into the van, for which places, and why."""
    first = alike[0]
    count = sum(part["quantity"] for part in alike)
    places = [visit.pick(part["position"]) for part in alike if part["position"]]
    return tag("li", *_part(first, count, ", ".join(places)))


def part_words(part: Json) -> Html:
    """A part with its number, place, delivery and why it is brought."""
    place = visit.pick(part["position"]) if part["position"] else ""
    return tag("div", *_part(part, part["quantity"], place))


def _part(part: Json, count: int, place: str) -> list[Html]:
    about = [part["number"] or MISSING, visit.word("lead_classes", part["lead_class"]), place]
    return [
        tag("b", f"{count} × {visit.pick(part['name'])}"),
        _small(" · ".join(filter(None, about))),
        tag("div", visit.pick(part["reason"]), class_="ip-small"),
    ]


def _replaced(part: Json) -> str:
    if part["replaced"] is None:
        return MISSING
    return t(f"replaced_{part['found']}") if part["found"] else t("kept")


def history(ticket: Json) -> Html:
    """What was done, the latest first."""
    events = ticket["history"]
    before = [None, *(event["to_status"] for event in events)]
    steps = [
        tag(
            "div",
            tag("small", f"{visit.moment(event['at'])} · {event['actor']}"),
            *_event(event, status),
        )
        for event, status in zip(events, before, strict=False)
    ][::-1]
    return markup.card(t("history_of"), tag("div", *steps, class_="ip-log"))


def _event(event: Json, before: str | None) -> list[object]:
    """The state it led to, and what was said where that says more."""
    state, words = visit.word("ticket_states", event["to_status"]), visit.pick(event["note"])
    if event["to_status"] == before:
        return [words]
    return [tag("b", state), *([": ", words] if words and words != state else [])]
