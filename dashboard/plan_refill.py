"""Shelves filled up between two plans: what to move this week, from where to where."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from streamlit.delta_generator import DeltaGenerator

from dashboard import live_html, markup, paging, visit
from dashboard.choice import choose, filters
from dashboard.client import Json
from dashboard.formats import MISSING
from dashboard.markup import Html, tag
from dashboard.visit import t

MOST_REFILLS = 24


def draw() -> None:
    """The newest refill, or one of those before."""
    found = visit.client().get("/plan/refills", limit=MOST_REFILLS)["items"]
    if not found:
        live_html.show(markup.card(t("plan_refill"), markup.empty(t("no_refill"))), "no_refill")
        return
    by_id = {each["id"]: each for each in found}
    left, csv, excel = filters("refill", [3, 1, 1])
    with left:
        chosen = choose(t("refill_of"), "refill_of", list(by_id), lambda key: _name(by_id[key]))
    downloads(csv, excel, f"/plan/refills/{chosen}", f"transfers-{chosen}")
    detail = visit.client().get(f"/plan/refills/{chosen}")
    note = t("refill_note", day=visit.moment(detail["refill"]["counted_at"]))

    def page(moves: Sequence[Json]) -> None:
        live_html.show(markup.card(t("plan_refill"), _table(moves), note=note), "refill_rows")

    paging.show("refill", detail["moves"], page, of=(chosen,))


def downloads(csv: DeltaGenerator, excel: DeltaGenerator, path: str, name: str) -> None:
    """What is shown as files, made when they are asked for."""
    for column, kind, label in ((csv, "csv", "CSV"), (excel, "xlsx", "Excel")):
        column.download_button(
            t("download", kind=label),
            partial(visit.client().bytes, f"{path}/export.{kind}", language=visit.language()),
            file_name=f"{name}.{kind}",
            icon=":material/download:",
            width="stretch",
            key=f"{name}_{kind}",
        )


def _name(refill: Json) -> str:
    return t("refill_name", day=visit.moment(refill["as_of"]), plan=refill["plan"])


def _table(moves: Sequence[Json]) -> Html:
    if not moves:
        return markup.empty(t("nothing_to_move"))
    heads = [t("part"), t("from_warehouse"), t("to_warehouse"), t("move"), t("when"),
             t("there_of"), t("shelf_lasts")]  # fmt: skip
    return markup.table(heads, [_row(move) for move in moves], right=(3, 5, 6))


def _row(move: Json) -> list[object]:
    return [
        tag("div", tag("b", visit.pick(move["name"])),
            tag("div", move["number"], class_="ip-small ip-muted")),
        visit.pick(move["source_name"]),
        visit.pick(move["target_name"]),
        tag("b", str(move["quantity"])),
        t(f"kind_{move['kind']}"),
        f"{move['position']} / {move['level']}",
        _lasts(move["lasts_days"]),
    ]  # fmt: skip


def _lasts(days: float | None) -> object:
    if days is None:
        return MISSING
    if days < 0:
        return markup.pill(t("machines_wait"), "ip-alarm")
    return t("days_left", days=f"{days:.0f}") if days >= 1 else t("none_left")
