"""Two small products with everything the interface shows, and machines in two regions."""

from __future__ import annotations

from typing import Any

from fleet.consistency import problems_of
from fleet.plan import Catalogue, ProductPlan
from fleet.registry import Customer, Region, Registration, Station
from tests import small
from tests.small import NAME, TEXT, new_machine, product_plan, signal, wear_part

REGIMES = [
    {"id": "working", "name": NAME, "when": "eng_speed_rpm > 1000", "running": True}
    | {"color": "#22aa55"},
    {"id": "idle", "name": NAME, "when": "eng_speed_rpm > 400", "running": True}
    | {"color": "#ddaa22"},
    {"id": "off", "name": NAME, "when": "eng_speed_rpm <= 400", "running": False}
    | {"color": "#888888"},
]
SIGNALS: list[dict[str, Any]] = [
    {"key": "gps_lat", "unit": "°", "range": (-90, 90), "type": "double"},
    {"key": "gps_lon", "unit": "°", "range": (-180, 180), "type": "double"},
    {"key": "hyd_temp_c", "unit": "°C", "range": (-60, 150), "headline": True}
    | {"normal": (20, 80), "warn": {"above": 90}, "alarm": {"above": 100}},
]


UNLIKE = {"signals": ["hyd_temp_c", "gps_lat"], "inputs": ["eng_speed_rpm"], "every_s": 900}


def rule(name: str, severity: int, **trigger: Any) -> dict[str, Any]:
    """A rule of the plan; `trigger` says when."""
    return {
        "id": name,
        "name": {"en": f"rule {name}", "zh": f"规则 {name}"},
        "component": "body",
        "severity": severity,
        "advice": NAME,
        "failure_modes": ["F01"],
        **trigger,
    }


def threshold(name: str, severity: int, limit: float) -> dict[str, Any]:
    """A rule that raises while the oil is hotter than `limit`."""
    return rule(
        name,
        severity,
        when=f"hyd_temp_c > {limit}",
        regimes="any",
        hold_s=60,
        clear=f"hyd_temp_c < {limit - 5}",
        shows=["hyd_temp_c"],
    )


def full_plan(product: str, code: str) -> ProductPlan:
    """A product with a piece of everything."""
    plan = product_plan(
        product,
        code=code,
        signals=[signal(**given) for given in (*small.SIGNALS, *SIGNALS)],
        regimes=REGIMES,
        rules=[
            threshold("warm", 2, 90),
            threshold("hot", 3, 100),
            threshold("boiling", 4, 110),
            rule("silent", 3, silence="offline"),
            rule("unlike", 2, normal=UNLIKE, regimes=["working"]),
        ],
        failure_modes=[
            {"id": "F01", "name": NAME, "category": "hydraulic", "severity": 3}
            | {"component": "body", "symptoms": NAME, "causes": NAME, "remedy": NAME}
            | {"parts": ["seal"], "skill": "T1", "minutes": 60, "detectable": False}
        ],
        parts=[wear_part("seal", "left", "right"), wear_part("filter", "only")],
        services=[
            {"id": "s250", "name": NAME, "every_h": 250, "by": "service", "items": [NAME]}
            | {"skill": "T1", "minutes": 120, "parts": [{"part": "filter"}]}
        ],
        checklists=[
            {
                "id": "routine",
                "name": NAME,
                "items": [
                    check("leaks", result="ok"),
                    check("pressure", result="number", unit="bar", limits={"below": 100}),
                    check("colour", result="choice", choices=[NAME, NAME], passes=[0]),
                ],
            }
        ],
    )
    assert not problems_of(plan)
    return plan


def check(name: str, **kind: Any) -> dict[str, Any]:
    """A check of the inspection."""
    item = {"id": name, "check": NAME, "method": NAME, "fail_severity": 2}
    return item | {"component": "body", "minutes": 5, "failure_modes": ["F01"], **kind}


def catalogue() -> Catalogue:
    """The products pump and crane."""
    return small.catalogue(full_plan("pump", "P"), full_plan("crane", "C"))


def registration() -> Registration:
    """Pumps P-1 to P-3 of the south, and the crane C-1 of the north."""
    return Registration(
        regions=[Region("south", TEXT), Region("north", TEXT), Region("west", TEXT)],
        customers=[Customer("builder", TEXT)],
        stations=[
            Station("station", "south", TEXT, 28.0, 113.0),
            Station("polar", "north", TEXT, 45.0, 126.0),
        ],
        machines=[
            *(new_machine(serial) for serial in small.SERIALS),
            new_machine("C-1", product="crane", station="polar"),
        ],
    )
