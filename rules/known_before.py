"""What the store knows before samples are judged: who machines are, what was repaired on them, and
what their fleet taught."""

from __future__ import annotations

from collections.abc import Collection

from fleet.peer_day import PeerDay
from fleet.plan import ProductPlan
from rules.compiled import Identity
from rules.detectors.lessons import Lesson, taught_of
from rules.detectors.live import Taught
from store import normals
from store.connection import Connection
from store.machines import list_machines

#: What a technician found that changed the machine, so that what follows is to be learned anew.
REPAIRED = ("confirmed", "other_fault", "sensor_fault", "wear_confirmed")


def identities_of(
    connection: Connection, plan: ProductPlan, machine_ids: Collection[int]
) -> dict[int, Identity]:
    """Who machines are, with the components that were repaired; a sensor by its signal too."""
    repaired: dict[int, list[tuple[str, int]]] = {}
    for one in normals.repairs(connection, machine_ids, REPAIRED):
        part = plan.part.get(one.part) if one.part is not None else None
        component = one.component if part is None else part.component
        for name in (component or "").split("/"):
            repaired.setdefault(one.machine_id, []).append((name, one.at))
    return {
        one.id: Identity(one.serial, one.model, one.region, tuple(repaired.get(one.id, ())))
        for one in list_machines(connection, ids=machine_ids)
    }


def lessons_in(connection: Connection, product: str) -> tuple[Lesson, ...]:
    """All that the fleet of a product ever taught."""
    found = normals.normals(connection, product)
    return tuple((one.rule, one.model, one.since, one.body) for one in found)


def taught_in(connection: Connection, product: str) -> Taught:
    """What the fleet of a product taught, ready to be judged by."""
    return taught_of(lessons_in(connection, product), peers_in(connection, product))


def peers_in(connection: Connection, product: str) -> tuple[PeerDay, ...]:
    """All days of the fleet of a product that were counted."""
    return tuple(normals.peer_days(connection, product))
