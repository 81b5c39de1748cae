"""CSV files of warehouses, stock, articles, issues and sales plans, with every fault at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from fleet.csv_source import read_lines
from fleet.errors import Fault, IronpulseError
from fleet.text import Text

Row = dict[str, Any]
#: More faults than this help nobody.
MOST_FAULTS = 30


class TableError(IronpulseError):
    """A table that cannot be imported; carries every fault found, by line."""

    def __init__(self, path: Path, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        listed = "\n".join(f"  {fault}" for fault in faults[:MOST_FAULTS])
        more = f"\n  and {len(faults) - MOST_FAULTS} more" if len(faults) > MOST_FAULTS else ""
        super().__init__(f"{path} was not imported, nothing was written:\n{listed}{more}")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its Chinese heading, how a cell is read (ValueError with what is
    wrong), and what an empty cell means; without `empty` it must be filled."""

    zh: str
    read: Callable[[str], Any]
    empty: Any = ...


def text(cell: str) -> str:
    """A word."""
    return cell


def number(least: float) -> Callable[[str], float]:
    """A number above `least`."""

    def read(cell: str) -> float:
        try:
            value = float(cell)
        except ValueError:
            raise ValueError(f"{cell!r} is no number") from None
        if not least < value < 1e12:
            raise ValueError(f"{cell} must lie above {least:g}")
        return value

    return read


def whole(least: int) -> Callable[[str], int]:
    """A whole number of at least `least`."""

    def read(cell: str) -> int:
        try:
            value = int(cell)
        except ValueError:
            raise ValueError(f"{cell!r} is no whole number") from None
        if not least <= value < 10**9:
            raise ValueError(f"{cell} must be {least} or more")
        return value

    return read


def one_of(*words: str) -> Callable[[str], str]:
    """One of some words."""

    def read(cell: str) -> str:
        if cell not in words:
            raise ValueError(f"{cell!r} is none of {', '.join(words)}")
        return cell

    return read


def day(cell: str) -> datetime:
    """A day, at its begin in UTC."""
    try:
        found = date.fromisoformat(cell)
    except ValueError:
        raise ValueError(f"{cell!r} is no date; write 2026-11-30") from None
    return datetime(found.year, found.month, found.day, tzinfo=UTC)


def month(cell: str) -> date:
    """A month, as its first day."""
    try:
        return date.fromisoformat(f"{cell[:7]}-01")
    except ValueError:
        raise ValueError(f"{cell!r} is no month; write 2026-12") from None


WAREHOUSES = {
    "id": Column("仓库编号", text),
    "level": Column("级别", one_of("headquarters", "region", "station")),
    "region": Column("区域", text, None),
    "station": Column("服务站", text, None),
    "name_en": Column("英文名称", text),
    "name_zh": Column("中文名称", text),
}
STOCK = {
    "warehouse": Column("仓库", text),
    "number": Column("物料号", text),
    "on_hand": Column("库存", whole(0)),
    "inbound": Column("在途", whole(0), 0),
    "owed": Column("欠料", whole(0), 0),
}
SUPPLY = {
    "number": Column("物料号", text),
    "price": Column("单价", number(0)),
    "supply_days": Column("供货天数", number(0)),
    "pack": Column("包装数", whole(1), 1),
}
ISSUES = {
    "document": Column("单据号", text),
    "warehouse": Column("仓库", text),
    "number": Column("物料号", text),
    "quantity": Column("数量", whole(1)),
    "issued_at": Column("日期", day),
    "reason": Column("用途", one_of("wear", "service", "repair", "sale"), "repair"),
}
SALES = {
    "month": Column("月份", month),
    "region": Column("区域", text),
    "product": Column("产品", text),
    "model": Column("型号", text),
    "machines": Column("台数", whole(1)),
}


def read_table(
    path: Path,
    columns: Mapping[str, Column],
    key: Sequence[str],
    check: Callable[[Row], Sequence[tuple[str, str]]],
) -> list[Row]:
    """Rows of a CSV file in UTF-8 with English or Chinese headings. `key` columns name a row;
    `check` says (column, fault) of what does not fit the rest of the world.

    Raises TableError with every fault by line.
    """
    lines = read_lines(path)
    names = _header(path, lines, columns)
    faults: list[Fault] = []
    rows: list[Row] = []
    seen: dict[tuple[Any, ...], int] = {}
    for line, cells in lines[1:]:
        row, wrong = _row(cells, names, columns)
        named = tuple(row.get(each) for each in key)
        if not wrong and named in seen:
            wrong = [(key[0], f"{' '.join(map(str, named))} stands in line {seen[named]} already")]
        seen.setdefault(named, line)
        wrong = wrong or list(check(row))
        places = {name: place for place, name in enumerate(names, 1)}
        faults += [Fault(path, line, places.get(c, 1), f"{c}: {m}") for c, m in wrong]
        rows.append(row)
    if faults:
        raise TableError(path, faults)
    return rows


def _header(
    path: Path, lines: Sequence[tuple[int, list[str]]], columns: Mapping[str, Column]
) -> list[str]:
    known = {column.zh: name for name, column in columns.items()}
    cells = [cell.strip() for cell in lines[0][1]] if lines else []
    names = [known.get(cell, cell) for cell in cells]
    needed = [name for name, column in columns.items() if column.empty is ...]
    faults = [f"the column {name} ({columns[name].zh}) is missing" for name in needed
              if name not in names]  # fmt: skip
    faults += [f"there is no column {name}; there are {', '.join(columns)}" for name in names
               if name not in columns]  # fmt: skip
    if faults:
        raise TableError(path, [Fault(path, 1, 1, fault) for fault in faults])
    return names


def _row(
    cells: Sequence[str], names: Sequence[str], columns: Mapping[str, Column]
) -> tuple[Row, list[tuple[str, str]]]:
    row: Row = {name: column.empty for name, column in columns.items() if column.empty is not ...}
    if len(cells) != len(names):
        return row, [(names[0], f"{len(cells)} cells where the header has {len(names)}")]
    wrong = []
    for name, cell in zip(names, map(str.strip, cells), strict=True):
        column = columns[name]
        if not cell:
            if column.empty is ...:
                wrong.append((name, "is empty"))
            continue
        try:
            row[name] = column.read(cell)
        except ValueError as error:
            wrong.append((name, str(error)))
    return row, wrong


def warehouse_row(row: Row) -> Row:
    """A warehouse as the store takes it."""
    name = Text(en=row["name_en"], zh=row["name_zh"]).model_dump()
    return {key: row[key] for key in ("id", "level", "region", "station")} | {"name": name}
