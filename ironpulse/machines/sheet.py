"""Machines, and what they refer to, from CSV files: all that is wrong is said at once.

A file has a header line; commas, semicolons or tabs between the fields; UTF-8.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, Field, StringConstraints, ValidationError

from fleet.errors import Fault, IronpulseError
from fleet.registry import Customer, NewMachine, Region, Registration, Station
from fleet.text import Text, has_chinese
from ironpulse.stack.credentials import may_be_serial
from store.machines import Known, misfits

_DELIMITERS = ",;\t"


class SheetError(IronpulseError):
    """Files that cannot be used; carries every fault found, in their order."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        count = f"{len(faults)} {'fault' if len(faults) == 1 else 'faults'}"
        lines = "\n".join(f"  {fault}" for fault in faults)
        super().__init__(f"Nothing was written: {count}, by file, line and column.\n{lines}")


def _in_chinese(value: str) -> str:
    if not has_chinese(value):
        raise ValueError(f"{value!r} holds no Chinese character")
    return value


def _at_the_broker(value: str) -> str:
    if not may_be_serial(value):
        raise ValueError(f"{value} is a name of the broker's own accounts and sessions")
    return value


_Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
_Serial = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"),
    AfterValidator(_at_the_broker),
]
_Chinese = Annotated[str, AfterValidator(_in_chinese)]
_Latitude = Annotated[float, Field(ge=-90, le=90)]
_Longitude = Annotated[float, Field(ge=-180, le=180)]


class _Named(BaseModel):
    id: _Id
    name: str
    name_zh: _Chinese


class _Station(_Named):
    region: _Id
    lat: _Latitude
    lon: _Longitude


class _Machine(BaseModel):
    serial: _Serial
    product: str
    model: str
    customer: _Id
    station: _Id
    tier: str = "standard"
    site: str
    site_zh: _Chinese
    lat: _Latitude
    lon: _Longitude
    commissioned: date


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Row(Generic[T]):
    """What a line says, and where it stands: `columns` name -> place from 1."""

    file: Path
    line: int
    columns: dict[str, int]
    value: T

    def fault(self, column: str, message: str) -> Fault:
        """A fault in a field of this line."""
        return Fault(self.file, self.line, self.columns.get(column, 0), f"{column}: {message}")


@dataclass(slots=True)
class Sheet:
    """What files say, as far as it can be read, and what is wrong with them so far."""

    regions: list[Row[Region]] = field(default_factory=list)
    customers: list[Row[Customer]] = field(default_factory=list)
    stations: list[Row[Station]] = field(default_factory=list)
    machines: list[Row[NewMachine]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    @property
    def serials(self) -> list[str]:
        """The serial of every machine."""
        return [row.value.serial for row in self.machines]

    def registration(self, known: Known) -> Registration:
        """All of it, checked against what the store knows. Raises SheetError with every fault."""
        faults = [*self.faults, *self._twice(), *self._strangers(known), *self._misfits(known)]
        if faults:
            raise SheetError(sorted(faults, key=lambda f: (str(f.file), f.line, f.column)))
        return Registration(
            [row.value for row in self.regions],
            [row.value for row in self.customers],
            [row.value for row in self.stations],
            [row.value for row in self.machines],
        )

    def _twice(self) -> Iterator[Fault]:
        yield from _again(self.regions, "id", lambda region: region.id)
        yield from _again(self.customers, "id", lambda customer: customer.id)
        yield from _again(self.stations, "id", lambda station: station.id)
        yield from _again(self.machines, "serial", lambda machine: machine.serial)

    def _strangers(self, known: Known) -> Iterator[Fault]:
        regions = {*known.regions, *(row.value.id for row in self.regions)}
        customers = {*known.customers, *(row.value.id for row in self.customers)}
        stations = {*known.stations, *(row.value.id for row in self.stations)}
        for station in self.stations:
            if station.value.region not in regions:
                yield station.fault("region", _nobody_knows("region", station.value.region))
        for machine in self.machines:
            if machine.value.customer not in customers:
                yield machine.fault("customer", _nobody_knows("customer", machine.value.customer))
            if machine.value.station not in stations:
                yield machine.fault("station", _nobody_knows("station", machine.value.station))

    def _misfits(self, known: Known) -> Iterator[Fault]:
        for row in self.machines:
            for message in misfits(row.value, known.catalogue, known.machines):
                yield row.fault("serial", f"{row.value.serial}: {message}")


def read(
    machines: Path | None,
    regions: Path | None = None,
    customers: Path | None = None,
    stations: Path | None = None,
) -> Sheet:
    """Read the files that are given."""
    sheet = Sheet()
    faults = sheet.faults
    sheet.regions = _rows(regions, _Named, lambda it: Region(it.id, _text(it)), faults)
    sheet.customers = _rows(customers, _Named, lambda it: Customer(it.id, _text(it)), faults)
    sheet.stations = _rows(stations, _Station, _station, faults)
    sheet.machines = _rows(machines, _Machine, _machine, faults)
    return sheet


def one(**cells: str) -> Sheet:
    """One machine, as if it stood in a file."""
    sheet = Sheet()
    places = {name: place for place, name in enumerate(cells, 1)}
    row = Row(Path("command line"), 0, places, list(cells.values()))
    for found in _shaped(row, _Machine, sheet.faults):
        sheet.machines.append(Row(row.file, row.line, row.columns, _machine(found)))
    return sheet


def _text(named: _Named) -> Text:
    return Text(en=named.name, zh=named.name_zh)


def _station(it: _Station) -> Station:
    return Station(it.id, it.region, _text(it), it.lat, it.lon)


def _machine(it: _Machine) -> NewMachine:
    site = Text(en=it.site, zh=it.site_zh)
    return NewMachine(
        it.serial, it.product, it.model, it.customer, it.station, it.tier, site, it.lat, it.lon,
        it.commissioned,
    )  # fmt: skip


S = TypeVar("S", bound=BaseModel)


def _rows(
    file: Path | None, shape: type[S], make: Callable[[S], T], faults: list[Fault]
) -> list[Row[T]]:
    """The lines of a file that can be read; what is wrong goes to `faults`."""
    if file is None:
        return []
    rows = []
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            header = text.readline()
            delimiter = max(_DELIMITERS, key=header.count)
            columns = _columns(file, header, delimiter, shape, faults)
            lines = csv.reader(text, delimiter=delimiter, strict=True)
            for cells in lines if columns else ():
                row = Row(file, lines.line_num + 1, columns, cells)
                if any(cell.strip() for cell in cells):
                    rows += [
                        Row(file, row.line, columns, make(found))
                        for found in _shaped(row, shape, faults)
                    ]
    except UnicodeDecodeError:
        faults.append(Fault(file, 0, 0, "the file is not UTF-8: save it as `CSV UTF-8`"))
    except (OSError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        faults.append(Fault(file, 0, 0, f"the file cannot be read: {reason}"))
    return rows


def _columns(
    file: Path, header: str, delimiter: str, shape: type[BaseModel], faults: list[Fault]
) -> dict[str, int]:
    """Name -> place of the columns; empty where the header cannot be used."""
    names = [name.strip() for name in next(csv.reader([header], delimiter=delimiter), [])]
    wanted = shape.model_fields
    missing = [name for name, of in wanted.items() if of.is_required() and name not in names]
    unknown = [name for name in names if name not in wanted]
    wrong = [f"there is no column {name}" for name in missing]
    wrong += [f"nobody knows a column {name!r}" for name in unknown]
    wrong += [f"there are two columns {name}" for name in {n for n in names if names.count(n) > 1}]
    if wrong:
        columns = f"the columns are {', '.join(wanted)}"
        faults.append(Fault(file, 1, 1, f"{'; '.join(wrong)}; {columns}"))
        return {}
    return {name: place for place, name in enumerate(names, 1)}


def _shaped(row: Row[list[str]], shape: type[S], faults: list[Fault]) -> Iterable[S]:
    """The line as its shape, or nothing where it has faults."""
    cells = row.value
    if len(cells) > len(row.columns):
        message = f"the line has {len(cells)} fields, the header {len(row.columns)}"
        faults.append(Fault(row.file, row.line, len(row.columns) + 1, message))
        return []
    given = {name: cell.strip() for name, cell in zip(row.columns, cells, strict=False)}
    try:
        return [shape.model_validate({name: cell for name, cell in given.items() if cell})]
    except ValidationError as error:
        for each in error.errors():
            column = str(each["loc"][0])
            faults.append(row.fault(column, _message(each, given.get(column, ""))))
        return []


def _message(error: Any, cell: str) -> str:
    if error["type"] == "missing":
        return "is missing"
    if error["type"] == "string_pattern_mismatch":
        return f"{cell!r}: letters, digits, _ and - may stand there, 64 at most, no sign first"
    words = str(error["msg"]).removeprefix("Value error, ")
    return words if repr(cell) in words else f"{cell!r}: {words}"


def _again(rows: Sequence[Row[T]], column: str, key: Callable[[T], str]) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for row in rows:
        name = key(row.value)
        if name in first:
            yield row.fault(column, f"{name} stands on line {first[name]} already")
        first.setdefault(name, row.line)


def _nobody_knows(kind: str, name: str) -> str:
    return f"nobody knows the {kind} {name}: name it in the file given with --{kind}s"
