"""What machines measured, over time."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query

from api.auth import Caller
from api.context import Shared
from api.parameters import FromTime, Serial, ToTime
from api.present import telemetry as present
from api.problems import not_found, responses
from api.routes.machines import machine_row
from api.schemas.machine import RegimeBands, Telemetry
from fleet.carry import regime_signals
from fleet.clock import MS_PER_DAY, MS_PER_S, now_ms, to_ms
from fleet.plan import ProductPlan
from store import reading

MOST_SIGNALS = 20
MONTH_S = 31 * 86_400

router = APIRouter(
    prefix="/machines/{serial}",
    tags=["telemetry"],
    responses=responses("not-signed-in", "not-found"),
)

Signals = Annotated[
    str | None,
    Query(
        pattern=r"^[a-z][a-z0-9_]{0,59}(,[a-z][a-z0-9_]{0,59}){0,19}$",
        description=f"Keys with commas between, at most {MOST_SIGNALS}; "
        "without it those the plan shows first.",
    ),
]
Step = Annotated[
    float | None,
    Query(
        ge=1,
        le=MONTH_S,
        allow_inf_nan=False,
        description="Width of a step in seconds. It is made wider where more than "
        f"{reading.MOST_POINTS} steps would come of it.",
    ),
]


@router.get("/telemetry", operation_id="get_telemetry")
def get_telemetry(
    serial: Serial,
    _caller: Caller,
    shared: Shared,
    signals: Signals = None,
    since: FromTime = None,
    until: ToTime = None,
    step: Step = None,
) -> Telemetry:
    """Signals of a machine from `from` up to `to`, in steps; the last 24 hours without them.
    Where `to` is not after `from` there are no steps."""
    since_ms, until_ms = _range(since, until)
    with shared.database.connection() as connection:
        row = machine_row(connection, serial)
        plan = shared.plan(connection, row["product"])
        keys = _keys(signals, plan)
        since_ms, step_s = _even(since_ms, until_ms, step or present.least_step_s(plan, keys))
        series = reading.series(connection, plan, row["id"], keys, since_ms, until_ms, step_s)
    return present.telemetry(serial, plan, series, since_ms, until_ms)


@router.get("/regimes", operation_id="get_regimes")
def get_regimes(
    serial: Serial,
    _caller: Caller,
    shared: Shared,
    since: FromTime = None,
    until: ToTime = None,
    step: Step = None,
) -> RegimeBands:
    """What the machine was doing from `from` up to `to`, the last 24 hours without them."""
    since_ms, until_ms = _range(since, until)
    with shared.database.connection() as connection:
        row = machine_row(connection, serial)
        plan = shared.plan(connection, row["product"])
        keys = sorted(regime_signals(plan))
        since_ms, step_s = _even(since_ms, until_ms, step or present.least_step_s(plan, keys))
        series = reading.series(connection, plan, row["id"], keys, since_ms, until_ms, step_s)
    return present.bands(serial, plan, series, since_ms, until_ms)


def _range(since: datetime | None, until: datetime | None) -> tuple[int, int]:
    """[since, until) in ms; 24 hours before `until`, which is now where it is not given."""
    end = to_ms(until) if until is not None else now_ms()
    begin = to_ms(since) if since is not None else end - MS_PER_DAY
    return begin, max(begin, end)


def _even(since_ms: int, until_ms: int, asked_s: float) -> tuple[int, float]:
    """The beginning moved back to a multiple of the step, so that a chart which is asked for
    again a moment later shows the same steps, and the step that is wide enough."""
    width_ms = round(reading.bucket_s(until_ms - since_ms, asked_s) * MS_PER_S)
    begin = since_ms - since_ms % width_ms
    return begin, reading.bucket_s(until_ms - begin, asked_s)


def _keys(signals: str | None, plan: ProductPlan) -> list[str]:
    """The asked signals, or those the plan shows first; 404 for one that it does not have."""
    if signals is None:
        headlines = [signal.key for signal in plan.signals if signal.headline]
        return (headlines or list(plan.signal_keys))[:MOST_SIGNALS]
    keys = list(dict.fromkeys(signals.split(",")))
    unknown = [key for key in keys if key not in plan.signal]
    if unknown:
        listed = ", ".join(unknown)
        raise not_found(
            f"The product {plan.product} has no signal {listed}.",
            f"产品 {plan.name.zh} 没有信号 {listed}。",
        )
    return keys
