"""Dropping what is older, or more, than is to be kept, in small steps; every step is counted.

Telemetry is dropped by whole chunks (`store.hypertables`); here are the tables beside it. The
ledger is never touched: it holds counts, and they keep balancing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from store.connection import Connection
from store.queries import load

_SQL = load("retention")
_LOCK = 0x4B454550  # any number of our own: one process at a time keeps house
#: Rows of a table that one step drops at most: the step is done between two batches.
STEP = 20_000


@dataclass(frozen=True, slots=True)
class Keep:
    """How long things are kept. `log`: entries of the ingest log that every consumer has read.
    `rejected`: rejected messages, of which at most `rejected_bytes` are kept, the newest.
    `reports`: lists of trouble codes, states of connections, counts of bad values, values that
    cannot be true. `conditions`:
    what parts showed of their wear, day by day."""

    log: timedelta = timedelta(days=90)
    rejected: timedelta = timedelta(days=365)
    rejected_bytes: int = 5 * 2**30
    reports: timedelta = timedelta(days=3 * 365)
    conditions: timedelta = timedelta(days=400)


def forget(connection: Connection, keep: Keep, now: datetime) -> dict[str, int]:
    """Drop up to STEP rows of each table, the oldest first; returns how many, by table."""
    before = {
        "ingest_batch": ("drop_log", keep.log),
        "rejected_message": ("drop_rejected", keep.rejected),
        "fault_report": ("drop_faults", keep.reports),
        "status_report": ("drop_statuses", keep.reports),
        "bad_value": ("drop_bad_values", keep.reports),
        "implausible_value": ("drop_implausible", keep.reports),
        "condition_day": ("drop_conditions", keep.conditions),
    }
    done = {
        table: connection.execute(_SQL[block], {"before": now - age, "most": STEP}).rowcount
        for table, (block, age) in before.items()
    }
    excess = {"bytes": keep.rejected_bytes, "most": STEP}
    done["rejected_message"] += connection.execute(_SQL["drop_excess"], excess).rowcount
    done = {table: count for table, count in done.items() if count}
    for table, count in done.items():
        connection.execute(_SQL["count"], {"day": now.date(), "what": table, "count": count})
    return done


def claim(connection: Connection) -> bool:
    """Be the one who keeps house, for as long as `connection` lives; False where somebody else
    is. Ask until it is granted, once."""
    row = connection.execute(_SQL["claim"], {"key": _LOCK}).fetchone()
    return row is not None and bool(row["is_ours"])


def forgotten(connection: Connection) -> dict[str, int]:
    """How many rows were ever dropped, by table."""
    return {row["what"]: row["count"] for row in connection.execute(_SQL["forgotten"]).fetchall()}
