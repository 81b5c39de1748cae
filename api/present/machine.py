"""Machines as answers: the row of `store.fleet_view`, read with the plan of the product."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from api.present.product import bilingual, model_of, named
from api.schemas.base import Bilingual, Named, Value
from api.schemas.machine import (
    FaultNow,
    MachineSummary,
    Position,
    ServiceDue,
    SignalNow,
    Since,
)
from fleet.carry import hold_ms
from fleet.clock import to_datetime, to_ms
from fleet.plan import Catalogue, ProductPlan
from fleet.signals import Limit, Signal

Row = Mapping[str, Any]
Grade = Literal["normal", "warn", "alarm", "unknown"]

LATITUDE, LONGITUDE = "gps_lat", "gps_lon"


def summary(row: Row, catalogue: Catalogue, now: datetime) -> MachineSummary:
    """A machine in the list."""
    return MachineSummary(**summary_fields(row, catalogue, now))


def summary_fields(row: Row, catalogue: Catalogue, now: datetime) -> dict[str, Any]:
    """The fields of MachineSummary, which a whole machine has too."""
    plan = catalogue.plans.get(row["product"])
    tier = catalogue.tiers.get(row["tier"])
    measured_at = row["measured_at"]
    return {
        "serial": row["serial"],
        "product": named(row["product"], plan.name if plan is not None else None),
        "model": model_of(row["model"], plan),
        "customer": Named(id=row["customer"], name=Bilingual(**row["customer_name"])),
        "station": Named(id=row["station"], name=Bilingual(**row["station_name"])),
        "region": Named(id=row["region"], name=Bilingual(**row["region_name"])),
        "tier": named(row["tier"], tier.name if tier is not None else None),
        "site": Bilingual(**row["site"]),
        "position": position(row),
        "health": row["health"],
        "health_index": row["health_index"],
        "connection": row["connection"],
        "connection_since": row["connection_since"],
        "regime": _regime(row, plan),
        "last_measured_at": measured_at,
        "last_measured_age_s": age_s(measured_at, now) if measured_at is not None else None,
        "live_alarms": row["live_alarms"],
        "open_tickets": row["open_tickets"],
        "retired_at": row["retired_at"],
    }


def position(row: Row) -> Position:
    """Where the machine was when it last said so, else where it is registered."""
    lat, lon = row["signals"].get(LATITUDE), row["signals"].get(LONGITUDE)
    if lat is None or lon is None:
        return Position(lat=row["lat"], lon=row["lon"], source="site", at=None)
    return Position(lat=lat[0], lon=lon[0], source="gps", at=to_datetime(min(lat[1], lon[1])))


def age_s(moment: datetime, now: datetime) -> float:
    """Seconds from a moment to now; 0 for a machine whose clock is ahead."""
    return max(0.0, round((now - moment).total_seconds(), 3))


def hours(row: Row, plan: ProductPlan, now: datetime) -> Value | None:
    """The reading of the hour meter."""
    reading = row["signals"].get(plan.hours_signal)
    if reading is None:
        return None
    at = to_datetime(reading[1])
    unit = plan.signal[plan.hours_signal].unit
    return Value(value=reading[0], unit=unit, at=at, age_s=age_s(at, now))


def signals(row: Row, plan: ProductPlan, now: datetime) -> list[SignalNow]:
    """The last value of every signal of the plan, in its order."""
    return [_signal(signal, row["signals"].get(signal.key), plan, now) for signal in plan.signals]


def grade(signal: Signal, value: float) -> Grade:
    """Where a value stands against the limits of the plan."""
    if _beyond(signal.alarm, value):
        return "alarm"
    return "warn" if _beyond(signal.warn, value) else "normal"


def faults(row: Row, catalogue: Catalogue) -> list[FaultNow]:
    """The trouble codes that are active now, with their texts."""
    return [_fault(code, catalogue) for code in row["faults"]]


def service_due(row: Row, plan: ProductPlan) -> ServiceDue:
    """When a scheduled service is due."""
    service = plan.service.get(row["service"])
    return ServiceDue(
        service=row["service"],
        name=named(row["service"], service.name if service is not None else None).name,
        hours=row["hours"],
        due_hours=row["due_hours"],
        hours_left=row["due_hours"] - row["hours"],
        due_at=row["due_at"],
        since=row["since"],
        announced=row["announce"],
        as_of=row["as_of"],
    )


def _regime(row: Row, plan: ProductPlan | None) -> Since | None:
    if row["regime"] is None:
        return None
    regime = plan.regime.get(row["regime"]) if plan is not None else None
    name = named(row["regime"], regime.name if regime is not None else None).name
    return Since(id=row["regime"], name=name, since=row["regime_since"])


def _signal(
    signal: Signal, reading: list[float] | None, plan: ProductPlan, now: datetime
) -> SignalNow:
    value = at = age = text = None
    found: Grade = "unknown"
    if reading is not None:
        value, at = float(reading[0]), to_datetime(int(reading[1]))
        age = age_s(at, now)
        if to_ms(now) - reading[1] <= hold_ms(plan, signal.key):
            found = grade(signal, value)
        if signal.kind == "enum" and value.is_integer():
            text = signal.values.get(int(value))
    return SignalNow(
        key=signal.key,
        name=bilingual(signal.name),
        component=signal.component,
        kind=signal.kind,
        headline=signal.headline,
        unit=signal.unit,
        value=value,
        text=bilingual(text) if text is not None else None,
        at=at,
        age_s=age,
        grade=found,
    )


def _beyond(limit: Limit | None, value: float) -> bool:
    if limit is None:
        return False
    above = limit.above is not None and value > limit.above
    return above or (limit.below is not None and value < limit.below)


def _fault(code: Mapping[str, Any], catalogue: Catalogue) -> FaultNow:
    spn, fmi = code.get("spn"), code.get("fmi")
    spn_text = catalogue.spn.get(spn) if spn is not None else None
    fmi_text = catalogue.fmi.get(fmi) if fmi is not None else None
    return FaultNow(
        key=code["key"],
        spn=spn,
        fmi=fmi,
        code=code.get("code"),
        occurrences=code.get("oc"),
        source_address=code.get("sa"),
        lamp=code.get("lamp"),
        since=to_datetime(code["since_ms"]),
        spn_text=bilingual(spn_text) if spn_text is not None else None,
        fmi_text=bilingual(fmi_text) if fmi_text is not None else None,
    )
