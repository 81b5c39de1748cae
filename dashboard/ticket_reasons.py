"""Why somebody goes there: what is wrong, what to do first, and what it most likely is."""

from __future__ import annotations

from dashboard import evidence, lists, markup, rule_versions, visit
from dashboard.client import Json
from dashboard.markup import Html, tag
from dashboard.visit import t


def reasons(ticket: Json) -> Html:
    """Each reason with its evidence, the most severe first; that one is open to read."""
    plan = visit.product(ticket["product"]["id"])
    items = [_reason(item, plan, first=not rank) for rank, item in enumerate(ticket["items"])]
    return markup.card(t("why"), *items)


def _reason(item: Json, plan: Json, *, first: bool) -> Html:
    title = tag(
        "summary",
        lists.severity_of(item["severity"]),
        tag("b", visit.pick(item["title"])),
        markup.pill(visit.word("finding_kinds", item["kind"])),
        tag("span", visit.pick(item["component_name"]), class_="ip-muted ip-small"),
    )
    parts: list[object] = [title, tag("p", visit.pick(item["reason"]))]
    advice = _advice(item, plan)
    if advice is not None:
        parts.append(tag("p", tag("b", t("advice"), ": "), visit.pick(advice), class_="ip-advice"))
    shown = evidence.facts(item["evidence"], plan)
    if shown:
        parts.append(markup.facts(shown))
    if item["kind"] == "alarm":
        parts.append(rule_versions.note(item, plan["id"], item["source"]))
    if item["finding_code"]:
        found = visit.word("finding_codes", item["finding_code"])
        parts.append(tag("p", t("finding_code"), ": ", tag("b", found), " ", item["note"] or ""))
    return tag("details", *parts, class_="ip-item", open="" if first else None)


def _advice(item: Json, plan: Json) -> Json | None:
    """What the rule behind an alarm says to do, as the plan has it today."""
    if item["kind"] != "alarm":
        return None
    return next((rule["advice"] for rule in plan["rules"] if rule["id"] == item["source"]), None)


def causes(ticket: Json) -> Html:
    """What it most likely is, how that comes about and what helps: once for the whole visit."""
    if not ticket["likely_causes"]:
        return Html("")
    told = map(cause, ticket["likely_causes"])
    card = markup.card(t("likely_causes"), tag("ol", *told), note=t("likeliest_first"))
    return tag("div", card, class_="ip-causes")


def cause(mode: Json, *more: object) -> Html:
    """A failure mode: how it comes about, what helps, and `more` of it."""
    return tag(
        "li",
        tag("b", visit.pick(mode["name"])),
        tag("div", visit.pick(mode["causes"])),
        tag("div", f"{t('remedy')}: {visit.pick(mode['remedy'])}", class_="ip-muted"),
        *more,
    )
