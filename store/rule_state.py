"""What the rules keep between batches: states, checkpoints, and what is known of each machine
now. States are bytes to the store; only the rules read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray
from psycopg.types.json import Jsonb

from fleet import clock
from fleet.batch import FaultCode, FaultReport, IntColumn
from store.binary import PackedArray, pack_array, pack_bytes, to_timestamps
from store.connection import Connection
from store.queries import load

_SQL = load("rule_state")


@dataclass(frozen=True, slots=True)
class Saved:
    """A machine's state as of a moment (milliseconds since 1970 UTC)."""

    machine_id: int
    as_of: int
    state: bytes


@dataclass(frozen=True, slots=True)
class Now:
    """What is known of a machine now: newest sample, regime and since when, and each signal's
    last value as [value, epoch ms]."""

    machine_id: int
    measured_at: int
    regime: str | None
    regime_since: int | None
    signals: Mapping[str, tuple[float, int]]


#: Where a moment is not known.
NO_TIME = -(2**62)


@dataclass(frozen=True, slots=True)
class Contacts:
    """What was last heard of n machines, and what their connections were said to be; columns (n,),
    times in milliseconds since 1970 UTC, NO_TIME and empty words where nothing is known."""

    machine_id: IntColumn
    product: NDArray[np.str_]
    registered_at: IntColumn
    heard_at: IntColumn
    status: NDArray[np.str_]
    status_at: IntColumn
    regime: NDArray[np.str_]
    connection: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.machine_id)

    def take(self, places: IntColumn) -> Contacts:
        """The machines at these places."""
        return Contacts(*(getattr(self, name)[places] for name in Contacts.__dataclass_fields__))


def states(connection: Connection, machine_ids: Iterable[int]) -> dict[int, bytes]:
    """The states of machines; one that is missing was never folded."""
    rows = connection.execute(_SQL["states"], {"machines": list(machine_ids)}).fetchall()
    return {row["machine_id"]: bytes(row["state"]) for row in rows}


def put_states(connection: Connection, saved: Sequence[Saved]) -> None:
    """Replace the states of machines."""
    connection.execute(_SQL["put_states"], _columns(saved))


def checkpoints(connection: Connection, machine_ids: Iterable[int]) -> dict[int, list[Saved]]:
    """The checkpoints of machines, the newest first."""
    found: dict[int, list[Saved]] = {}
    values = {"machines": list(machine_ids)}
    for row in connection.execute(_SQL["checkpoints"], values).fetchall():
        saved = Saved(row["machine_id"], clock.to_ms(row["as_of"]), bytes(row["state"]))
        found.setdefault(saved.machine_id, []).append(saved)
    return found


def newest_checkpoints(connection: Connection, machine_ids: Iterable[int]) -> dict[int, Saved]:
    """The newest checkpoint of each machine that has any."""
    values = {"machines": list(machine_ids)}
    rows = connection.execute(_SQL["newest_checkpoints"], values).fetchall()
    return {
        row["machine_id"]: Saved(row["machine_id"], clock.to_ms(row["as_of"]), bytes(row["state"]))
        for row in rows
    }


def last_checkpoints(connection: Connection, machine_ids: Iterable[int]) -> dict[int, int]:
    """The moment of each machine's newest checkpoint."""
    values = {"machines": list(machine_ids)}
    rows = connection.execute(_SQL["last_checkpoints"], values).fetchall()
    return {row["machine_id"]: clock.to_ms(row["as_of"]) for row in rows}


def put_checkpoints(connection: Connection, saved: Sequence[Saved]) -> None:
    """Add checkpoints, and thin out old ones: all of the last day, one a day for 30 days."""
    connection.execute(_SQL["put_checkpoints"], _columns(saved))
    machines = sorted({one.machine_id for one in saved})
    connection.execute(_SQL["thin_checkpoints"], {"machines": machines})


def forget_checkpoints(connection: Connection, since: Mapping[int, int]) -> None:
    """Drop the checkpoints of machines at or after a moment (machine -> ms)."""
    times = [clock.to_datetime(moment) for moment in since.values()]
    connection.execute(_SQL["forget_checkpoints"], {"machines": list(since), "times": times})


def put_now(connection: Connection, known: Sequence[Now]) -> None:
    """Replace what is known of machines now."""
    connection.execute(_SQL["put_now"], {"known": msgspec.json.encode(known).decode()})


def unshown(connection: Connection, partitions: Sequence[int]) -> list[tuple[int, str, bytes]]:
    """Machine, product and state of those whose state is newer than what is known of them now."""
    rows = connection.execute(_SQL["unshown"], {"partitions": list(partitions)}).fetchall()
    return [(row["machine_id"], row["product"], bytes(row["state"])) for row in rows]


def put_faults_now(
    connection: Connection, faults: Mapping[int, Sequence[Mapping[str, object]]]
) -> None:
    """Replace the trouble codes active on machines."""
    active = [Jsonb(list(codes)) for codes in faults.values()]
    connection.execute(_SQL["put_faults_now"], {"machines": list(faults), "faults": active})


def put_connections(connection: Connection, found: Mapping[int, tuple[str, int]]) -> None:
    """Replace the connection states of machines: machine -> (state, since ms)."""
    values = {
        "machines": list(found),
        "connections": [state for state, _ in found.values()],
        "since": [clock.to_datetime(since) for _, since in found.values()],
    }
    connection.execute(_SQL["put_connections"], values)


def first_samples(connection: Connection, machine_ids: Iterable[int]) -> dict[int, int]:
    """The oldest sample of each machine that has any."""
    values = {"machines": list(machine_ids)}
    rows = connection.execute(_SQL["first_samples"], values).fetchall()
    return {row["machine_id"]: clock.to_ms(row["first_measured_at"]) for row in rows}


def contacts(connection: Connection, partitions: Sequence[int]) -> Contacts:
    """What was last heard of every machine in service of these partitions."""
    row = connection.execute(_SQL["contacts"], {"partitions": list(partitions)}).fetchone()
    assert row is not None
    return Contacts(
        _moments(row["machine_id"]), _words(row["product"]), _moments(row["registered_at"]),
        _moments(row["heard_at"]), _words(row["status"]), _moments(row["status_at"]),
        _words(row["regime"]), _words(row["connection"]),
    )  # fmt: skip


def fault_reports(
    connection: Connection, machine_id: int, after_ms: int, until_ms: int
) -> list[FaultReport]:
    """A machine's fault reports after a moment, up to and with another, oldest first."""
    after, until = (clock.to_datetime(max(moment, 0)) for moment in (after_ms, until_ms))
    values = {"machine": machine_id, "after": after, "until": until}
    rows = connection.execute(_SQL["fault_reports"], values).fetchall()
    return [
        FaultReport(
            row["machine_id"],
            clock.to_ms(row["measured_at"]),
            clock.to_ms(row["measured_at"]),
            tuple(FaultCode(**code) for code in row["active"]),
        )
        for row in rows
    ]


def fault_report_before(connection: Connection, machine_id: int, moment_ms: int) -> int | None:
    """When a machine last reported its trouble codes at or before a moment, both in ms."""
    values = {"machine": machine_id, "moment": clock.to_datetime(max(moment_ms, 0))}
    row = connection.execute(_SQL["fault_report_before"], values).fetchone()
    known = row is not None and row["measured_at"] is not None
    return clock.to_ms(row["measured_at"]) if row is not None and known else None


def _columns(saved: Sequence[Saved]) -> dict[str, PackedArray]:
    as_of = np.array([one.as_of for one in saved], np.int64)
    return {
        "machines": pack_array("integer", np.array([one.machine_id for one in saved])),
        "as_of": pack_array("timestamptz", to_timestamps(as_of)),
        "states": pack_bytes([one.state for one in saved]),
    }


def _moments(values: Sequence[int | None] | None) -> IntColumn:
    return np.array([NO_TIME if one is None else one for one in values or ()], np.int64)


def _words(values: Sequence[str] | None) -> NDArray[np.str_]:
    return np.array(values or [], np.str_)
