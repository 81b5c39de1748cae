"""Filling up shelves between two plans: what to move today by the levels of the plan.

A plan orders once a month and its levels take it that pieces go from the headquarters to the
shelves below every `refill_days`. A refill says which, from the stock as it was counted since.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from fleet.errors import IronpulseError
from fleet.plan import Catalogue
from predict.plan.moves import Held, Shelves, echelon, lasts, shifts
from predict.plan.network import Network, network
from store import part_plans, refills, stock
from store.connection import Connection

Row = dict[str, Any]


class RefillError(IronpulseError):
    """Shelves that cannot be filled up now; says why and what to do."""


def run_refill(connection: Connection, catalogue: Catalogue, at: datetime, made_by: str) -> int:
    """Say what to move as of a moment and keep it; returns its number. Call it in a transaction.

    Raises RefillError where there is no plan yet, or stock was not counted since somebody looked
    last: what was moved then would be moved again.
    """
    basis = refills.basis(connection, at)
    if basis is None:
        raise RefillError(
            "There is no parts plan whose levels could be filled up: make one with "
            "`ironpulse plan run`."
        )
    if not counted_since(basis):
        raise RefillError(
            f"Stock was not counted since the shelves were looked at last "
            f"({basis['looked_at']:%Y-%m-%d %H:%M}), and what was to be moved then would be moved "
            "again: import what lies in the warehouses with `ironpulse parts import stock FILE`."
        )
    net = network(stock.warehouses(connection), catalogue.supply)
    there = stock.stock(connection)
    lines: dict[str, dict[str, Row]] = defaultdict(dict)
    for line in part_plans.lines(connection, basis["run_id"], {}):
        lines[line["number"]][line["warehouse"]] = line
    moves = [move for own in lines.values() for move in refill(net, own, there)]
    head = {"run_id": basis["run_id"], "counted_at": basis["counted_at"]}
    return refills.put(connection, {**head, "as_of": at, "made_by": made_by}, moves)


def counted_since(basis: Mapping[str, Any]) -> bool:
    """Whether stock was counted since the shelves were looked at last."""
    counted, looked = basis["counted_at"], basis["looked_at"]
    return counted is not None and counted > looked


def refill(
    net: Network, lines: Mapping[str, Row], there: Mapping[tuple[str, str], Row]
) -> Iterator[Row]:
    """What to move of one article: `lines` of its plan and what is `there`, by warehouse.

    What a warehouse waits for is passed on once pieces that are on their way to its source arrive.
    """
    # A warehouse that was added since the plan has no level yet and gives what it has.
    known = [lines.get(id_) for id_ in net.ids]
    number = next(line["number"] for line in known if line is not None)
    places = Shelves(
        net.sources,
        [line["own_level"] if line else 0 for line in known],
        [line["expected"] / line["cover_days"] if line else 0.0 for line in known],
        [line["reasons"].get("most", math.inf) if line else 0 for line in known],
    )
    held = [_held(there.get((id_, number))) for id_ in net.ids]
    done = shifts(places, held)
    said = [(m.source, m.target, m.quantity, "back" if m.back else "now") for m in done.transfers]
    said += _on_arrival(net.sources, done.waits, held)
    position = echelon(net.sources, [each.position for each in held])
    level, days = echelon(net.sources, places.levels), lasts(places, held)
    for source, target, quantity, kind in said:
        yield {
            "number": number,
            "source": net.ids[source],
            "target": net.ids[target],
            "quantity": quantity,
            "kind": kind,
            "position": position[target],
            "level": level[target],
            "lasts_days": round(days[target], 1) if math.isfinite(days[target]) else None,
        }


def _held(row: Row | None) -> Held:
    return Held(row["on_hand"], row["inbound"], row["owed"]) if row else Held()


def _on_arrival(
    sources: Sequence[int | None], waits: Sequence[int], held: Sequence[Held]
) -> Iterator[tuple[int, int, int, str]]:
    coming = [each.inbound for each in held]
    for target, source in enumerate(sources):
        if source is not None:
            quantity = min(waits[target], coming[source])
            coming[source] -= quantity
            if quantity > 0:
                yield source, target, quantity, "arrival"
