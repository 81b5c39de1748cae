"""A small product and three machines of it: what tests of the store and the ingest run on.

Independent of `products/`, so that a limit changed there breaks no test of transport.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from fleet.plan import Catalogue, ProductPlan
from fleet.registry import Customer, NewMachine, Region, Registration, Station
from fleet.text import Text

NAME = {"en": "name", "zh": "名称"}
TEXT = Text(en="name", zh="名称")
SERIALS = ("P-1", "P-2", "P-3")

SIGNALS: tuple[dict[str, Any], ...] = (
    {"key": "oil_temp_c", "unit": "°C", "range": (-60, 150)},
    {
        "key": "fuel_pct",
        "unit": "%",
        "range": (0, 102),
        "j1939": {"spn": 96, "pgn": 65276, "bits": 8, "resolution": 0.4},
    },
    {
        "key": "eng_speed_rpm",
        "unit": "rpm",
        "range": (0, 9000),
        "j1939": {"spn": 190, "pgn": 61444, "bits": 16, "resolution": 0.125},
    },
    {
        "key": "eng_hours_h",
        "unit": "h",
        "range": (0, 1e9),
        "type": "double",
        "kind": "counter",
        "j1939": {"spn": 247, "pgn": 65253, "bits": 32, "resolution": 0.05},
    },
    {
        "key": "filter_sw",
        "kind": "flag",
        "range": (0, 3),
        "type": "smallint",
        "j1939": {"spn": 1713, "pgn": 65128, "bits": 2},
    },
    {
        "key": "pto_state",
        "kind": "enum",
        "range": (0, 31),
        "type": "smallint",
        "values": {0: NAME, 1: NAME},
        "j1939": {"spn": 976, "pgn": 65265, "bits": 5},
    },
    {"key": "stroke_count", "unit": "count", "range": (0, 2e9), "type": "integer"},
)


def product_plan(product: str = "pump", **changed: Any) -> ProductPlan:
    """The small plan; `changed` replaces sections of it."""
    sections: dict[str, Any] = {
        "product": product,
        "name": NAME,
        "code": "P",
        "description": NAME,
        "version": "1",
        "models": [{"id": "P20", "name": NAME}],
        "report": {"working_s": 10, "idle_s": 60, "off_s": 600, "offline_s": 900, "parked_s": 9000},
        "max_gap_s": 60,
        "hours_signal": "eng_hours_h",
        "components": [{"id": "body", "name": NAME}],
        "signals": [signal(**given) for given in SIGNALS],
        "regimes": [
            {"id": "off", "name": NAME, "when": "1 > 0", "running": False, "color": "#000000"}
        ],
        "parts": [wear_part("seal", "left", "right"), wear_part("filter", "only")],
    }
    return ProductPlan.model_validate(sections | changed)


def signal(**given: Any) -> dict[str, Any]:
    """A signal of the plan from what is said of it."""
    return {"name": NAME, "component": "body", "period_s": 10, **given}


def wear_part(part: str, *positions: str) -> dict[str, Any]:
    """A wear part of the plan with its positions."""
    return {
        "id": part,
        "name": NAME,
        "number": f"N-{part}",
        "component": "body",
        "positions": [{"id": position, "name": NAME} for position in positions],
        "driver": {"unit": "h", "hours": "running"},
        "life": {"low": 500, "mid": 1000, "high": 2000},
        "discard": NAME,
        "price_class": "A",
        "lead_class": "L0",
        "minutes": 30,
    }


def catalogue(*plans: ProductPlan) -> Catalogue:
    """The small plan, or the given ones, with one service tier."""
    chosen = plans or (product_plan(),)
    return Catalogue.model_validate(
        {
            "plans": {plan.product: plan for plan in chosen},
            "tiers": {"gold": {"id": "gold", "name": NAME, "target_h": {1: 72, 2: 24, 3: 8, 4: 4}}},
            "fmi": {0: NAME},
            "spn": {110: NAME},
        }
    )


def new_machine(serial: str, **changed: Any) -> NewMachine:
    """A machine of the small product."""
    fields: dict[str, Any] = {
        "serial": serial,
        "product": "pump",
        "model": "P20",
        "customer": "builder",
        "station": "station",
        "tier": "gold",
        "site": TEXT,
        "lat": 28.2,
        "lon": 112.9,
        "commissioned_on": date(2024, 5, 1),
    }
    return NewMachine(**(fields | changed))


def registration(*machines: NewMachine) -> Registration:
    """One region, customer and station, and the machines of `SERIALS` or the given ones."""
    return Registration(
        regions=[Region("south", TEXT)],
        customers=[Customer("builder", TEXT)],
        stations=[Station("station", "south", TEXT, 28.0, 113.0)],
        machines=machines or [new_machine(serial) for serial in SERIALS],
    )
