"""The lines of a plan as a table for spreadsheets, headings in either language."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from api.present.plan import names
from fleet.plan import Catalogue
from fleet.text import Language
from predict.plan.verdicts import planned_quantity

Row = Mapping[str, Any]
Table = list[list[Any]]

#: English and Chinese heading, and the value of a line.
_COLUMNS: Sequence[tuple[str, str, Callable[[Row], Any]]] = (
    ("Value class", "价值类别", lambda r: r["value_class"]),
    ("Service level", "服务水平", lambda r: r["service_level"]),
    ("Price, yuan", "单价（元）", lambda r: r["price"]),
    ("On hand", "库存", lambda r: r["on_hand"]),
    ("Inbound", "在途", lambda r: r["inbound"]),
    ("Owed", "欠料", lambda r: r["owed"]),
    ("Base stock", "目标库存", lambda r: r["own_level"]),
    ("Days to last", "支撑天数", lambda r: round(r["cover_days"], 1)),
    ("Expected", "预计需求", lambda r: round(r["expected"], 2)),
    ("Not exceeded", "需求上限", lambda r: r["high"]),
    ("To come", "应补", planned_quantity),
    ("Order now", "今日订货", lambda r: r["order_quantity"]),
    ("Emergency", "紧急订货", lambda r: r["emergency_quantity"]),
    ("Transfers", "调拨", lambda r: ", ".join(f"{t['from']}: {t['quantity']}"
                                            for t in r["transfers"])),
    ("Surplus", "呆滞", lambda r: r["surplus"]),
    ("Next order", "下次订货", lambda r: r["order_on"].isoformat() if r["order_on"] else ""),
    ("Old parts to return", "应返旧件", lambda r: round(r["returns"], 2)),
    ("Simple rule", "简单公式", lambda r: r["rule_quantity"]),
    ("Override", "人工调整", lambda r: r["override_quantity"]),
    ("Override reason", "调整原因", lambda r: _safe(r["override_reason"] or "")),
)  # fmt: skip


def table(rows: Sequence[Row], catalogue: Catalogue, language: Language) -> Table:
    """Headings and one row per line."""
    known = names(catalogue)
    chinese = language == "zh"
    heads = ["物料号", "名称", "仓库"] if chinese else ["Number", "Name", "Warehouse"]
    found: Table = [[*heads, *(zh if chinese else en for en, zh, _ in _COLUMNS)]]
    for row in rows:
        name = known.get(row["number"])
        title = row["number"] if name is None else name.zh if chinese else name.en
        place = row["warehouse_name"][language]
        found.append([row["number"], _safe(title), _safe(place),
                      *(value(row) for _, _, value in _COLUMNS)])  # fmt: skip
    return found


def as_csv(rows: Table) -> bytes:
    """CSV in UTF-8 with the mark by which spreadsheets know it."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode("utf-8-sig")


def as_xlsx(rows: Table) -> bytes:
    """An Excel workbook with one sheet, its first row frozen."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for place, column in enumerate(zip(*rows, strict=True), 1):
        width = max(len(str(value)) for value in column if value is not None)
        sheet.column_dimensions[get_column_letter(place)].width = min(max(width + 2, 9), 40)
    sheet.freeze_panes = "D2"
    sheet.auto_filter.ref = sheet.dimensions
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _safe(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
