"""Whatever people wrote, a spreadsheet reads it as text."""

from __future__ import annotations

import csv
import io

from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from api.spreadsheets import Table, as_csv, as_xlsx

FORMULAS = ("=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", " =1", "\r=1", "\n", "＝1+1", "＠A1")
TEXTS = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(FORMULAS)


def read_csv(rows: Table) -> list[list[str]]:
    return list(csv.reader(io.StringIO(as_csv(rows).decode("utf-8-sig"), newline="")))


def test_formulas_in_csv_stand_behind_an_apostrophe() -> None:
    assert read_csv([[text] for text in FORMULAS]) == [[f"'{text}"] for text in FORMULAS]


def test_numbers_and_harmless_texts_stay_as_they_are() -> None:
    rows = [["a = b", "3-5", "泵 (2)", "", None, -4, -0.5]]
    assert read_csv(rows) == [["a = b", "3-5", "泵 (2)", "", "", "-4", "-0.5"]]


@settings(max_examples=25)
@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_excel_gets_every_text_as_text(texts: list[str]) -> None:
    book = load_workbook(io.BytesIO(as_xlsx([["Text", "Number"], *([text, -4] for text in texts)])))
    assert book.active is not None
    for (text, number), written in zip(book.active.iter_rows(min_row=2), texts, strict=True):
        kept = ILLEGAL_CHARACTERS_RE.sub("", written)
        assert (text.value or "") == kept.replace("\r\n", "\n").replace("\r", "\n")
        assert text.data_type != "f" and number.value == -4
