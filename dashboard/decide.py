"""What waits for a decision, by what is to be done about it, the most pressing first."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from dashboard import lists, markup, visit
from dashboard.client import Json
from dashboard.markup import Html, tag
from dashboard.visit import t

#: Rows of each kind; the heading tells how many there are.
MOST_SHOWN = 3
#: Where all of a kind are found.
PAGES = {
    "stopped_without_ticket": "alarms",
    "stopped_after_visit": "alarms",
    "promise_broken": "tickets",
    "unassigned": "tickets",
    "unacknowledged": "alarms",
    "order_part": "wear",
}


def card(decisions: Sequence[Json]) -> Html:
    """The overview's decisions, gathered by kind in the order of the most pressing of each."""
    if not decisions:
        return markup.card(t("decide_now"), markup.empty(t("nothing_to_decide")))
    order = {kind: rank for rank, kind in reversed([*enumerate(d["kind"] for d in decisions)])}
    gathered = sorted(decisions, key=lambda decision: order[decision["kind"]])
    groups = groupby(gathered, key=lambda decision: str(decision["kind"]))
    return markup.card(t("decide_now"), *(_group(kind, list(found)) for kind, found in groups))


def _group(kind: str, found: Sequence[Json]) -> Html:
    waiting = found[0]["of_kind"]
    head = tag(
        "div",
        tag("b", f"{waiting} · {t(f'kind_{kind}')}"),
        tag("span", t(f"decide_{kind}"), class_="ip-muted ip-small"),
        class_="ip-group",
    )
    shown = found[:MOST_SHOWN]
    rows = tag("ul", *map(_decision, shown), class_="ip-rank")
    more = waiting - len(shown)
    if not more:
        return markup.join([head, rows])
    link = markup.link(PAGES[kind], t("more_of", count=more), visit.language())
    return markup.join([head, rows, tag("div", link, class_="ip-small ip-more")])


def _decision(decision: Json) -> Html:
    href = _address(decision)
    place = " · ".join(
        (decision["serial"], visit.pick(decision["product"]["name"]),
         visit.pick(decision["region"]["name"]))
    )  # fmt: skip
    if decision["machines"] > 1:
        place = t("first_needed_by", machine=place)
    link = tag("a", _told(decision), href=href, data_go="")
    return tag(
        "li",
        tag("div", link, tag("small", place), class_="ip-what"),
        tag("div", lists.health_of(decision["health"]), tag("div", _when(decision)),
            class_="ip-when"),
        data_href=href,
    )  # fmt: skip


def _told(decision: Json) -> str:
    subject = visit.pick(decision["subject"])
    if decision["kind"] != "order_part":
        return f"{decision['ticket']} · {subject}" if decision["ticket"] else subject
    count = decision["machines"]
    wanted = f"{decision['quantity']} × {subject}"
    return wanted if count == 1 else f"{wanted} · {t('for_machines', count=count)}"


def _when(decision: Json) -> str:
    if decision["kind"] == "order_part":
        return t("order_until", day=visit.day(decision["since"]))
    return visit.moment(decision["since"])


def _address(decision: Json) -> str:
    language = visit.language()
    if decision["ticket"]:
        return markup.address("tickets", language, ticket=decision["ticket"])
    if decision["alarm_id"]:
        return markup.address("alarms", language, alarm=decision["alarm_id"])
    if decision["machines"] > 1:
        return markup.address("wear", language)
    return markup.address("wear", language, machine=decision["serial"])
