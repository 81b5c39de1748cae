"""How busy each day is to be expected: season by climate, week, Spring Festival, National Day.

1.0 is the mean of the year. Months come from a product's plan; how long sites stop for holidays
is the same for all (domain reference 1.5: a stop of 10 to 25 days around Spring Festival and a
ramp-up to the Lantern Festival, a dip of 1 to 3 days at National Day).
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from fleet.batch import FloatColumn
from fleet.fields import Model

Climate = Literal["south", "north"]

#: North of the line from the Qinling mountains to the Huaihe river winter stops the sites.
NORTH_OF_LAT = 33.5
_STOP_BEFORE, _STOP_AFTER, _LANTERN = 8, 9, 15
_RAMP = 0.5
_NATIONAL_DAY = 0.4
_SUNDAY = 0.6
_WEEK = 7 / (6 + _SUNDAY)

#: First day of the lunar year, month * 100 + day, from 2015 on.
_FIRST_YEAR = 2015
_NEW_YEAR = (
    *(219, 208, 128, 216, 205, 125, 212, 201, 122, 210, 129, 217),
    *(206, 126, 213, 203, 123, 211, 131, 219, 208, 128, 215, 204),
    *(124, 212, 201, 122, 210, 130, 217, 206, 126, 214, 202, 123),
)
LAST_YEAR = _FIRST_YEAR + len(_NEW_YEAR) - 1


class Season(Model):
    """Activity of the months January to December by climate; 1.0 is the mean of the year."""

    south: tuple[Annotated[float, Field(ge=0)], ...] = Field(min_length=12, max_length=12)
    north: tuple[Annotated[float, Field(ge=0)], ...] = Field(min_length=12, max_length=12)

    @model_validator(mode="after")
    def _about_one(self) -> Self:
        for name in ("south", "north"):
            mean = sum(self.of(name)) / 12
            if not 0.9 <= mean <= 1.1:
                raise ValueError(f"the months of {name} have a mean of {mean:.2f}; it must be 1")
        return self

    def of(self, climate: str) -> tuple[float, ...]:
        """The twelve months of `south` or `north`."""
        return self.north if climate == "north" else self.south


def climate_of(lat: float) -> Climate:
    """The climate at a latitude in degrees."""
    return "north" if lat >= NORTH_OF_LAT else "south"


def spring_festival(year: int) -> date | None:
    """First day of the lunar year; None where the table has ended or not begun."""
    if not _FIRST_YEAR <= year <= LAST_YEAR:
        return None
    month, day = divmod(_NEW_YEAR[year - _FIRST_YEAR], 100)
    return date(year, month, day)


@lru_cache(maxsize=64)
def activity(season: Season | None, climate: Climate, first: date, days: int) -> FloatColumn:
    """Expected activity (days,) of the days from `first` on; without a season only holidays and
    the week tell them apart. Read-only: it is kept for the next caller."""
    level = np.array([_level(season, climate, first + timedelta(days=n)) for n in range(days)])
    level.setflags(write=False)
    return level


def _level(season: Season | None, climate: Climate, day: date) -> float:
    level = _WEEK if season is None else _WEEK * season.of(climate)[day.month - 1]
    new_year = spring_festival(day.year)
    if new_year is not None:
        since = (day - new_year).days
        if -_STOP_BEFORE <= since <= _STOP_AFTER:
            return 0.0
        if _STOP_AFTER < since <= _LANTERN:
            level *= _RAMP
    if (day.month, day.day) in ((10, 1), (10, 2), (10, 3)):
        level *= _NATIONAL_DAY
    return level * _SUNDAY if day.weekday() == 6 else level
