"""One wide hypertable per product, made from its plan, and its hourly relation.

A row is one moment of one machine: `machine_id, measured_at, batch_id`, then one column per
signal, key (machine_id, measured_at). The only place that asks which TimescaleDB edition runs:
Community compresses, drops and aggregates by its own jobs; with Apache 2 the same relations are
plain views and `drop_expired` does the dropping.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from psycopg import sql

from fleet.plan import ProductPlan
from fleet.signals import Signal
from store.connection import Connection, StoreError
from store.queries import load

Edition = Literal["community", "apache"]

KEYS = ("machine_id", "measured_at", "batch_id")
#: A chunk of a week stays in memory for thousands of machines and keeps 90 days to 13 chunks.
CHUNK = timedelta(days=7)
COMPRESS_AFTER = timedelta(days=14)
KEEP = timedelta(days=3 * 365)
#: Late samples still come to a chunk that ended; after this time nearly none.
TIGHTEN_AFTER = timedelta(days=1)
#: A key is built anew where an entry takes more bytes than this; packed it takes 31.
_LOOSE_ENTRY = 36.0
_LEAST_KEY = 2**20  # bytes that are worth it
AGGREGATES = ("avg", "min", "max")

_SQL = load("hypertable")
_TYPES = {
    "real": "real",
    "double": "double precision",
    "integer": "integer",
    "smallint": "smallint",
}
_LONGEST_NAME = 63  # PostgreSQL cuts longer names without a word


def table_name(product: str) -> str:
    """Name of the product's hypertable."""
    return f"telemetry_{product}"


def hourly_name(product: str) -> str:
    """Name of the relation `hour, machine_id, <signal>_avg, <signal>_min, <signal>_max, ...`."""
    return f"hourly_{product}"


def edition(connection: Connection) -> Edition:
    """Which edition of TimescaleDB serves this database."""
    row = connection.execute(_SQL["edition"]).fetchone()
    return "apache" if row is None or row["license"] == "apache" else "community"


def bring_up_to_date(connection: Connection, plan: ProductPlan) -> list[str]:
    """Make the hypertable of `plan`, or add the signals it lacks; returns what was done.

    A signal that the plan no longer has keeps its column. Raises StoreError where a name cannot
    be a column's or a signal changed its type.
    """
    _check_names(plan)
    table = table_name(plan.product)
    present = _columns(connection, table)
    _check_types(plan, present)
    missing = [signal for signal in plan.signals if signal.key not in present]
    _drop_references(connection, table)
    if not present:
        _make(connection, table, plan.signals)
        done = [f"Made {table} with {len(plan.signals)} signals."]
    elif missing:
        additions = sql.SQL(", ").join(sql.SQL("add column ") + _column(s) for s in missing)
        _run(connection, "add_signals", table=sql.Identifier(table), additions=additions)
        done = [f"Added {', '.join(s.key for s in missing)} to {table}."]
    else:
        done = []
    _make_hourly(connection, plan.product)
    if edition(connection) == "community":
        _set_policies(connection, table, fresh=not present)
    return done


def drop_expired(connection: Connection, products: Sequence[str], now: datetime) -> int:
    """Drop chunks older than `KEEP`; returns how many. Community has a job of its own for it."""
    if edition(connection) == "community":
        return 0
    dropped = 0
    for product in products:
        values = {"table": table_name(product), "before": now - KEEP}
        dropped += len(connection.execute(_SQL["drop_expired"], values).fetchall())
    return dropped


def tighten(
    connection: Connection, product: str, now: datetime, least_bytes: int = _LEAST_KEY
) -> str | None:
    """Pack the key of one chunk that ended, while others read and write.

    Returns the chunk's name, None where all keys of more than `least_bytes` are tight. Not inside
    a transaction; what an interrupted call left behind is dropped.
    """
    values = {
        "table": table_name(product),
        "before": now - TIGHTEN_AFTER,
        "least": least_bytes,
        "entry": _LOOSE_ENTRY,
    }
    found = connection.execute(_SQL["loose_key"], values).fetchone()
    if found is None:
        return None
    chunk = {"chunk": found["chunk"]}
    for row in connection.execute(_SQL["unfinished_keys"], chunk).fetchall():
        _run(connection, "drop_key", key=sql.SQL(row["name"]))
    _run(connection, "tighten_key", key=sql.SQL(found["key"]))
    return str(found["chunk"])


def _check_names(plan: ProductPlan) -> None:
    longest = max((f"{key}_{AGGREGATES[0]}" for key in plan.signal_keys), key=len)
    for name in (f"{table_name(plan.product)}_batch", f"{hourly_name(plan.product)}_99", longest):
        if len(name) > _LONGEST_NAME:
            raise StoreError(
                f"{plan.product}: {name} would be longer than the database's {_LONGEST_NAME} "
                "characters; shorten the product's or the signal's key"
            )
    taken = sorted(set(plan.signal_keys) & {*KEYS, "hour"})
    if taken:
        raise StoreError(
            f"{plan.product}: {', '.join(taken)} is a column of every product already; "
            "give the signal another key"
        )


def _check_types(plan: ProductPlan, present: dict[str, str]) -> None:
    for signal in plan.signals:
        wanted, found = _TYPES[signal.type], present.get(signal.key)
        if found is not None and found != wanted:
            raise StoreError(
                f"{plan.product}: {signal.key} is {wanted} in the plan and {found} in the "
                "database; a signal keeps its type: give the changed one a new key"
            )


def _columns(connection: Connection, relation: str) -> dict[str, str]:
    rows = connection.execute(_SQL["columns"], {"table": relation}).fetchall()
    return {row["name"]: row["type"] for row in rows}


def _make(connection: Connection, table: str, signals: Sequence[Signal]) -> None:
    """Columns of eight bytes stand first and those of two last: no room is lost to alignment."""
    by_width = {
        width: sql.SQL("").join(_column(s) + sql.SQL(", ") for s in signals if s.type in types)
        for width, types in (
            ("wide", ("double",)),
            ("four", ("real", "integer")),
            ("two", ("smallint",)),
        )
    }
    _run(
        connection,
        "make_table",
        table=sql.Identifier(table),
        wide=by_width["wide"],
        narrow=by_width["four"] + by_width["two"],
    )
    connection.execute(_SQL["make_hypertable"], {"table": table, "chunk": CHUNK})
    index = sql.Identifier(f"{table}_batch")
    _run(connection, "make_batch_index", table=sql.Identifier(table), index=index)


def _drop_references(connection: Connection, table: str) -> None:
    """The first tables had one to machine, which halves the speed of writing."""
    for row in connection.execute(_SQL["reference"], {"table": table}).fetchall():
        constraint = sql.Identifier(row["name"])
        _run(connection, "drop_reference", table=sql.Identifier(table), constraint=constraint)


def _make_hourly(connection: Connection, product: str) -> None:
    table, view = table_name(product), hourly_name(product)
    signals = [name for name in _columns(connection, table) if name not in KEYS]
    if edition(connection) == "community":
        _make_hourly_parts(connection, table, view, signals)
    elif _has_not(connection, view, signals):
        _run(
            connection,
            "make_hourly_view",
            view=sql.Identifier(view),
            table=sql.Identifier(table),
            aggregates=_aggregates(signals),
        )


def _make_hourly_parts(
    connection: Connection, table: str, view: str, signals: Sequence[str]
) -> None:
    """A continuous aggregate gets no further column, and making it anew would lose what retention
    has dropped: new signals get an aggregate of their own, and the view joins them."""
    rows = connection.execute(_SQL["hourly_parts"], {"pattern": f"^{view}_[0-9]+$"}).fetchall()
    parts = {row["name"]: list(_columns(connection, row["name"])) for row in rows}
    known = {column for columns in parts.values() for column in columns}
    missing = [signal for signal in signals if f"{signal}_{AGGREGATES[0]}" not in known]
    if not missing:
        return
    part = f"{view}_{len(parts) + 1}"
    _run(
        connection,
        "make_hourly_part",
        part=sql.Identifier(part),
        table=sql.Identifier(table),
        aggregates=_aggregates(missing),
    )
    connection.execute(_SQL["refresh_hourly_part"], {"part": part})
    parts[part] = list(_columns(connection, part))
    _run(connection, "join_hourly_parts", view=sql.Identifier(view), **_join(parts))


def _join(parts: dict[str, list[str]]) -> dict[str, sql.Composed]:
    """Columns and source of the view over all parts; the first has a row for every hour."""
    first, *others = parts
    columns = [sql.Identifier(first, column) for column in parts[first]]
    source = sql.SQL("") + sql.Identifier(first)
    for part in others:
        columns += [sql.Identifier(part, c) for c in parts[part] if c not in ("hour", "machine_id")]
        source += sql.SQL(" left join {} using (hour, machine_id)").format(sql.Identifier(part))
    return {"columns": sql.SQL(", ").join(columns), "parts": source}


def _has_not(connection: Connection, view: str, signals: Sequence[str]) -> bool:
    present = _columns(connection, view)
    return any(f"{signal}_{AGGREGATES[0]}" not in present for signal in signals)


def _set_policies(connection: Connection, table: str, *, fresh: bool) -> None:
    if fresh:
        _run(connection, "enable_columnstore", table=sql.Identifier(table))
    connection.execute(_SQL["columnstore_policy"], {"table": table, "after": COMPRESS_AFTER})
    connection.execute(_SQL["retention_policy"], {"table": table, "after": KEEP})


def _column(signal: Signal) -> sql.Composed:
    return sql.Identifier(signal.key) + sql.SQL(f" {_TYPES[signal.type]}")


def _aggregates(signals: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(
        sql.SQL("{}({}) as {}").format(
            sql.SQL(function), sql.Identifier(signal), sql.Identifier(f"{signal}_{function}")
        )
        for signal in signals
        for function in AGGREGATES
    )


def _run(connection: Connection, block: str, **parts: sql.Composable) -> None:
    connection.execute(sql.SQL(_SQL[block]).format(**parts))
