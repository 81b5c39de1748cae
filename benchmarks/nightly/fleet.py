"""A fleet in the store as the nightly run finds it: parts in use, months of use, ended lives."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np

from fleet.clock import MS_PER_DAY, to_datetime, to_ms
from fleet.plan import Catalogue, ProductPlan
from predict.state import to_json
from predict.usage import MachineUsage
from simulators.fleet import demo_fleet
from simulators.wear import PER_DAY
from store import usage, wear
from store.connection import Connection
from store.machines import register

MONTHS_KEPT = 13
#: Lives that ended, for each place of each part.
ENDED_PER_MACHINE = 6
_PORTION = 1_000


def trimmed(catalogue: Catalogue, places: int) -> Catalogue:
    """The same products with so many fitted parts each, at most."""
    return catalogue.model_copy(
        update={"plans": {key: _trimmed(plan, places) for key, plan in catalogue.plans.items()}}
    )


def _trimmed(plan: ProductPlan, places: int) -> ProductPlan:
    parts, left = [], places
    for part in plan.parts:
        if left > 0:
            kept = part.positions[:left]
            parts.append(part.model_copy(update={"positions": kept}))
            left -= len(kept)
    known = {part.id for part in parts}
    services = [
        each.model_copy(update={"parts": tuple(n for n in each.parts if n.part in known)})
        for each in plan.services
    ]
    modes = [
        each.model_copy(update={"parts": tuple(key for key in each.parts if key in known)})
        for each in plan.failure_modes
    ]
    changed = {"parts": tuple(parts), "services": tuple(services), "failure_modes": tuple(modes)}
    return plan.model_copy(update=changed)


def fill(connection: Connection, catalogue: Catalogue, machines: int, now_ms: int) -> None:
    """Register the fleet and give it a past."""
    today = to_datetime(now_ms).date()
    fleet = demo_fleet(catalogue.plans, machines, seed=3, today=today)
    ids = register(connection, fleet)
    rng = np.random.default_rng(3)
    plans = {ids[spec.serial]: catalogue.plans[spec.product] for spec in fleet.machines}
    rows = wear.live_parts(connection, list(plans))
    connection.execute(
        "update fitted_part set fitted_at = %s where removed_at is null",
        (to_datetime(now_ms - 400 * MS_PER_DAY),),
    )
    mids = [plans[row["machine_id"]].part[row["part"]].life.mid for row in rows]
    used = rng.uniform(0.05, 0.95, len(rows)) * np.array(mids)
    moment = to_datetime(now_ms)
    usage.put_part_usage(
        connection, [row["id"] for row in rows], [0.0] * len(rows), used.tolist(),
        [moment] * len(rows),
    )  # fmt: skip
    _lives(connection, rows, mids, rng, now_ms)
    numbers = list(plans)
    for start in range(0, len(numbers), _PORTION):
        _past(connection, {m: plans[m] for m in numbers[start : start + _PORTION]}, rng, now_ms)


def _past(
    connection: Connection, plans: dict[int, ProductPlan], rng: np.random.Generator, now_ms: int
) -> None:
    states, checkpoints, months = {}, {}, {}
    firsts = [first for first in _month_starts(now_ms) if first < now_ms]
    for machine, plan in plans.items():
        busy = float(np.exp(0.3 * rng.standard_normal()))
        rates = {
            part.id: busy * PER_DAY[plan.product].get(part.driver.unit, 0.0) for part in plan.parts
        }
        hours = busy * PER_DAY[plan.product]["h"]

        def at(ms: int, rates: dict[str, float] = rates, hours: float = hours) -> MachineUsage:
            days = (ms - firsts[0]) / MS_PER_DAY
            totals = {part: rate * days for part, rate in rates.items()}
            return MachineUsage(ms, firsts[0], totals, 2000 + hours * days, 2000.0)

        states[machine] = (now_ms, to_json(at(now_ms)))
        day = (now_ms // MS_PER_DAY - 28) * MS_PER_DAY
        checkpoints[machine, day] = (day, to_json(at(day)))
        for first in firsts:
            state = at(first)
            months[machine, first] = {"hours": state.hours, "totals": state.totals}
    usage.put(connection, states, checkpoints, 40)
    usage.put_months(connection, months)


def _month_starts(now_ms: int) -> list[int]:
    day = to_datetime(now_ms).date().replace(day=1)
    found = []
    for _ in range(MONTHS_KEPT):
        found.append(_ms(day))
        day = (day - timedelta(days=1)).replace(day=1)
    return sorted(found)


def _ms(day: date) -> int:
    return to_ms(datetime(day.year, day.month, day.day, tzinfo=UTC))


def _lives(
    connection: Connection,
    rows: Sequence[wear.Row],
    mids: Sequence[float],
    rng: np.random.Generator,
    now_ms: int,
) -> None:
    """Parts that stood in the same places before: worn, failed, or replaced early."""
    chosen = rng.choice(len(rows), min(len(rows), ENDED_PER_MACHINE * len(rows) // 12), False)
    ends = np.array(mids)[chosen] * np.exp(0.3 * rng.standard_normal(len(chosen)))
    reasons = rng.choice(["worn", "failed", "early"], len(chosen), p=[0.6, 0.25, 0.15])
    fitted = [now_ms - round(float(d) * MS_PER_DAY) for d in rng.uniform(600, 1500, len(chosen))]
    connection.execute(
        """
        with ended as (
            insert into fitted_part (machine_id, part, position, fitted_at, removed_at,
                removed_reason)
            select given.* from unnest(%s::integer[], %s::text[], %s::text[], %s::timestamptz[],
                %s::timestamptz[], %s::text[]) as given
            returning id, part)
        insert into part_usage (fitted_part_id, at_fitting, used, as_of)
        select numbered.id, 0, given.used, %s
        from (select id, row_number() over (order by id) as place from ended) as numbered
        join unnest(%s::double precision[]) with ordinality as given (used, place)
            on given.place = numbered.place
        """,
        (
            [rows[n]["machine_id"] for n in chosen],
            [rows[n]["part"] for n in chosen],
            [rows[n]["position"] for n in chosen],
            [to_datetime(at) for at in fitted],
            [to_datetime(now_ms - 401 * MS_PER_DAY)] * len(chosen),
            reasons.tolist(),
            to_datetime(now_ms),
            ends.tolist(),
        ),
    )
