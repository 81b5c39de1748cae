"""`ironpulse warehouses import` and `ironpulse parts import`: what the parts plan is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from fleet.clock import now_ms, to_datetime
from fleet.plan import Catalogue
from ironpulse.foreground import says_errors
from ironpulse.settings import Settings
from ironpulse.stock_tables import (
    ISSUES,
    SALES,
    STOCK,
    SUPPLY,
    WAREHOUSES,
    Column,
    Row,
    read_table,
    warehouse_row,
)
from store import fleet_view, machines, stock
from store.connection import Connection, connect, our_errors
from store.plans import load_catalogue

warehouses_app = typer.Typer(no_args_is_help=True, help="Warehouses of the parts plan.")
parts_app = typer.Typer(no_args_is_help=True, help="Stock, prices, issues and sales plans.")

Kind = Literal["stock", "supply", "issues", "sales"]
_COLUMNS: Mapping[Kind, tuple[Mapping[str, Column], tuple[str, ...]]] = {
    "stock": (STOCK, ("warehouse", "number")),
    "supply": (SUPPLY, ("number",)),
    "issues": (ISSUES, ("document",)),
    "sales": (SALES, ("month", "region", "product", "model")),
}


@warehouses_app.command("import")
@says_errors
def warehouses_import(
    file: Annotated[
        Path, typer.Argument(help="CSV: id, level, region, station, name_en, name_zh.")
    ],
) -> None:
    """Register warehouses from a CSV file: one of the headquarters, of regions, of stations."""
    with connect(Settings().database()) as connection, our_errors(), connection.transaction():
        count = import_warehouses(connection, file)
    typer.echo(f"{count} warehouses are registered.")


@warehouses_app.command("list")
@says_errors
def warehouses_list() -> None:
    """List the warehouses."""
    with connect(Settings().database()) as connection, our_errors():
        for row in stock.warehouses(connection):
            place = row["station"] or row["region"] or "-"
            typer.echo(f"{row['id']}  {row['level']}  {place}  {row['name']['en']}")


@parts_app.command("import")
@says_errors
def parts_import(
    kind: Annotated[Kind, typer.Argument(help="What the file holds.")],
    file: Annotated[Path, typer.Argument(help="CSV in UTF-8, English or Chinese headings.")],
) -> None:
    """Import stock, supply (prices and days), issues or a sales plan from a CSV file."""
    with connect(Settings().database()) as connection, our_errors(), connection.transaction():
        count = import_parts(connection, kind, file)
    typer.echo(f"{count} rows of {kind} are imported.")


def import_warehouses(connection: Connection, file: Path) -> int:
    """Write the warehouses of a file; returns how many. Raises TableError with every fault."""
    regions = {row["id"] for row in fleet_view.regions(connection)}
    stations = machines.station_regions(connection)
    known = {row["level"]: row["id"] for row in stock.warehouses(connection)}
    heads: set[str] = {known["headquarters"]} if "headquarters" in known else set()

    def check(row: Row) -> list[tuple[str, str]]:
        faults = []
        level, region, station = row["level"], row["region"], row["station"]
        if level == "headquarters":
            heads.add(row["id"])
            if len(heads) > 1:
                faults.append(("level", f"there is one headquarters, {min(heads)} or {max(heads)}"))
            if region or station:
                faults.append(("region", "the headquarters has no region and no station"))
            return faults
        if region not in regions:
            faults.append(("region", f"{region!r} is none of {', '.join(sorted(regions))}"))
        if level == "station" and stations.get(station or "") != region:
            faults.append(("station", f"{station!r} is no station of {region}"))
        if level == "region" and station:
            faults.append(("station", "a region's warehouse has no station"))
        return faults

    rows = read_table(file, WAREHOUSES, ("id",), check)
    stock.put_warehouses(connection, [warehouse_row(row) for row in rows])
    return len(rows)


def import_parts(connection: Connection, kind: Kind, file: Path) -> int:
    """Write the rows of a file; returns how many. Raises TableError with every fault."""
    columns, key = _COLUMNS[kind]
    catalogue = load_catalogue(connection)
    places = {row["id"] for row in stock.warehouses(connection)}
    regions = {row["id"] for row in fleet_view.regions(connection)}
    check = _checks(catalogue, places, regions)
    rows = read_table(file, columns, key, check)
    if kind == "stock":
        stock.put_stock(connection, rows, to_datetime(now_ms()))
    else:
        put: Callable[[Connection, Sequence[Row]], None] = {
            "supply": stock.put_supply,
            "issues": stock.put_issues,
            "sales": stock.put_sales,
        }[kind]
        put(connection, rows)
    return len(rows)


def _checks(
    catalogue: Catalogue, places: set[str], regions: set[str]
) -> Callable[[Row], list[tuple[str, str]]]:
    numbers = {part.number for plan in catalogue.plans.values() for part in plan.parts}
    models = {p.product: {m.id for m in p.models} for p in catalogue.plans.values()}

    def check(row: Row) -> list[tuple[str, str]]:
        faults = []
        if "number" in row and row["number"] not in numbers:
            faults.append(("number", f"no product plan has an article {row['number']!r}"))
        if "warehouse" in row and row["warehouse"] not in places:
            known = ", ".join(sorted(places)) or "none yet"
            faults.append(("warehouse", f"{row['warehouse']!r} is no warehouse; there are {known}"))
        if "product" in row:
            if row["region"] not in regions:
                faults.append(("region", f"{row['region']!r} is no region"))
            if row["product"] not in models:
                faults.append(("product", f"{row['product']!r} is no product"))
            elif row["model"] not in models[row["product"]]:
                faults.append(("model", f"{row['product']} has no model {row['model']!r}"))
        return faults

    return check
