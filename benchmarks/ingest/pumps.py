"""The fleet of the benchmark: one product with 20 numeric signals, 2,000 machines."""

from __future__ import annotations

from datetime import date
from typing import Any

from fleet.plan import Catalogue, ProductPlan
from fleet.registry import Customer, NewMachine, Region, Registration, Station
from fleet.text import Text

MACHINES = 2_000
PRODUCT = "bench_pump"
#: The same columns once more, for the ceiling.
CEILING = "bench_ceiling"
#: How long a sample waited in its machine before it was sent, in milliseconds.
WAITED = "buffer_wait_ms"
SIGNALS = (
    "hyd_oil_temp_c",
    "hyd_press_main_bar",
    "hyd_press_boom_bar",
    "hyd_flow_l_min",
    "hyd_filter_bar",
    "eng_speed_rpm",
    "eng_load_pct",
    "eng_coolant_c",
    "eng_oil_press_kpa",
    "eng_fuel_rate_l_h",
    "eng_boost_kpa",
    "pump_strokes_min",
    "pump_out_m3_h",
    "boom_angle_1_deg",
    "boom_angle_2_deg",
    "boom_slew_deg",
    "boom_tip_vib_mm",
    "bus_voltage_v",
    "water_temp_c",
    WAITED,
)

_NAME = {"en": "name", "zh": "名称"}
_TEXT = Text(en="name", zh="名称")


def serial(number: int) -> str:
    """The serial of a machine; all have one length."""
    return f"M{number:05d}"


def flat_id(number: int) -> int:
    """The number of a machine where others know it by number; all have one length."""
    return 100_000 + number


def plan(product: str) -> ProductPlan:
    """A product whose hypertable has the 20 signals as real columns."""
    return ProductPlan.model_validate(
        {
            "product": product,
            "name": _NAME,
            "code": product.upper().replace("_", ""),
            "description": _NAME,
            "version": "1",
            "models": [{"id": "B1", "name": _NAME}],
            "report": {
                "working_s": 10,
                "idle_s": 60,
                "off_s": 600,
                "offline_s": 900,
                "parked_s": 9000,
            },
            "max_gap_s": 60,
            "hours_signal": SIGNALS[0],
            "components": [{"id": "body", "name": _NAME}],
            "signals": [_signal(key) for key in SIGNALS],
            "regimes": [
                {"id": "off", "name": _NAME, "when": "1 > 0", "running": False, "color": "#000000"}
            ],
            "parts": [],
        }
    )


def catalogue() -> Catalogue:
    """The product, and the same under the name of the ceiling."""
    tier = {"id": "gold", "name": _NAME, "target_h": {1: 72, 2: 24, 3: 8, 4: 4}}
    return Catalogue.model_validate(
        {
            "plans": {product: plan(product) for product in (PRODUCT, CEILING)},
            "tiers": {"gold": tier},
            "fmi": {0: _NAME},
            "spn": {110: _NAME},
        }
    )


def registration(machines: int) -> Registration:
    """All machines of the benchmark."""
    return Registration(
        regions=[Region("south", _TEXT)],
        customers=[Customer("builder", _TEXT)],
        stations=[Station("station", "south", _TEXT, 28.0, 113.0)],
        machines=[_machine(serial(number)) for number in range(machines)],
    )


def _machine(name: str) -> NewMachine:
    return NewMachine(
        serial=name,
        product=PRODUCT,
        model="B1",
        customer="builder",
        station="station",
        tier="gold",
        site=_TEXT,
        lat=28.2,
        lon=112.9,
        commissioned_on=date(2024, 5, 1),
    )


def _signal(key: str) -> dict[str, Any]:
    return {
        "key": key,
        "name": _NAME,
        "component": "body",
        "period_s": 10,
        "range": (0, 10_000),
    }
