"""A small product with every kind of wear driver, for the tests of wear and tickets."""

from __future__ import annotations

from typing import Any

from fleet.consistency import problems_of
from fleet.plan import Catalogue, ProductPlan


def text(word: str) -> dict[str, str]:
    return {"en": word, "zh": f"{word}件"}


def _signal(key: str, unit: str, kind: str = "gauge", top: float = 1e9) -> dict[str, Any]:
    return {
        "key": key,
        "name": text(key),
        "component": "pump",
        "unit": unit,
        "type": "double",
        "kind": kind,
        "range": (0, top),
        "period_s": 10,
    }


def _part(key: str, driver: dict[str, Any], life: dict[str, float], **more: Any) -> dict[str, Any]:
    return {
        "id": key,
        "name": text(key),
        "number": f"N-{key}",
        "component": "pump",
        "positions": [{"id": "main", "name": text("main")}],
        "driver": driver,
        "life": life,
        "discard": text("worn"),
        "price_class": "B",
        "lead_class": "L1",
        "minutes": 40,
        **more,
    }


def _mode(key: str, component: str, severity: int, **more: Any) -> dict[str, Any]:
    return {
        "id": key,
        "name": text(key),
        "category": "mechanical",
        "severity": severity,
        "component": component,
        "symptoms": text("seen"),
        "causes": text("abrasion"),
        "remedy": text("replace"),
        "skill": "T1",
        "minutes": 60,
        "detectable": False,
        **more,
    }


def _check(key: str, component: str, severity: int, **more: Any) -> dict[str, Any]:
    return {
        "id": key,
        "check": text(key),
        "method": text("look"),
        "result": "ok",
        "fail_severity": severity,
        "component": component,
        "minutes": 5,
        **more,
    }


def _service(key: str, **more: Any) -> dict[str, Any]:
    return {
        "id": key,
        "name": text(key),
        "by": "service",
        "items": [text(f"item of {key}")],
        "skill": "T1",
        "minutes": 90,
        **more,
    }


def _rule(key: str, severity: int, **more: Any) -> dict[str, Any]:
    return {
        "id": key,
        "name": text(key),
        "component": "pump",
        "severity": severity,
        "when": "press_bar > 300",
        "regimes": "any",
        "hold_s": 60,
        "clear": "press_bar < 280",
        "advice": text("look"),
        **more,
    }


PLAN: dict[str, Any] = {
    "product": "pump",
    "name": text("pump"),
    "code": "P",
    "description": text("a pump"),
    "models": [{"id": "P56", "name": text("P56")}],
    "report": {"working_s": 10, "idle_s": 60, "off_s": 3600, "offline_s": 900, "parked_s": 99999},
    "max_gap_s": 120,
    "hours_signal": "op_hours_h",
    "components": [{"id": name, "name": text(name)} for name in ("pump", "boom", "connection")],
    "signals": [
        _signal("press_bar", "bar", top=1000),
        _signal("stroke_spm", "1/min", top=100),
        _signal("volume_m3", "m³", "counter"),
        _signal("op_hours_h", "h", "counter"),
    ],
    "regimes": [
        {
            "id": "pumping",
            "name": text("pumping"),
            "when": "stroke_spm > 4",
            "running": True,
            "color": "#0000ff",
        },
        {
            "id": "waiting",
            "name": text("waiting"),
            "when": "stroke_spm >= 0",
            "running": True,
            "color": "#00ff00",
        },
    ],
    "rules": [
        _rule("overpressure", 3, failure_modes=["F1", "F2"]),
        _rule("pressure_note", 1),
        _rule("boom_creep", 4, component="boom", failure_modes=["F3"]),
        _rule("silent_watch", 2, ticket=False),
        {
            **{
                k: v
                for k, v in _rule("offline", 2, component="connection").items()
                if k not in ("when", "regimes", "hold_s", "clear")
            },
            "silence": "offline",
        },
    ],
    "failure_modes": [
        _mode("F1", "pump", 3, parts=["piston"]),
        _mode("F2", "pump", 2, parts=["valve"], skill="T2", minutes=120),
        _mode("F3", "boom", 4, skill="T3", minutes=200),
    ],
    "parts": [
        _part(
            "piston",
            {"unit": "m3", "counter": "volume_m3", "factor": "press_bar / 150"},
            {"low": 10_000, "mid": 15_000, "high": 30_000},
            positions=[{"id": "left", "name": text("left")}, {"id": "right", "name": text("r")}],
            failure_modes=["F1"],
        ),
        _part(
            "valve",
            {"unit": "h", "hours": ["pumping"], "factor": "press_bar / 150"},
            {"low": 800, "mid": 1500, "high": 2500, "shape": 3},
            price_class="D",
            condition={
                "shows": "press_bar",
                "regimes": ["pumping"],
                "unit": "bar",
                "new": 150,
                "limit": 250,
                "shows_from": 0.94,
            },
        ),
        _part(
            "filter",
            {"unit": "h", "hours": "running"},
            {"low": 400, "mid": 500, "high": 650},
            price_class="A",
            lead_class="L0",
        ),
        _part("hose", {"unit": "month", "age": True}, {"low": 12, "mid": 18, "high": 26}),
    ],
    "services": [
        _service("daily", every_h=10, by="operator"),
        _service("first", first_h=50, minutes=240),
        _service("s250", every_h=250, includes=["daily"]),
        _service(
            "s500",
            every_h=500,
            includes=["s250"],
            minutes=240,
            parts=[{"part": "filter", "quantity": 1}],
        ),
        _service("yearly", every_h=2000, every_months=12, includes=["s500"], minutes=600),
    ],
    "checklists": [
        {
            "id": "routine",
            "name": text("routine"),
            "items": [
                _check("oil", "pump", 3),
                _check("gap", "pump", 2, result="number", unit="mm", limits={"above": 0.7}),
                _check("boom_pins", "boom", 4),
                _check("estop", "connection", 4),
                _check(
                    "paint",
                    "boom",
                    1,
                    result="choice",
                    choices=[text("good"), text("poor")],
                    passes=[0],
                ),
            ],
        }
    ],
    "version": "1",
}

TIERS = {
    "gold": {"id": "gold", "name": text("gold"), "target_h": {1: 72, 2: 24, 3: 8, 4: 4}},
}


def pump() -> ProductPlan:
    """The product, found consistent."""
    plan = ProductPlan.model_validate(PLAN)
    assert problems_of(plan) == []
    return plan


def catalogue() -> Catalogue:
    """The product and its one service tier."""
    return Catalogue.model_validate(
        {"plans": {"pump": pump()}, "tiers": TIERS, "fmi": {}, "spn": {}}
    )
