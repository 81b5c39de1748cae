"""The whole fleet assessed at once: portions of machines, each in a transaction of its own.

A portion is a plain function of plain values, so that it runs in this process, in a pool of them,
or on a cluster. What a portion could see of the others, it is given as it was when the run began:
so the result does not depend on who was first.
"""

from __future__ import annotations

from dataclasses import dataclass

from fleet.plan import Catalogue
from predict.assess import Learned, assess
from predict.looks import PlannedVisits, planned_visits
from store import inspections, plans, wear
from store.connection import connect

#: Machines assessed in one transaction.
PORTION = 500


@dataclass(frozen=True)
class Night:
    """What all portions share: the database and what was in it when the run began, at `now_ms`."""

    database_url: str
    now_ms: int
    catalogue: Catalogue
    learned: Learned
    visits: PlannedVisits


@dataclass(frozen=True, slots=True)
class Assessed:
    """How many machines were assessed, findings made, and how many of those reached a ticket."""

    machines: int = 0
    findings: int = 0
    tickets: int = 0

    def __add__(self, other: Assessed) -> Assessed:
        return Assessed(
            self.machines + other.machines,
            self.findings + other.findings,
            self.tickets + other.tickets,
        )


def begin(database_url: str, now_ms: int) -> tuple[Night, list[tuple[int, ...]]]:
    """Learn from the fleet; the run, and its portions of machine ids.

    Raises StoreUnavailable.
    """
    learned = Learned()
    with connect(database_url) as connection, connection.transaction():
        catalogue = plans.load_catalogue(connection)
        learned.learn(connection, catalogue, now_ms)
        visits = planned_visits(inspections.visits_planned(connection, now_ms), now_ms)
        machines = [row["id"] for row in wear.machines_to_assess(connection, None)]
    portions = [tuple(machines[at : at + PORTION]) for at in range(0, len(machines), PORTION)]
    return Night(database_url, now_ms, catalogue, learned, visits), portions


def assess_portion(night: Night, machine_ids: tuple[int, ...]) -> Assessed:
    """Assess some machines. Raises StoreUnavailable; then nothing of the portion is written, and it
    can be assessed again."""
    with connect(night.database_url) as connection, connection.transaction():
        decisions = assess(
            connection, night.catalogue, machine_ids, night.now_ms, night.learned, night.visits
        )
    tickets = sum(decision.ticket_id is not None for decision in decisions)
    return Assessed(len(machine_ids), len(decisions), tickets)
