"""Tables as files for spreadsheets: CSV and Excel, in which a text stays a text.

Names and reasons are other people's words. A spreadsheet that opens a file takes some texts for
formulas, and formulas can call programs and send what stands beside them elsewhere.
"""

from __future__ import annotations

import csv
import io
import re
from typing import Annotated, Any, Literal

from fastapi import Path, Response
from openpyxl import Workbook
from openpyxl.cell import Cell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

#: Headings, then rows: texts, numbers, None.
Table = list[list[Any]]
Kind = Annotated[
    Literal["csv", "xlsx"], Path(description="A CSV file in UTF-8, or an Excel workbook.")
]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

#: What makes a text a formula where CSV is read; white space before it does not help.
_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n]")


def answer(rows: Table, kind: Kind, name: str) -> Response:
    """A table as the answer of a download."""
    content, media = (as_csv(rows), "text/csv") if kind == "csv" else (as_xlsx(rows), XLSX)
    headers = {"Content-Disposition": f'attachment; filename="{name}.{kind}"'}
    return Response(content, media_type=media, headers=headers)


def as_csv(rows: Table) -> bytes:
    """CSV in UTF-8 with the mark by which spreadsheets know it. A text that would be a formula has
    an apostrophe before it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerows([_unquestioned(value) for value in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def _unquestioned(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def as_xlsx(rows: Table) -> bytes:
    """An Excel workbook with one sheet, its headings and first columns frozen. Texts are marked as
    such; control characters, which Excel cannot hold, are left out."""
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    for row in rows:
        sheet.append([_cell(sheet, value) for value in row])
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


def _cell(sheet: Worksheet, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    cell = Cell(sheet, value=ILLEGAL_CHARACTERS_RE.sub("", value))
    cell.data_type = "s"
    return cell


def _width(value: object) -> int:
    """Columns that a value takes: a Chinese character takes two."""
    return sum(2 if ord(letter) > 0x2E7F else 1 for letter in str(value))
