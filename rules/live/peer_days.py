"""The job that counts the days of fleets for rules that compare with peers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fleet.batch import SampleBatch
from fleet.carry import first_true
from fleet.clock import MS_PER_DAY
from fleet.evaluate import evaluate
from fleet.peer_day import PeerDay
from fleet.plan import ProductPlan
from rules.compiled import CompiledPlan, compile_plan
from rules.remembered.peers import COUNTED_AFTER_MS, LEAST_ROWS, OLDEST_DAYS, fleet_day
from rules.sheet import sheet_of
from rules.state import empty_state
from store import normals
from store.connection import Connection
from store.reading import read_range

#: Machines of a region that stand for all of them.
MOST_MACHINES = 100
#: Machines whose day is in memory at a time: some ten thousand rows each.
READ_AT_ONCE = 10


def count_days(connection: Connection, plan: ProductPlan, now_ms: int) -> int:
    """Count the days of a product that are over and not counted yet, no more than the last week's;
    how many were counted. A day is counted once: what comes later changes nothing."""
    compiled = compile_plan(plan)
    if not compiled.gauges.peer_calls:
        return 0
    last = (now_ms - COUNTED_AFTER_MS) // MS_PER_DAY - 1
    counted = normals.peer_days_counted(connection, plan.product)
    found: list[PeerDay] = []
    for region, machines in normals.peers(connection, plan.product, MOST_MACHINES).items():
        for day in range(last - OLDEST_DAYS + 1, last + 1):
            due = [
                call.key
                for call in compiled.gauges.peer_calls
                if counted.get((call.key, region), -1) < day
            ]
            if due:
                means = _means(connection, compiled, machines, day)
                found += [fleet_day(key, region, day, means[key]) for key in due]
    normals.put_peer_days(connection, plan.product, found)
    return len(found)


def _means(
    connection: Connection, compiled: CompiledPlan, machines: Sequence[int], day: int
) -> dict[str, list[float]]:
    """The days of machines, read a few at a time."""
    begin = day * MS_PER_DAY
    means: dict[str, list[float]] = {call.key: [] for call in compiled.gauges.peer_calls}
    for at in range(0, len(machines), READ_AT_ONCE):
        some = machines[at : at + READ_AT_ONCE]
        rows = read_range(connection, compiled.plan, some, begin, begin + MS_PER_DAY)
        for key, values in machine_days(compiled, rows).items():
            means[key] += values
    return means


def machine_days(compiled: CompiledPlan, rows: SampleBatch) -> dict[str, list[float]]:
    """The means of machines over their rows of one day, by what is compared; a machine with fewer
    than LEAST_ROWS known values in the call's regimes is left out."""
    found: dict[str, list[float]] = {call.key: [] for call in compiled.gauges.peer_calls}
    if len(rows) == 0:
        return found
    machines = np.unique(rows.machine_id).tolist()
    sheet = sheet_of(compiled, empty_state(compiled, machines), rows)
    regime = first_true(compiled.regimes, sheet.columns)
    ids = [one.id for one in compiled.plan.regimes]
    for call in compiled.gauges.peer_calls:
        values = evaluate(call.argument, sheet.columns, {})
        known = ~np.isnan(values)
        if call.regimes is not None:
            known &= np.isin(regime, [ids.index(name) for name in call.regimes])
        counts = np.bincount(sheet.grid.machine[known], minlength=len(machines))
        sums = np.bincount(sheet.grid.machine[known], values[known], minlength=len(machines))
        enough = counts >= LEAST_ROWS
        found[call.key] = (sums[enough] / counts[enough]).tolist()
    return found
