"""What goes wrong between a healthy signal and the broker: coverage, clocks, sensors (domain 1.3
and 1.4). It wraps the machine and knows nothing of its state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from fleet.batch import IntColumn
from fleet.clock import MS_PER_HOUR
from fleet.plan import ProductPlan
from simulators.seeds import generator
from simulators.sensors import Kind, SensorFault, able, broken

Values = dict[str, float]
Item = TypeVar("Item")
_MONTH_S = 30.44 * 86400.0
#: What a clock may be off by: local time of China sent as UTC, the same in the other direction, and
#: one that lost its time source.
_CLOCKS_OFF_MS = (8 * MS_PER_HOUR, -8 * MS_PER_HOUR, -MS_PER_HOUR // 3)
#: Nobody has repaired it yet.
_NEVER_MS = 2**62


@dataclass(frozen=True, slots=True)
class Profile:
    """How bad it is.

    `offline_share` of working time lies in gaps with a log-normal length (median and 95 % in
    seconds). `duplicates` and `disorder` are shares of messages, `skew_s` the spread of device
    clocks, `cold_start` the chance that a device starts with its clock in 1970. The rest are
    chances per month: of a sensor to stick, to leave its range, to fall silent, to slip into
    another unit, of a clock to be wrong from then on, of an hour meter to begin anew; per sample of
    a spike; and whether buses say "not available" at key-on and pressures drift below zero.
    """

    offline_share: float = 0.0
    gap_median_s: float = 720.0
    gap_p95_s: float = 10_800.0
    duplicates: float = 0.0
    disorder: float = 0.0
    skew_s: float = 0.0
    cold_start: float = 0.0
    stuck_per_month: float = 0.0
    spikes: float = 0.0
    key_on_unavailable: bool = False
    zero_drift_bar: float = 0.0
    hour_reset_per_month: float = 0.0
    unit_slip_per_month: float = 0.0
    range_per_month: float = 0.0
    missing_per_month: float = 0.0
    clock_off_per_month: float = 0.0


PROFILES: dict[str, Profile] = {
    "clean": Profile(),
    "typical": Profile(
        offline_share=0.04, duplicates=0.001, disorder=0.002, skew_s=2.0, cold_start=0.002,
        stuck_per_month=0.002, spikes=2e-7, key_on_unavailable=True, zero_drift_bar=0.4,
        hour_reset_per_month=0.002, unit_slip_per_month=0.002, range_per_month=0.002,
        missing_per_month=0.002, clock_off_per_month=0.002,
    ),
    "harsh": Profile(
        offline_share=0.15, duplicates=0.05, disorder=0.05, skew_s=5.0, cold_start=0.1,
        stuck_per_month=0.5, spikes=1e-3, key_on_unavailable=True, zero_drift_bar=2.0,
        hour_reset_per_month=0.5, unit_slip_per_month=0.5, range_per_month=0.5,
        missing_per_month=0.5, clock_off_per_month=0.5,
    ),
}  # fmt: skip


class Coverage:
    """Good and bad reception of one machine in turns: a Markov chain with log-normal gaps."""

    def __init__(self, profile: Profile, seed: int, serial: str, start_ms: int) -> None:
        self._profile = profile
        self._rng = generator(seed, serial, "coverage", start_ms)
        self._until_ms = start_ms
        self._covered = False
        self._turn()

    def covered(self, at_ms: int) -> bool:
        """Whether the machine can reach the broker; times must not go back."""
        while at_ms >= self._until_ms:
            self._turn()
        return self._covered

    def received(self, measured_ms: IntColumn) -> IntColumn:
        """When samples of ascending times arrive: at once, or when the gap they fell in ends."""
        if self._profile.offline_share <= 0:
            return measured_ms
        arrival = np.empty_like(measured_ms)
        for i, at_ms in enumerate(measured_ms.tolist()):
            arrival[i] = at_ms if self.covered(at_ms) else self._until_ms
        return arrival

    def _turn(self) -> None:
        profile = self._profile
        if profile.offline_share <= 0:
            self._covered, self._until_ms = True, 2**62
            return
        sigma = np.log(profile.gap_p95_s / profile.gap_median_s) / 1.6449
        if self._covered:
            length = profile.gap_median_s * float(np.exp(sigma * self._rng.standard_normal()))
        else:
            mean_gap = profile.gap_median_s * float(np.exp(sigma**2 / 2))
            share = profile.offline_share
            length = float(self._rng.exponential(mean_gap * (1.0 - share) / share))
        self._covered = not self._covered
        self._until_ms += max(1000, round(1000.0 * length))


class Artefacts:
    """What sensors, buses and clocks of one machine do to its samples, one after the other."""

    def __init__(self, profile: Profile, plan: ProductPlan, seed: int, serial: str) -> None:
        self._profile = profile
        self._plan = plan
        self._rng = generator(seed, serial, "artefacts")
        self._skew_ms = round(1000.0 * profile.skew_s * float(self._rng.standard_normal()))
        self._in_1970 = float(self._rng.random()) < profile.cold_start
        chances: dict[Kind, float] = {
            "stuck": profile.stuck_per_month, "unit": profile.unit_slip_per_month,
            "range": profile.range_per_month, "missing": profile.missing_per_month,
        }  # fmt: skip
        self._chances = [
            (kind, chance, frozenset(signal.key for signal in able(plan, kind)))
            for kind, chance in chances.items()
            if chance > 0
        ]
        #: What is wrong with sensors now, and by how much the clock is.
        self.faults: list[SensorFault] = []
        self.clock_off_ms = 0
        self._hours_off = 0.0
        bars = [s.key for s in plan.signals if s.unit == "bar" and s.range[0] < 0]
        self._drift = {
            key: profile.zero_drift_bar * float(self._rng.standard_normal()) for key in bars
        }
        self._last_ms: int | None = None
        self._was_on = True

    def distort(self, at_ms: int, values: Mapping[str, float]) -> tuple[int, Values]:
        """The time and the values as the device would tell them."""
        told = dict(values)
        since_s = 0.0 if self._last_ms is None else max(0.0, (at_ms - self._last_ms) / 1000.0)
        self._last_ms = at_ms
        self._age(at_ms, since_s, told)
        for key in self._drift.keys() & told.keys():
            told[key] += self._drift[key]
        for fault in self.faults:
            _distort(fault, at_ms, told)
        if self._plan.hours_signal in told:
            told[self._plan.hours_signal] = max(
                0.0, told[self._plan.hours_signal] - self._hours_off
            )
        self._spike(told)
        self._key_on(told)
        return self._clock(at_ms), told

    def _age(self, at_ms: int, since_s: float, told: Values) -> None:
        """Lasting faults begin: of sensors, of the clock; the hour meter starts anew."""
        if not told or since_s <= 0:
            return
        profile, months = self._profile, since_s / _MONTH_S
        well_now = told.keys() - {fault.signal for fault in self.faults}
        for kind, chance, keys in self._chances:
            well = sorted(keys & well_now)
            if self._rng.random() < chance * months * len(well):
                key = well[int(self._rng.integers(len(well)))]
                self.faults.append(broken(self._plan, kind, key, at_ms, _NEVER_MS))
        if self._rng.random() < profile.clock_off_per_month * months:
            self.clock_off_ms = _CLOCKS_OFF_MS[int(self._rng.integers(len(_CLOCKS_OFF_MS)))]
        if self._rng.random() < profile.hour_reset_per_month * months:
            self._hours_off = told.get(self._plan.hours_signal, 0.0)

    def _spike(self, told: Values) -> None:
        for key in sorted(told):
            if self._rng.random() < self._profile.spikes:
                low, high = self._plan.signal[key].range
                told[key] = high if self._rng.random() < 0.5 else low

    def _key_on(self, told: Values) -> None:
        """For a moment after key-on controllers say "not available": all bits of the raw value."""
        on = told.get("eng_speed_rpm", 1.0) > 0
        if self._profile.key_on_unavailable and on and not self._was_on:
            for key in sorted(told):
                bus = self._plan.signal[key].j1939
                if bus is not None and bus.bits is not None and self._rng.random() < 0.5:
                    told[key] = (2**bus.bits - 1) * bus.resolution + bus.offset
        self._was_on = on

    def _clock(self, at_ms: int) -> int:
        if not self._in_1970:
            return at_ms + self._skew_ms + self.clock_off_ms
        # The clock is set once the first satellites are found.
        self._in_1970 = self._rng.random() > 0.1
        return at_ms % 86_400_000


def _distort(fault: SensorFault, at_ms: int, told: Values) -> None:
    """What a fault makes of one sample, in place."""
    if fault.signal not in told:
        return
    column = np.array([told[fault.signal]])
    fault.distort(np.array([at_ms]), column)
    if np.isnan(column[0]):
        del told[fault.signal]
    else:
        told[fault.signal] = float(column[0])


def disturb(items: Sequence[Item], profile: Profile, rng: np.random.Generator) -> list[Item]:
    """The same messages, some twice and some a place too late; none is lost."""
    result: list[Item] = []
    for item in items:
        result.append(item)
        if len(result) > 1 and rng.random() < profile.disorder:
            result[-1], result[-2] = result[-2], result[-1]
        if rng.random() < profile.duplicates:
            result.append(item)
    return result
