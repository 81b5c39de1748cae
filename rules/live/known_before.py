"""What the store knows before samples are judged: who machines are, what was repaired and serviced
on them, and what their fleet taught."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from fleet.peer_day import PeerDay
from fleet.plan import ProductPlan
from rules.condition import Identity
from rules.detectors.lessons import Lesson, taught_of
from rules.detectors.live import Taught
from store import normals
from store.connection import Connection
from store.machines import list_machines
from tickets.content import contained

#: A repair or service counts so long after it was reported: by then every worker has heard of it,
#: and a sample is judged alike live, when it is judged again, and in a backtest.
REPAIR_COUNTS_AFTER_MS = 600_000
#: No day is later.
LAST_DAY = 2**31 - 1

#: What a technician found that changed the machine, so that what follows is to be learned anew.
REPAIRED = ("confirmed", "other_fault", "sensor_fault", "wear_confirmed")


def identities_of(
    connection: Connection, plan: ProductPlan, machine_ids: Collection[int]
) -> dict[int, Identity]:
    """Who machines are, with the components that were repaired and when that counts from; a sensor
    by its signal too; and with the services that were done."""
    repaired: dict[int, list[tuple[str, int]]] = {}
    for one in normals.repairs(connection, machine_ids, REPAIRED):
        repaired.setdefault(one.machine_id, []).extend(
            repairs_counted(plan, one.component, one.part, one.at)
        )
    serviced: dict[int, list[tuple[str, int]]] = {}
    for machine, service, at in normals.services_done(connection, machine_ids):
        serviced.setdefault(machine, []).extend(services_counted(plan, service, at))
    return {
        one.id: Identity(
            one.serial,
            one.model,
            one.region,
            tuple(repaired.get(one.id, ())),
            tuple(serviced.get(one.id, ())),
        )
        for one in list_machines(connection, ids=machine_ids)
    }


def repairs_counted(
    plan: ProductPlan, component: str | None, part: str | None, at: int
) -> Iterator[tuple[str, int]]:
    """What a repair at a moment (ms) touched, with when each counts from: a component, that of a
    kind of part, or the sensor of a signal, `component/signal`."""
    known = plan.part.get(part) if part is not None else None
    touched = component if known is None else known.component
    for one in (touched or "").split("/"):
        yield one, at + REPAIR_COUNTS_AFTER_MS


def services_counted(plan: ProductPlan, service: str, at: int) -> Iterator[tuple[str, int]]:
    """A service that was done at a moment (ms), and those it includes, with when each counts
    from."""
    for one in contained(plan, service):
        yield one.id, at + REPAIR_COUNTS_AFTER_MS


def lessons_in(connection: Connection, product: str) -> tuple[Lesson, ...]:
    """All that the fleet of a product ever taught."""
    return lessons_after(connection, product, None)


def lessons_after(connection: Connection, product: str, since: int | None) -> tuple[Lesson, ...]:
    """What the fleet of a product taught that counts from later than `since` (ms) on."""
    found = normals.normals(connection, product, since)
    return tuple((one.rule, one.model, one.since, one.body) for one in found)


def taught_in(connection: Connection, product: str) -> Taught:
    """What the fleet of a product taught, ready to be judged by."""
    return taught_of(lessons_in(connection, product), peers_in(connection, product))


def peers_in(connection: Connection, product: str) -> tuple[PeerDay, ...]:
    """All days of the fleet of a product that were counted."""
    return peers_between(connection, product, 0, LAST_DAY)


def peers_between(
    connection: Connection, product: str, first: int, end: int
) -> tuple[PeerDay, ...]:
    """The days in [first, end) of the fleet of a product that were counted; days since 1970 UTC."""
    return tuple(normals.peer_days(connection, product, first, end))
