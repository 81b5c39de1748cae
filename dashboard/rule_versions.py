"""Which version of its rule raised an alarm, and what the rule says today."""

from __future__ import annotations

import json

from dashboard import markup, visit
from dashboard.client import Json
from dashboard.markup import Html, tag
from dashboard.visit import t


def note(alarm: Json, product: str, rule: str) -> Html:
    """A line on the version that raised an alarm, or a reason of a ticket; what has changed since
    stands below it."""
    number, today = alarm["rule_version"], alarm["rule_version_today"]
    if number is None:
        return Html("")
    # When a version was loaded matters only where it is no longer the one that judges.
    since = visit.moment(alarm["rule_version_since"])
    said = t(
        "rule_version" if number == today else "rule_version_loaded", number=number, since=since
    )
    words = [tag("p", said, class_="ip-small ip-muted")]
    if today is None:
        words.append(tag("p", t("rule_gone"), class_="ip-small"))
    elif today != number:
        words += [
            tag("p", t("rule_today", number=today), class_="ip-small"),
            _differences(product, rule, number, today),
        ]
    return markup.join(words)


def _differences(product: str, rule: str, then: int, now: int) -> Html:
    answer = visit.client().get(f"/products/{product}/rules/{rule}/versions")
    said: dict[int, Json] = {one["number"]: one["definition"] for one in answer["versions"]}
    keys = [key for key in {**said[then], **said[now]} if said[then].get(key) != said[now].get(key)]
    rows = [
        [tag("code", key), _told(said[then].get(key)), _told(said[now].get(key))] for key in keys
    ]
    return markup.table(["", t("rule_then"), t("rule_now")], rows)


def _told(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:g}"
    return json.dumps(value, ensure_ascii=False)
