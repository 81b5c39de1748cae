"""The trailer pump, driven by a diesel engine or by an electric motor."""

from __future__ import annotations

import numpy as np

from fleet.batch import FloatColumn
from simulators.diesel import Engine
from simulators.output import Output, Signals
from simulators.pumps import pump
from simulators.run import Mask, Run
from simulators.stroke import Hydraulics

_SIZE = Hydraulics(26.0, 2050.0, (80.0, 185.0), Engine(130.0, 300.0, 40.0), 0.95)
#: Electric models, motor power in kW.
ELECTRIC_KW: dict[str, float] = {"TP60E": 90.0, "TP80E": 132.0}
_DIESEL_ONLY = ("eng_", "aft_", "fan_", "veh_fuel", "veh_alt")


def trailer_pump(run: Run) -> Output:
    """All signals and codes of a stretch of a trailer pump, diesel or electric by its model."""
    output = pump(run, _SIZE)
    on = ~run.doing("off")
    output.signals["op_hours_h"] = run.count("op_hours", on / 3600.0)
    output.signals["cable_tamper"] = np.zeros(len(run))
    if run.model not in ELECTRIC_KW:
        return output
    for key in list(output.signals):
        if key.startswith(_DIESEL_ONLY):
            del output.signals[key]
    output.add(_motor(run, on, output.signals["pump_press_main_bar"]))
    return output


def _motor(run: Run, on: Mask, press: FloatColumn) -> Signals:
    """An electric drive: current follows the pressure, the supply sags with it (CPT-F01)."""
    rated = 1.9 * ELECTRIC_KW[run.model]
    share = np.where(
        run.doing("pump", "prime", "reverse", "blocked", "clean"), 0.30 + 0.0017 * press, 0.26
    )
    bad = run.mode("CPT-F01")
    current = rated * share * (1.0 + 0.85 * bad) + run.white(1.5)
    stuck = run.mode("CPT-F02") > 0.3
    return {
        "mot_current_a": np.where(on, np.maximum(current, 8.0), 0.0),
        "mot_volt_v": 391.0 - np.where(on, 12.0 * share + 62.0 * bad, 0.0) + run.white(1.2),
        "mot_start_state": np.where(on, np.where(stuck, 1.0, 2.0), 0.0),
    }
