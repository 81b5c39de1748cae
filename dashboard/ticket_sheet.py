"""One ticket to read and to print: why, what to check, what to bring, what has happened."""

from __future__ import annotations

from dashboard import evidence, lists, markup, rule_versions, visit
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
    place = ticket["position"]
    pairs: list[tuple[str, object]] = [
        (t("machine"), tag("span", machine, f" · {visit.pick(ticket['product']['name'])}")),
        (t("customer"), visit.pick(ticket["customer"]["name"])),
        (t("site"), f"{visit.pick(ticket['site'])} ({place['lat']:.3f}, {place['lon']:.3f})"),
        (t("target"), lists.promise_of(ticket)),
        (t("assignee"), ticket["assignee"] or MISSING),
        (t("skill"), visit.word("skills", ticket["skill"])),
        (t("minutes"), _work(ticket["minutes"])),
    ]
    return tag(
        "section", title, _progress(ticket), markup.facts(pairs), class_="ip-card ip-quarters"
    )


def _work(minutes: int) -> str:
    if minutes < HOURS_FROM_MIN:
        return t("minutes_value", count=minutes)
    return number(minutes / 60, "h")


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


def reasons(ticket: Json) -> Html:
    """Why somebody goes there: each reason with its evidence and the likely causes."""
    plan = visit.product(ticket["product"]["id"])
    return markup.card(t("why"), *(_reason(item, plan) for item in ticket["items"]))


def _reason(item: Json, plan: Json) -> Html:
    title = tag(
        "h4",
        lists.severity_of(item["severity"]),
        tag("span", visit.pick(item["title"])),
        markup.pill(visit.word("finding_kinds", item["kind"])),
        tag("span", visit.pick(item["component_name"]), class_="ip-muted ip-small"),
    )
    parts: list[object] = [title, tag("p", visit.pick(item["reason"]))]
    shown = evidence.facts(item["evidence"], plan)
    if shown:
        parts.append(markup.facts(shown))
    if item["kind"] == "alarm":
        parts.append(rule_versions.note(item, plan["id"], item["source"]))
    if item["likely_causes"]:
        causes = [
            tag(
                "li",
                tag("b", visit.pick(mode["name"])),
                ": ",
                visit.pick(mode["causes"]),
                tag("div", f"{t('remedy')}: {visit.pick(mode['remedy'])}", class_="ip-muted"),
            )
            for mode in item["likely_causes"]
        ]
        parts += [tag("div", t("likely_causes"), class_="ip-label"), tag("ol", *causes)]
    if item["finding_code"]:
        found = visit.word("finding_codes", item["finding_code"])
        parts.append(tag("p", t("finding_code"), ": ", tag("b", found), " ", item["note"] or ""))
    return tag("div", *parts, class_="ip-item")


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
    table = markup.table(["#", t("checklist"), t("value")], rows)
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
    rows = [[part_words(part), _replaced(part)] for part in ticket["parts"]]
    return markup.card(t("bring"), markup.table([t("part"), t("part_found")], rows))


def part_words(part: Json) -> Html:
    """A part with its number, place, delivery and why it is brought."""
    place = f" · {visit.pick(part['position'])}" if part["position"] else ""
    lead = visit.word("lead_classes", part["lead_class"])
    return tag(
        "div",
        tag("b", f"{part['quantity']} × {visit.pick(part['name'])}"),
        tag("div", f"{part['number'] or MISSING}{place} · {lead}", class_="ip-small ip-muted"),
        tag("div", visit.pick(part["reason"]), class_="ip-small"),
    )


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
