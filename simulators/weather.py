"""Weather at a site as a function of place and time, so that any moment can be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fleet.batch import FloatColumn, IntColumn
from fleet.clock import MS_PER_DAY, MS_PER_HOUR
from simulators.season import ZONE_MS
from simulators.seeds import generator

_SLOW_DAYS = np.array([3.7, 5.3, 9.1, 17.0])
_GUST_S = np.array([37.0, 113.0, 411.0, 1900.0])
_GALES_PER_DAY = 0.015
#: Wind at which cranes stop lifting: force 6, m/s.
STRONG_WIND_MS = 10.8


@dataclass(frozen=True)
class Weather:
    """Ambient temperature, wind and pressure at one place."""

    seed: int
    place: str
    lat: float
    altitude_m: float
    gales: bool = False

    @cached_property
    def _phases(self) -> FloatColumn:
        return generator(self.seed, self.place, "weather").uniform(0, 2 * np.pi, 16)

    def ambient_c(self, at_ms: IntColumn) -> FloatColumn:
        """Air temperature in °C: season and day by latitude, and fronts that come and go."""
        days = (at_ms + ZONE_MS) / MS_PER_DAY
        mean = 36.0 - 0.59 * self.lat
        season = (0.47 * self.lat - 3.3) * np.cos(2 * np.pi * (days - 200.0) / 365.2425)
        daily = 4.5 * np.cos(2 * np.pi * (days - 15 / 24))
        fronts = np.sin(2 * np.pi * days[:, None] / _SLOW_DAYS + self._phases[:4]).sum(axis=1)
        result: FloatColumn = mean + season + daily + 1.4 * fronts
        return result

    def wind_ms(self, at_ms: IntColumn) -> FloatColumn:
        """Wind at ten metres in m/s: calm nights, gusts, below force 5 but for gales."""
        days = (at_ms + ZONE_MS) / MS_PER_DAY
        slow = np.sin(2 * np.pi * days[:, None] / _SLOW_DAYS + self._phases[4:8]).mean(axis=1)
        daily = 0.5 + 0.5 * np.cos(2 * np.pi * (days - 14 / 24))
        # Whole numbers of a gust's periods fall away, or the sine of a huge angle loses digits.
        seconds = (at_ms % (MS_PER_DAY * 100)) / 1000.0
        gusts = np.sin(2 * np.pi * seconds[:, None] / _GUST_S + self._phases[8:12]).mean(axis=1)
        mean = 2.4 + 1.3 * slow + 1.2 * daily
        wind: FloatColumn = np.maximum(0.0, mean * (1.0 + 0.5 * gusts))
        return np.maximum(wind, self._gale_ms(at_ms) * (1.0 + 0.08 * gusts)) if self.gales else wind

    def _gale_ms(self, at_ms: IntColumn) -> FloatColumn:
        """A few hours of storm on some days, the same for everybody at the place."""
        blown = np.zeros(len(at_ms))
        days = (at_ms + ZONE_MS) // MS_PER_DAY
        for day in np.unique(days).tolist():
            rng = generator(self.seed, self.place, "gale", day)
            if rng.random() >= _GALES_PER_DAY:
                continue
            start_h, hours, peak = rng.uniform(5, 15), rng.uniform(3, 8), rng.uniform(13, 19)
            hour = ((at_ms + ZONE_MS) % MS_PER_DAY) / MS_PER_HOUR - start_h
            inside = (days == day) & (hour > 0) & (hour < hours)
            blown[inside] = peak * np.sqrt(np.sin(np.pi * hour[inside] / hours))
        return blown

    def baro_kpa(self, at_ms: IntColumn) -> FloatColumn:
        """Air pressure in kPa."""
        days = at_ms / MS_PER_DAY
        fronts = np.sin(2 * np.pi * days[:, None] / _SLOW_DAYS + self._phases[12:]).sum(axis=1)
        base = 101.3 * np.exp(-self.altitude_m / 8400.0)
        result: FloatColumn = base + 0.35 * fronts
        return result
