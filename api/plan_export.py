"""The lines of a plan and the moves of a refill as tables for spreadsheets, in either language."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

from fastapi import Path, Response
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from api.present.plan import names
from fleet.plan import Catalogue
from fleet.text import Language
from predict.plan.verdicts import planned_quantity

Row = Mapping[str, Any]
Table = list[list[Any]]
Kind = Annotated[
    Literal["csv", "xlsx"], Path(description="A CSV file in UTF-8, or an Excel workbook.")
]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

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
    ("Override reason", "调整原因", lambda r: _safe(r["override_reason"] or "")),
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
        name = known.get(row["number"])
        title = row["number"] if name is None else name.zh if chinese else name.en
        full = {**row, "transfers_in": _transfers(row, places, language)}
        found.append([row["number"], _safe(title), _safe(places[row["warehouse"]]),
                      *(value(full) for _, _, value in _COLUMNS)])  # fmt: skip
    return found


def _transfers(row: Row, places: Mapping[str, str], language: Language) -> str:
    said = "{0}调入{1}件" if language == "zh" else "{1} from {0}"
    each = [said.format(places.get(t["from"], t["from"]), t["quantity"]) for t in row["transfers"]]
    return _safe(("；" if language == "zh" else "; ").join(each))


def moves_table(rows: Sequence[Row], catalogue: Catalogue, language: Language) -> Table:
    """Headings and one row per move."""
    known = names(catalogue)
    chinese = language == "zh"
    found: Table = [[zh if chinese else en for en, zh in _MOVES]]
    for row in rows:
        name = known.get(row["number"])
        title = row["number"] if name is None else name.zh if chinese else name.en
        found.append([
            row["number"], _safe(title), _safe(row["source_name"][language]),
            _safe(row["target_name"][language]), row["quantity"], _KINDS[row["kind"]][chinese],
            row["position"], row["level"], row["lasts_days"],
        ])  # fmt: skip
    return found


def answer(rows: Table, kind: Kind, name: str) -> Response:
    """A table as the answer of a download."""
    content, media = (as_csv(rows), "text/csv") if kind == "csv" else (as_xlsx(rows), XLSX)
    headers = {"Content-Disposition": f'attachment; filename="{name}.{kind}"'}
    return Response(content, media_type=media, headers=headers)


def as_csv(rows: Table) -> bytes:
    """CSV in UTF-8 with the mark by which spreadsheets know it."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode("utf-8-sig")


def as_xlsx(rows: Table) -> bytes:
    """An Excel workbook with one sheet, its headings and first columns frozen."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    for cell in sheet[1]:
        cell.font = Font(bold=True)
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    for place, column in enumerate(zip(*rows, strict=True), 1):
        # Headings may break; what stands below must be read whole.
        width = max((_width(value) for value in column[1:] if value is not None), default=0)
        letter = get_column_letter(place)
        sheet.column_dimensions[letter].width = min(max(width + 2, 13), 44)
    sheet.row_dimensions[1].height = 48
    sheet.freeze_panes = "D2"
    sheet.auto_filter.ref = sheet.dimensions
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _width(value: object) -> int:
    """Columns that a value takes: a Chinese character takes two."""
    return sum(2 if ord(letter) > 0x2E7F else 1 for letter in str(value))


def _safe(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
