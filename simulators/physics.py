"""Which equations belong to which product."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from simulators.boom_pump import boom_pump
from simulators.output import Output
from simulators.paver import paver
from simulators.run import Run
from simulators.screed import GAS
from simulators.tower_crane import tower_crane
from simulators.trailer_pump import ELECTRIC_KW, trailer_pump
from simulators.truck_crane import truck_crane


@dataclass(frozen=True)
class Physics:
    """The equations of a product.

    `per_hour` are the counters that a machine comes with, per operating hour of its past, of
    which there are `hours_per_year`; `hours` is the counter that services follow. `plan_regime`
    names the plan's regime for those that the duty tells apart more finely. `never` are failure
    modes, by prefix, that a model cannot have ("": all models not named).
    """

    signals: Callable[[Run], Output]
    hours_per_year: float
    per_hour: dict[str, float]
    hours: str = "hours"
    plan_regime: dict[str, str] = field(default_factory=dict)
    never: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def can_have(self, model: str, mode: str) -> bool:
        """Whether a machine of `model` can have failure mode `mode` at all."""
        return not mode.startswith(self.never.get(model, self.never.get("", ("-",))))


_DIESEL = {"hours": 1.0, "idle_hours": 0.35, "pto_hours": 0.7, "fuel_total": 14.0}
_PUMP = {**_DIESEL, "volume": 26.0, "strokes": 300.0, "pump_hours": 0.4, "lube": 3.0}

PHYSICS: dict[str, Physics] = {
    "concrete_boom_pump": Physics(boom_pump, 1500.0, {**_PUMP, "odometer": 9.0}, "pto_hours"),
    "trailer_pump": Physics(
        trailer_pump,
        1200.0,
        {**_PUMP, "op_hours": 1.0},
        "op_hours",
        never={"": ("CPT-",), **dict.fromkeys(ELECTRIC_KW, ("DE-",))},
    ),
    "truck_crane": Physics(
        truck_crane,
        1400.0,
        {**_DIESEL, "odometer": 8.0, "winch_hours": 0.25, "winch_weighted": 0.009, "lifts": 2.2,
         "stops": 14.0},
        plan_regime={"lower": "lift"},
    ),
    "tower_crane": Physics(
        tower_crane,
        2200.0,
        {"hours": 1.0, "lifts": 9.0, "stops": 45.0, "trolley": 2.0},
        never={"": ("CR-F10",), "TL16": ("-",)},
    ),
    "asphalt_paver": Physics(
        paver,
        1200.0,
        {**_DIESEL, "tonnes": 170.0, "metres": 110.0, "trucks": 4.0, "folds": 3.0},
        never={"": ("PV-F04",), **dict.fromkeys(GAS, ("PV-F01", "PV-F02", "PV-F03"))},
    ),
}  # fmt: skip
