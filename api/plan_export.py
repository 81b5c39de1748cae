"""The lines of a plan and the moves of a refill as tables for spreadsheets, in either language."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from api.present.plan import names
from api.schemas.base import Bilingual
from api.spreadsheets import Table
from fleet.plan import Catalogue
from fleet.text import Language
from predict.plan.verdicts import planned_quantity

Row = Mapping[str, Any]

#: English and Chinese heading, and the value of a line.
_COLUMNS: Sequence[tuple[str, str, Callable[[Row], Any]]] = (
    ("Value class", "价值类别", lambda r: r["value_class"]),
    ("Service level", "服务水平", lambda r: r["service_level"]),
    ("Price, yuan", "单价（元）", lambda r: r["price"]),
    ("On hand, pieces", "库存（件）", lambda r: r["on_hand"]),
    ("Inbound, pieces", "在途（件）", lambda r: r["inbound"]),
    ("Owed, pieces", "欠料（件）", lambda r: r["owed"]),
    ("Base stock here, pieces", "本仓目标库存（件）", lambda r: r["own_level"]),
    ("There, with warehouses below, pieces", "现有（含下级仓，件）", lambda r: r["position"]),
    ("Should be, with warehouses below, pieces", "应有（含下级仓，件）", lambda r: r["level"]),
    ("Has to last, days", "需覆盖天数", lambda r: round(r["cover_days"], 1)),
    ("Expected demand in these days, pieces", "期间预计需求（件）",
     lambda r: round(r["expected"], 2)),
    ("Not exceeded at the service level, pieces", "服务水平下的需求上限（件）",
     lambda r: int(r["high"])),
    ("To come, pieces", "应补（件）", planned_quantity),
    ("Worth of what is to come, yuan", "应补金额（元）",
     lambda r: round(planned_quantity(r) * r["price"], 2)),
    ("Order now, pieces", "今日订货（件）", lambda r: r["order_quantity"]),
    ("Emergency order, pieces", "紧急订货（件）", lambda r: r["emergency_quantity"]),
    ("Transfers in", "调入", lambda r: r["transfers_in"]),
    ("Surplus, pieces", "呆滞（件）", lambda r: r["surplus"]),
    ("Next order about", "下次订货约在",
     lambda r: r["order_on"].isoformat() if r["order_on"] else ""),
    ("Old parts to return, pieces", "应返旧件（件）", lambda r: round(r["returns"], 2)),
    ("Simple rule would bring, pieces", "简单公式会补（件）", lambda r: r["rule_quantity"]),
    ("Override, pieces", "人工调整（件）", lambda r: r["override_quantity"]),
    ("Override reason", "调整原因", lambda r: r["override_reason"]),
)  # fmt: skip

_KINDS = {
    "now": ("now", "现在"),
    "arrival": ("once it arrives there", "到货后转运"),
    "back": ("back, not needed there", "退回，原仓用不到"),
}
_MOVES: Sequence[tuple[str, str]] = (
    ("Number", "物料号"), ("Name", "名称"), ("From", "调出仓"), ("To", "调入仓"),
    ("Quantity, pieces", "数量（件）"), ("When", "何时"), ("There, pieces", "现有（件）"),
    ("Should be, pieces", "应有（件）"), ("Lasts, days", "可用天数"),
)  # fmt: skip


def table(rows: Sequence[Row], catalogue: Catalogue, language: Language) -> Table:
    """Headings and one row per line."""
    known = names(catalogue)
    chinese = language == "zh"
    places = {row["warehouse"]: row["warehouse_name"][language] for row in rows}
    heads = ["物料号", "名称", "仓库"] if chinese else ["Number", "Name", "Warehouse"]
    found: Table = [[*heads, *(zh if chinese else en for en, zh, _ in _COLUMNS)]]
    for row in rows:
        full = {**row, "transfers_in": _transfers(row, places, language)}
        found.append([row["number"], _title(row, known, language), places[row["warehouse"]],
                      *(value(full) for _, _, value in _COLUMNS)])  # fmt: skip
    return found


def _transfers(row: Row, places: Mapping[str, str], language: Language) -> str:
    said = "{0}调入{1}件" if language == "zh" else "{1} from {0}"
    each = [said.format(places.get(t["from"], t["from"]), t["quantity"]) for t in row["transfers"]]
    return ("；" if language == "zh" else "; ").join(each)


def moves_table(rows: Sequence[Row], catalogue: Catalogue, language: Language) -> Table:
    """Headings and one row per move."""
    known = names(catalogue)
    chinese = language == "zh"
    found: Table = [[zh if chinese else en for en, zh in _MOVES]]
    for row in rows:
        found.append([
            row["number"], _title(row, known, language), row["source_name"][language],
            row["target_name"][language], row["quantity"], _KINDS[row["kind"]][chinese],
            row["position"], row["level"], row["lasts_days"],
        ])  # fmt: skip
    return found


def _title(row: Row, known: Mapping[str, Bilingual], language: Language) -> str:
    """The name of an article; its number where no product has it."""
    name = known.get(row["number"])
    return row["number"] if name is None else name.zh if language == "zh" else name.en
