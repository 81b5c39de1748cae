"""The registry: regions, customers, service stations, machines and the parts fitted to them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg.types.json import Jsonb

from fleet import clock
from fleet.plan import Catalogue
from fleet.registry import NewMachine, Registration
from fleet.text import Text
from store import plans
from store.connection import Connection, StoreError
from store.queries import load

#: Channel on which `register` announces that machines were added or changed.
CHANNEL = "machine"

_SQL = load("machine")


@dataclass(frozen=True, slots=True)
class Machine:
    """A registered machine with the names that people read."""

    id: int
    serial: str
    product: str
    model: str
    customer: str
    customer_name: Text
    station: str
    station_name: Text
    region: str
    region_name: Text
    tier: str
    site: Text
    lat: float
    lon: float
    commissioned_on: date
    registered_at: datetime
    retired_at: datetime | None


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows already: the plans, ids of places, and serial -> product."""

    catalogue: Catalogue
    regions: Collection[str]
    customers: Collection[str]
    stations: Collection[str]
    machines: Mapping[str, str]


def register(connection: Connection, registration: Registration) -> dict[str, int]:
    """Write a registration; returns the id of each machine by serial.

    Every new machine gets its fitted parts, as old as the machine. Raises StoreError naming
    every machine that does not fit the product plans, and writes nothing then.
    """
    with connection.transaction():
        _refuse_misfits(connection, registration.machines)
        _put_places(connection, registration)
        ids = _put_machines(connection, registration.machines)
        fit_missing_parts(connection)
        connection.execute(_SQL["announce"])
    return ids


def fit_missing_parts(connection: Connection) -> int:
    """A fitted part at each position a plan names for its model and a machine lacks; returns how
    many.

    They count from the day the machine was commissioned.
    """
    return connection.execute(_SQL["fit_missing_parts"]).rowcount


def list_machines(
    connection: Connection,
    *,
    serials: Collection[str] | None = None,
    ids: Collection[int] | None = None,
) -> list[Machine]:
    """Machines by serial, all or the chosen ones."""
    values = {
        "serials": None if serials is None else list(serials),
        "ids": None if ids is None else list(ids),
    }
    return [_machine(row) for row in connection.execute(_SQL["machines"], values).fetchall()]


def get_machine(connection: Connection, serial: str) -> Machine | None:
    """The machine of that serial, None where there is none."""
    found = list_machines(connection, serials=[serial])
    return found[0] if found else None


def of_serials(connection: Connection, serials: Collection[str]) -> dict[str, tuple[int, str]]:
    """Serial -> (machine id, product) of those that are registered."""
    rows = connection.execute(_SQL["of_serials"], {"serials": list(serials)}).fetchall()
    return {row["serial"]: (row["id"], row["product"]) for row in rows}


def retire(connection: Connection, serials: Collection[str], at_ms: int) -> dict[str, int]:
    """Take machines out of the fleet; id by serial of those that were in it."""
    values = {"serials": list(serials), "at": clock.to_datetime(at_ms)}
    found = {
        row["serial"]: row["id"] for row in connection.execute(_SQL["retire"], values).fetchall()
    }
    connection.execute(_SQL["announce"])
    return found


def reinstate(connection: Connection, serials: Collection[str]) -> list[str]:
    """Take retired machines into the fleet again; the serials of those that were retired."""
    rows = connection.execute(_SQL["reinstate"], {"serials": list(serials)}).fetchall()
    connection.execute(_SQL["announce"])
    return [row["serial"] for row in rows]


def retired(connection: Connection) -> dict[int, int]:
    """Since when (ms) retired machines are so, by id."""
    rows = connection.execute(_SQL["retired"]).fetchall()
    return {row["id"]: clock.to_ms(row["retired_at"]) for row in rows}


def station_regions(connection: Connection) -> dict[str, str]:
    """Service station -> the region it belongs to."""
    rows = connection.execute(_SQL["station_regions"]).fetchall()
    return {row["id"]: row["region"] for row in rows}


def places(connection: Connection) -> list[dict[str, Any]]:
    """Machines in use by station: its id as `station`, its `region`, how many `machines`, and
    their mean latitude `lat` in degrees."""
    return connection.execute(_SQL["machines_by_station"]).fetchall()


def station_names(connection: Connection) -> dict[str, Text]:
    """Service station -> its name."""
    rows = connection.execute(_SQL["station_names"]).fetchall()
    return {row["id"]: Text.model_validate(row["name"]) for row in rows}


def known(connection: Connection, serials: Collection[str]) -> Known:
    """What is known, of machines those of `serials`."""
    places: dict[str, set[str]] = {"region": set(), "customer": set(), "station": set()}
    for row in connection.execute(_SQL["places"]).fetchall():
        places[row["kind"]].add(row["id"])
    products = {serial: product for serial, (_, product) in of_serials(connection, serials).items()}
    return Known(
        plans.load_catalogue(connection),
        places["region"],
        places["customer"],
        places["station"],
        products,
    )


def misfits(machine: NewMachine, catalogue: Catalogue, products: Mapping[str, str]) -> list[str]:
    """What of a machine does not fit the plans, as sentences; `products` are those that machines
    are registered as."""
    plan = catalogue.plans.get(machine.product)
    if plan is None:
        return [f"there is no product {machine.product}; there are {', '.join(catalogue.plans)}"]
    faults = []
    models = [model.id for model in plan.models]
    if machine.model not in models:
        faults.append(f"{plan.product} has no model {machine.model}; it has {', '.join(models)}")
    if machine.tier not in catalogue.tiers:
        tiers = ", ".join(catalogue.tiers)
        faults.append(f"there is no service tier {machine.tier}; there are {tiers}")
    before = products.get(machine.serial, machine.product)
    if before != machine.product:
        faults.append(f"it is registered as a {before} already")
    return faults


def _refuse_misfits(connection: Connection, machines: Sequence[NewMachine]) -> None:
    if not machines:
        return
    catalogue = plans.load_catalogue(connection)
    registered = of_serials(connection, [machine.serial for machine in machines])
    products = {serial: product for serial, (_, product) in registered.items()}
    faults = [
        f"  {machine.serial}: {fault}"
        for machine in machines
        for fault in misfits(machine, catalogue, products)
    ]
    if faults:
        listed = "\n".join(faults)
        raise StoreError(f"these machines cannot be registered, nothing was written:\n{listed}")


def _put_places(connection: Connection, registration: Registration) -> None:
    for block, named in (
        ("put_regions", registration.regions),
        ("put_customers", registration.customers),
    ):
        values = {"ids": [each.id for each in named], "names": [_json(each.name) for each in named]}
        connection.execute(_SQL[block], values)
    stations = registration.stations
    connection.execute(
        _SQL["put_stations"],
        {
            "ids": [station.id for station in stations],
            "regions": [station.region for station in stations],
            "names": [_json(station.name) for station in stations],
            "lats": [station.lat for station in stations],
            "lons": [station.lon for station in stations],
        },
    )


def _put_machines(connection: Connection, machines: Sequence[NewMachine]) -> dict[str, int]:
    values = {
        "at": clock.to_datetime(clock.now_ms()),
        "serials": [machine.serial for machine in machines],
        "products": [machine.product for machine in machines],
        "models": [machine.model for machine in machines],
        "customers": [machine.customer for machine in machines],
        "stations": [machine.station for machine in machines],
        "tiers": [machine.tier for machine in machines],
        "sites": [_json(machine.site) for machine in machines],
        "lats": [machine.lat for machine in machines],
        "lons": [machine.lon for machine in machines],
        "commissioned_on": [machine.commissioned_on for machine in machines],
    }
    rows = connection.execute(_SQL["put_machines"], values).fetchall()
    return {row["serial"]: row["id"] for row in rows}


def _machine(row: dict[str, object]) -> Machine:
    names = ("customer_name", "station_name", "region_name", "site")
    texts = {name: Text.model_validate(row[name]) for name in names}
    return Machine(**{**row, **texts})  # type: ignore[arg-type]  # the query names the fields


def _json(text: Text) -> Jsonb:
    return Jsonb(text.model_dump())
