"""Past plans against what came: who would have been right, plan, manager or simple rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fleet.plan import Catalogue
from predict.plan.judge import Party, Verdict, judge
from predict.plan.network import network
from store import part_plans, stock
from store.connection import Connection

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LineVerdict:
    """A line of a past plan and its verdict; `until` is the end of the days its stock had to
    last."""

    line: Row
    until: datetime
    verdict: Verdict


def planned_quantity(line: Row) -> int:
    """Pieces that the plan brings into a place: by transfer, by order, in a hurry, and those that
    are passed on to it once the order is there."""
    # What comes back was counted already: a line counts all that its warehouse serves.
    moved = sum(each["quantity"] for each in line["transfers"] if not each.get("back"))
    waits = line["reasons"]["waits"] if line["warehouse_level"] != "headquarters" else 0
    hurried = line["emergency_quantity"]
    return int(line["order_quantity"] + moved + max(waits, hurried))


def verdicts(
    connection: Connection, catalogue: Catalogue, run_id: int, now: datetime
) -> Iterator[LineVerdict]:
    """Verdicts on the lines of a plan whose days have passed, where anything was asked for or
    ordered."""
    run = part_plans.runs(connection, 1, run_id)
    if not run:
        return
    as_of: datetime = run[0]["as_of"]
    served = _served(stock.warehouses(connection), catalogue)
    over = [
        (line, until)
        for line in part_plans.lines(connection, run_id, {})
        if (until := as_of + timedelta(days=round(line["cover_days"]))) <= now
    ]
    asked = part_plans.asked(connection, as_of, {until for _, until in over})
    for line, until in over:
        came = sum(
            asked[until].get((place, line["number"]), 0) for place in served[line["warehouse"]]
        )
        quantities = _quantities(line)
        if came or any(quantities.values()):
            verdict = judge(
                line["position"], quantities, came, line["service_level"], line["price"]
            )
            yield LineVerdict(line, until, verdict)


def _quantities(line: Row) -> dict[Party, int]:
    found: dict[Party, int] = {"plan": planned_quantity(line), "rule": line["rule_quantity"]}
    if line["override_quantity"] is not None:
        found["override"] = line["override_quantity"]
    return found


def _served(rows: Sequence[Row], catalogue: Catalogue) -> dict[str, list[str]]:
    """Warehouse -> itself and all it serves."""
    net = network(rows, catalogue.supply)
    found = {id_: [id_] for id_ in net.ids}
    for number in range(len(net.ids) - 1, 0, -1):
        source = net.sources[number]
        if source is not None:
            found[net.ids[source]] += found[net.ids[number]]
    return found
