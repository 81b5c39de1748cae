"""The fleet's fitted parts by urgency, with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from dashboard import live_html, markup, paging, time_axis, visit
from dashboard.client import Json
from dashboard.formats import MISSING, share
from dashboard.markup import tag
from dashboard.visit import t

MOST_LISTED = 200


def part_names(overview: Json, product: str | None) -> dict[str, str]:
    """The wear parts of a product, or of all where none is chosen: id -> name."""
    products = [each["id"] for each in overview["products"] if product in (None, each["id"])]
    parts = [part for each in products for part in visit.product(each)["parts"]]
    names = {part["id"]: visit.pick(part["name"]) for part in parts}
    return dict(sorted(names.items(), key=lambda item: item[1]))


def draw(chosen: dict[str, str | None]) -> None:
    """The list, due first (P10) on top; `chosen` are the region, product, machine and part asked
    for."""
    found = visit.client().pages("/parts/fitted", MOST_LISTED, **chosen)
    parts = [part for part in found if part["remaining"] is not None]
    if not parts:
        live_html.show(markup.card(t("by_urgency"), markup.empty(t("no_parts"))), "no_lives")
        return
    paging.show("fitted", parts, _table, of=tuple(chosen.values()))


def _table(parts: Sequence[Json]) -> None:
    now = datetime.now(UTC)
    heads = [t("part"), t("machine"), t("when"), t("worn_share"), t("basis")]
    axis: list[object] = ["", "", time_axis.axis(now), "", ""]
    rows = [axis, *(_row(part, now) for part in parts)]
    table = markup.table(heads, rows, right=(3,), kind="ip-wear")
    below = tag("p", t("not_measured"), class_="ip-small ip-muted")
    card = markup.card(t("by_urgency"), table, below, note=t("interval_short"))
    live_html.show(card, "life_rows")


def _row(part: Json, now: datetime) -> list[object]:
    life = part["remaining"]
    below = f"{part['number'] or MISSING} · {visit.pick(part['position_name'])}"
    samples = life["sample_size"]
    return [
        tag("div", tag("b", visit.pick(part["name"])),
            tag("div", below, class_="ip-small ip-muted")),
        markup.link("machine", part["serial"], visit.language(), machine=part["serial"]),
        time_axis.interval(life, now, t("beyond")),
        share(life["worn_share"]),
        t("samples", count=samples) if samples else t("from_plan"),
    ]  # fmt: skip
