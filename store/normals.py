"""What fleets taught their detectors, the repairs after which machines are learned anew, and the
services from which on rules count."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from fleet import clock
from fleet.peer_day import PeerDay
from store.connection import Connection
from store.queries import load

_SQL = load("normal")


@dataclass(frozen=True, slots=True)
class StoredNormal:
    """One lesson: the rule, the machine model ("" for all), from when on it counts (ms), and the
    bytes that only the rules read."""

    rule: str
    model: str
    since: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Repair:
    """A component that was worked on, or a kind of part that was removed, at a moment (ms)."""

    machine_id: int
    component: str | None
    part: str | None
    at: int


def normals(
    connection: Connection, product: str, after_ms: int | None = None
) -> list[StoredNormal]:
    """What the fleet of a product taught that counts from later than a moment on (None: all), by
    rule, model and time."""
    after = None if after_ms is None else clock.to_datetime(after_ms)
    rows = connection.execute(_SQL["normals"], {"product": product, "after": after}).fetchall()
    return [
        StoredNormal(row["rule"], row["model"], clock.to_ms(row["since"]), bytes(row["body"]))
        for row in rows
    ]


def put_normals(connection: Connection, product: str, lessons: Sequence[StoredNormal]) -> None:
    """Keep lessons; one that is kept already stays as it is."""
    for one in lessons:
        values = {
            "product": product,
            "rule": one.rule,
            "model": one.model,
            "since": clock.to_datetime(one.since),
            "body": one.body,
        }
        connection.execute(_SQL["put_normal"], values)


def learned_until(connection: Connection, product: str) -> int | None:
    """From when on the newest lesson counts, ms; None before the first."""
    row = connection.execute(_SQL["learned_until"], {"product": product}).fetchone()
    return None if row is None or row["since"] is None else clock.to_ms(row["since"])


def heard_since(connection: Connection, product: str) -> int | None:
    """The first sample of any machine of the product, ms."""
    row = connection.execute(_SQL["heard_since"], {"product": product}).fetchone()
    known = row is not None and row["first_measured_at"] is not None
    return clock.to_ms(row["first_measured_at"]) if row is not None and known else None


def teachers(connection: Connection, product: str, before_ms: int, most: int) -> dict[int, str]:
    """Machines to learn from, at most so many, with their model; each model in turn."""
    values = {"product": product, "before": clock.to_datetime(before_ms), "most": most}
    rows = connection.execute(_SQL["teachers"], values).fetchall()
    return {row["id"]: row["model"] for row in rows}


def repairs(
    connection: Connection, machine_ids: Collection[int], codes: Collection[str]
) -> list[Repair]:
    """What was worked on, by visits that ended with one of `codes`, and parts that were removed."""
    values = {"machines": list(machine_ids), "codes": list(codes)}
    rows = connection.execute(_SQL["repairs"], values).fetchall()
    return [
        Repair(row["machine_id"], row["component"], row["part"], clock.to_ms(row["repaired_at"]))
        for row in rows
    ]


def services_done(
    connection: Connection, machine_ids: Collection[int]
) -> list[tuple[int, str, int]]:
    """Which services were done, by machine, service and moment (ms)."""
    rows = connection.execute(_SQL["services"], {"machines": list(machine_ids)}).fetchall()
    return [(row["machine_id"], row["service"], clock.to_ms(row["done_at"])) for row in rows]


def take_turn(connection: Connection, product: str) -> None:
    """Wait until nobody else teaches a product; until the transaction ends."""
    connection.execute(_SQL["take_turn"], {"product": product})


def peer_days(connection: Connection, product: str, first: int, end: int) -> list[PeerDay]:
    """The days in [first, end) of a product's machines that were counted."""
    values = {"product": product, "first": first, "end": end}
    rows = connection.execute(_SQL["peer_days"], values).fetchall()
    return [PeerDay(**row) for row in rows]


def put_peer_days(connection: Connection, product: str, days: Sequence[PeerDay]) -> None:
    """Keep days; one that is kept already stays as it is."""
    values = {
        "product": product,
        "keys": [one.key for one in days],
        "regions": [one.region for one in days],
        "days": [one.day for one in days],
        "levels": [one.level for one in days],
        "spreads": [one.spread for one in days],
        "machines": [one.machines for one in days],
    }
    connection.execute(_SQL["put_peer_days"], values)


def peer_days_counted(connection: Connection, product: str) -> dict[tuple[str, str], int]:
    """The newest day that was counted, by key and region."""
    rows = connection.execute(_SQL["peer_days_counted"], {"product": product}).fetchall()
    return {(row["key"], row["region"]): row["day"] for row in rows}


def peers(connection: Connection, product: str, most: int) -> dict[str, list[int]]:
    """Machines of a product by region, at most so many of each, always the same ones."""
    found: dict[str, list[int]] = {}
    for row in connection.execute(_SQL["peers"], {"product": product, "most": most}).fetchall():
        found.setdefault(row["region"], []).append(row["id"])
    return found
