"""What was learned of the lives of parts as rows, one for each kind of part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg.types.json import Jsonb

from fleet.clock import to_datetime
from store.connection import Connection
from store.queries import load

_SQL = load("learned_life")

Row = dict[str, Any]
_JSON = ("curve", "factors", "checks")


def put(connection: Connection, rows: Sequence[Row], now_ms: int) -> None:
    """Keep what was learned, named as the columns of `learned_life`; kinds of parts that are not
    among the rows are forgotten."""
    names = ("product", "part", "ended", "lives", "p10", "p50", "p90", *_JSON)
    values: Row = {
        name: [Jsonb(row[name]) if name in _JSON else row[name] for row in rows] for name in names
    }
    values["now"] = to_datetime(now_ms)
    connection.execute(_SQL["put"], values)
    connection.execute(_SQL["forget"], {"now": values["now"]})


def learned(
    connection: Connection,
    product: str | None,
    part: str | None,
    after: tuple[str, str] | None,
    limit: int,
) -> list[Row]:
    """What was learned, by product and part, beginning after a product's part."""
    values = {
        "product": product,
        "part": part,
        "after_product": after[0] if after else None,
        "after_part": after[1] if after else None,
        "limit": limit,
    }
    return connection.execute(_SQL["learned"], values).fetchall()
