"""Which equations belong to which product."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from simulators.output import Output
from simulators.run import Run
from simulators.truck_crane import truck_crane


@dataclass(frozen=True)
class Physics:
    """The equations of a product; the counters it starts life with, per operating hour; and the
    plan's name for regimes that the duty tells apart more finely."""

    signals: Callable[[Run], Output]
    hours_per_year: float
    per_hour: dict[str, float]
    plan_regime: dict[str, str]


_DIESEL = {"hours": 1.0, "idle_hours": 0.35, "pto_hours": 0.6, "fuel_total": 14.0, "odometer": 8.0}

PHYSICS: dict[str, Physics] = {
    "truck_crane": Physics(
        truck_crane,
        1400.0,
        {**_DIESEL, "winch_hours": 0.25, "winch_weighted": 0.009, "lifts": 2.2, "stops": 14.0},
        {"lower": "lift"},
    ),
}
