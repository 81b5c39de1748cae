"""How busy the year is: activity by month, holidays and winter stops (domain 1.5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from fleet.clock import MS_PER_DAY, MS_PER_HOUR, to_datetime

Climate = Literal["south", "north"]

#: China Standard Time; sites keep it in every province.
ZONE_MS = 8 * MS_PER_HOUR
#: A working day runs from six to six, so that a night shift is one piece.
DAY_STARTS_MS = 6 * MS_PER_HOUR

_PUMP: dict[str, tuple[float, ...]] = {
    "south": (0.60, 0.50, 1.05, 1.10, 1.10, 1.00, 1.00, 1.00, 1.10, 1.20, 1.20, 1.15),
    "north": (0.20, 0.15, 0.80, 1.30, 1.40, 1.35, 1.25, 1.25, 1.40, 1.40, 1.00, 0.50),
}
_TRUCK_CRANE: tuple[float, ...] = (
    0.70,
    0.65,
    1.05,
    1.10,
    1.10,
    1.05,
    1.00,
    1.00,
    1.10,
    1.15,
    1.10,
    1.00,
)
_TOWER_CRANE: tuple[float, ...] = (
    0.65,
    0.50,
    1.05,
    1.10,
    1.10,
    1.05,
    1.00,
    1.00,
    1.10,
    1.15,
    1.15,
    1.15,
)
_PAVER: dict[str, tuple[float, ...]] = {
    "south": (0.55, 0.40, 0.90, 1.10, 1.15, 0.95, 1.05, 1.15, 1.30, 1.35, 1.20, 0.90),
    "north": (0.0, 0.0, 0.20, 1.00, 1.55, 1.60, 1.60, 1.70, 1.90, 1.60, 0.60, 0.05),
}
_MONTHLY: dict[str, dict[str, tuple[float, ...]]] = {
    "concrete_boom_pump": _PUMP,
    "trailer_pump": _PUMP,
    "truck_crane": {"south": _TRUCK_CRANE, "north": _TRUCK_CRANE},
    "tower_crane": {"south": _TOWER_CRANE, "north": _TOWER_CRANE},
    "asphalt_paver": _PAVER,
}
#: First day of the lunar year, which moves.
_SPRING_FESTIVAL = {
    2023: date(2023, 1, 22),
    2024: date(2024, 2, 10),
    2025: date(2025, 1, 29),
    2026: date(2026, 2, 17),
    2027: date(2027, 2, 6),
    2028: date(2028, 1, 26),
    2029: date(2029, 2, 13),
    2030: date(2030, 2, 3),
}


@dataclass(frozen=True, slots=True)
class Holiday:
    """How long this machine's site stops around Spring Festival, in days before and after."""

    before: int = 8
    after: int = 10


def activity(product: str, climate: Climate, day: date, holiday: Holiday) -> float:
    """How busy `day` is, 1.0 being the mean of the year and 0 a stop."""
    new_year = _SPRING_FESTIVAL.get(day.year)
    if new_year is not None:
        first = new_year - timedelta(days=holiday.before)
        last = new_year + timedelta(days=holiday.after)
        if first <= day <= last:
            return 0.0
    level = _MONTHLY[product][climate][day.month - 1]
    if day.month == 10 and day.day <= 3:
        level *= 0.4
    if day.weekday() == 6:
        level *= 0.6
    return level


def working_day(at_ms: int) -> int:
    """Number of the working day, six to six local time, that `at_ms` lies in."""
    return (at_ms + ZONE_MS - DAY_STARTS_MS) // MS_PER_DAY


def day_start_ms(number: int) -> int:
    """When working day `number` begins, milliseconds since 1970 UTC."""
    return number * MS_PER_DAY - ZONE_MS + DAY_STARTS_MS


def local_date(number: int) -> date:
    """The calendar day on which working day `number` begins."""
    return to_datetime(day_start_ms(number) + ZONE_MS).date()
