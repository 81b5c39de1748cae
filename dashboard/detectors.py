"""The learned detectors of a machine: which watch it, and which still learn."""

from __future__ import annotations

from dashboard import markup, visit
from dashboard.client import Json
from dashboard.formats import MISSING, number
from dashboard.markup import Html, tag
from dashboard.visit import t


def card(found: Json, plan: Json) -> Html:
    """One row per detector; nothing where the plan has none."""
    if not found["detectors"]:
        return Html("")
    heads = [t("detector"), t("state"), t("detector_knows"), t("detector_fleet")]
    rows = [
        [
            tag("b", visit.pick(one["name"])),
            _state(one, plan),
            visit.span(one["own_h"] * 3600) if one["own_h"] else MISSING,
            t("detector_machines", count=one["machines"]) if one["machines"] else MISSING,
        ]
        for one in found["detectors"]
    ]
    note = t("detectors_note", at=visit.moment(found["as_of"])) if found["as_of"] else ""
    return markup.card(t("detectors"), markup.table(heads, rows), note=note)


def _state(one: Json, plan: Json) -> Html:
    words = t(f"detector_{one['state']}", hours=number(one["left_h"]))
    names = {signal["key"]: visit.pick(signal["name"]) for signal in plan["signals"]}
    blind = [names.get(key, key) for key in one["without"]]
    more = t("detector_without", signals=", ".join(blind)) if blind else ""
    return tag("div", words, tag("div", more, class_="ip-muted") if more else "")
