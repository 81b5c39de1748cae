"""One simulated machine: hidden state, duty, faults and wear, stepped through time."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FaultCode, FloatColumn, IntColumn
from fleet.clock import MS_PER_DAY, to_ms
from fleet.failure import FailureMode
from fleet.plan import ProductPlan
from fleet.signals import Signal
from simulators.duty import Duty
from simulators.fleet import FleetMachine
from simulators.illness import Illness
from simulators.moments import Moments
from simulators.output import Output
from simulators.physics import PHYSICS
from simulators.run import Mask, Run, State
from simulators.seeds import generator
from simulators.site import place
from simulators.traits import Traits
from simulators.wear import Fitted, fit_before
from simulators.weather import Weather

#: What a machine says with its key off: the telematics unit runs on the battery.
HEARTBEAT = frozenset(
    ("gps_lat", "gps_lon", "env_ambient_c", "veh_batt_v", "veh_fuel_pct", "eng_speed_rpm",
     "veh_speed_kmh", "gps_speed_kmh", "mot_current_a", "ctl_mode")
)  # fmt: skip


@dataclass
class MachineState:
    """Everything that is carried from one stretch to the next; `as_json` can be stored.

    `awake_from_ms` is since when the machine works without going home, None if it does.
    """

    at_ms: int
    physics: State = field(default_factory=dict)
    illnesses: list[Illness] = field(default_factory=list)
    until_onset_h: dict[str, float] = field(default_factory=dict)
    parts: list[Fitted] = field(default_factory=list)
    services_h: dict[str, float] = field(default_factory=dict)
    codes: list[dict[str, Any]] = field(default_factory=list)
    occurrences: dict[str, int] = field(default_factory=dict)
    awake_from_ms: int | None = None

    def as_json(self) -> dict[str, Any]:
        """The state in values that JSON knows."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> MachineState:
        """The state that `as_json` gave."""
        fields = dict(data)
        fields["illnesses"] = [Illness(**item) for item in data["illnesses"]]
        fields["parts"] = [Fitted(**item) for item in data["parts"]]
        return cls(**fields)


@dataclass(frozen=True)
class Stretch:
    """What a machine says over n moments: `values` (n, signals) column-major in plan order, NaN
    where it says nothing; lists of active trouble codes with the time from which they hold."""

    at_ms: IntColumn
    values: FloatColumn
    codes: list[tuple[int, tuple[FaultCode, ...]]]
    working: Mask


class Machine:
    """A machine of the fleet with its plan; the same `seed` and serial give the same machine."""

    def __init__(
        self, spec: FleetMachine, plan: ProductPlan, seed: int, start_ms: int,
        state: MachineState | None = None,
        gales: bool = False,
    ) -> None:  # fmt: skip
        self.spec = spec
        self.plan = plan
        self.seed = seed
        self.duty = Duty(seed, spec.serial, plan.product, spec.climate)
        self.physics = PHYSICS[plan.product]
        self.state = state or self._new_state(start_ms)
        self._traits = Traits(seed, spec.serial)
        self._weather = Weather(seed, spec.station, spec.lat, spec.altitude_m, gales)
        self._rng = generator(seed, spec.serial, "noise", self.state.at_ms)
        self._scale = _Scale(plan)
        silent = [i for i, key in enumerate(plan.signal_keys) if key not in HEARTBEAT]
        self._silent = np.array(silent, dtype=np.intp)
        self._resting = np.array(
            [name in (self.duty.rest, "off", "transport") for name in self.duty.regimes]
        )

    @property
    def commissioned_ms(self) -> int:
        """When the machine was commissioned, milliseconds since 1970."""
        day = self.spec.commissioned_on
        return to_ms(datetime(day.year, day.month, day.day, tzinfo=UTC))

    def advance(self, moments: Moments, speed: float = 1.0, hurry: float = 1.0) -> Stretch:
        """Live through `moments`; faults grow `speed` times faster than the clock, and heat moves
        `hurry` times faster: at any other pace but that of the work, oil would follow each stop."""
        working = ~self._resting[moments.regime]
        ill = self._ill(moments, speed, working)
        output = self._output(moments, moments.clock_s * hurry, ill)
        values = self._values(output)
        codes = self._changes(moments.at_ms, output)
        self.state.at_ms = int(moments.at_ms[-1])
        return Stretch(moments.at_ms, values, codes, working)

    def regime_masks(self, regime: NDArray[np.int16]) -> dict[str, Mask]:
        """A mask for each regime of the plan, from numbers of the duty's regimes."""
        names = [self.physics.plan_regime.get(name, name) for name in self.duty.regimes]
        return {
            wanted.id: np.isin(regime, [i for i, name in enumerate(names) if name == wanted.id])
            for wanted in self.plan.regimes
        }

    def _new_state(self, start_ms: int) -> MachineState:
        rng = generator(self.seed, self.spec.serial, "past")
        age_days = max(0.0, (start_ms - self.commissioned_ms) / MS_PER_DAY)
        hours = 15.0 + age_days / 365.25 * self.physics.hours_per_year * rng.uniform(0.8, 1.2)
        counters = {name: hours * rate for name, rate in self.physics.per_hour.items()}
        since_ms = min(self.commissioned_ms, start_ms)
        parts = fit_before(self.plan, self.spec.model, start_ms, since_ms, rng)
        own = counters[self.physics.hours]
        services = {
            service.id: own - own % service.every_h
            for service in self.plan.services
            if service.every_h is not None
        }
        return MachineState(start_ms, counters, parts=parts, services_h=services)

    def _ill(self, moments: Moments, speed: float, working: Mask) -> dict[str, FloatColumn]:
        ill: dict[str, FloatColumn] = {}
        for illness in self.state.illnesses:
            pace_s = moments.clock_s * (1.0 if illness.by_clock else speed)
            grows = working & self._may_grow(self.plan.failure_mode[illness.mode], moments)
            shows = illness.advance(moments.at_ms, pace_s, grows)
            ill[illness.mode] = np.maximum(ill.get(illness.mode, 0.0), shows)
        return ill

    def _may_grow(self, mode: FailureMode, moments: Moments) -> Mask:
        """What comes within minutes comes in its regimes only: no line is blocked on the road."""
        if not mode.regimes or mode.lead_h is None or mode.lead_h[1] >= 1.0:
            return np.ones(len(moments), bool)
        masks = self.regime_masks(moments.regime)
        return np.asarray(np.logical_or.reduce([masks[name] for name in mode.regimes]))

    def _output(self, moments: Moments, pace_s: FloatColumn, ill: dict[str, FloatColumn]) -> Output:
        run = Run(
            at_ms=moments.at_ms, clock_s=moments.clock_s, pace_s=pace_s, regime=moments.regime,
            regimes=self.duty.regimes, since_s=moments.since_s, length_s=moments.length_s,
            job=moments.job, turn=moments.turn,
            ambient_c=self._weather.ambient_c(moments.at_ms),
            wind_ms=self._weather.wind_ms(moments.at_ms),
            baro_kpa=self._weather.baro_kpa(moments.at_ms),
            model=self.spec.model, ill=ill, traits=self._traits,
            state=self.state.physics, rng=self._rng,
        )  # fmt: skip
        output = self.physics.signals(run)
        moving = run.doing("travel", "transport")
        for key, column in place(
            run, self.spec.lat, self.spec.lon, self.spec.altitude_m, moving
        ).items():
            output.signals.setdefault(key, column)
        return output

    def _values(self, output: Output) -> FloatColumn:
        values = np.full((len(output.awake), len(self.plan.signals)), np.nan, order="F")
        for i, key in enumerate(self.plan.signal_keys):
            raw = output.signals.get(key)
            if raw is not None:
                values[:, i] = raw
        values[np.ix_(~output.awake, self._silent)] = np.nan
        return self._scale.as_sent(values)

    def _changes(self, at_ms: IntColumn, output: Output) -> list[tuple[int, tuple[FaultCode, ...]]]:
        """The list of active codes each time it changes; with the key off nobody looks."""
        awake = np.flatnonzero(output.awake)
        if not output.codes or not len(awake):
            return []
        active = np.stack([mask[awake] for _, mask in output.codes], axis=1)
        known = {tuple(sorted(code.items())) for code in self.state.codes}
        codes = [code for code, _ in output.codes]
        first = np.array([tuple(sorted(_plain(code).items())) in known for code in codes])
        before = np.vstack([first, active[:-1]])
        changes = []
        for row in np.flatnonzero((active != before).any(axis=1)):
            for i in np.flatnonzero(active[row] & ~before[row]):
                self.state.occurrences[codes[i].key] = (
                    self.state.occurrences.get(codes[i].key, 0) + 1
                )
            now = tuple(self._counted(codes[i]) for i in np.flatnonzero(active[row]))
            changes.append((int(at_ms[awake[row]]), now))
        self.state.codes = [_plain(codes[i]) for i in np.flatnonzero(active[-1])]
        return changes

    def _counted(self, code: FaultCode) -> FaultCode:
        oc = min(126, self.state.occurrences[code.key])
        return FaultCode(code.spn, code.fmi, code.code, oc, code.sa, code.lamp)


def _plain(code: FaultCode) -> dict[str, Any]:
    return {"spn": code.spn or 0, "fmi": code.fmi or 0, "code": code.code or ""}


#: Rows told at a time: with all signals they stay in the processor's cache.
_ROWS = 2048


class _Scale:
    """How signals are told: in steps of their bus resolution, within their range."""

    def __init__(self, plan: ProductPlan) -> None:
        steps = [_step(signal) for signal in plan.signals]
        self._step = np.array([step for step, _ in steps])
        self._offset = np.array([offset for _, offset in steps])
        self._low = np.array([signal.range[0] for signal in plan.signals])
        self._high = np.array([signal.range[1] for signal in plan.signals])
        # Decimal digits that hold a step exactly, so that 0.1 is told as 0.1.
        self._digits = 10.0 ** np.clip(np.ceil(-np.log10(self._step)) + 2, 0, 7)

    def as_sent(self, raw: FloatColumn) -> FloatColumn:
        """The values (n, signals) as the controllers would send them; in place."""
        for first in range(0, len(raw), _ROWS):
            part = raw[first : first + _ROWS]
            part -= self._offset
            part /= self._step
            np.rint(part, out=part)
            part *= self._step
            part += self._offset
            np.clip(part, self._low, self._high, out=part)
            part *= self._digits
            np.rint(part, out=part)
            part /= self._digits
        return raw


def _step(signal: Signal) -> tuple[float, float]:
    """The resolution of a signal and where its steps count from."""
    if signal.kind in ("enum", "flag") or signal.type in ("integer", "smallint"):
        return 1.0, 0.0
    if signal.j1939 is not None:
        return max(signal.j1939.resolution, 1e-7), signal.j1939.offset
    if signal.kind == "counter":
        return (1.0 if signal.unit == "count" else 0.01), 0.0
    low, high = signal.range
    return float(10.0 ** np.floor(np.log10((high - low) / 10000.0))), 0.0
