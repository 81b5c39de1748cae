"""One machine of a live fleet: its hidden state, its duty now, and its device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from fleet.batch import FaultCode
from fleet.clock import MS_PER_HOUR
from fleet.plan import ProductPlan
from simulators.fleet import FleetMachine
from simulators.live_duty import LiveDuty
from simulators.machine import Machine, MachineState, Stretch
from simulators.moments import steady
from simulators.script import Cue, scripted
from simulators.seeds import generator
from simulators.sensors import Kind, broken
from simulators.transport import Artefacts, Coverage, Profile
from simulators.truth import Episode, episode, faulty_sensor, wrong_clock

#: A saved state may be this much older than what was sent; counters must not go back.
_UNSAVED_H = 15.0 / 3600.0
#: How much faster than on average a counter can run.
_FASTEST = 12.0
#: Longest time that a machine catches up on after a pause of this program, unseen.
_CATCH_UP_MS = 3 * MS_PER_HOUR
#: The unit stays awake for so long after work, milliseconds.
_AWAKE_MS = 1_800_000
#: Seconds of oil or screed heat that are squeezed into a scripted illness.
_HEAT_S = 2400.0
_COOL_DOWN_MS = 180_000


class Outlet(Protocol):
    """What takes a machine's words: a device with its buffer."""

    def sample(self, at_ms: int, values: Mapping[str, float]) -> None:
        """Take a sample."""

    def faults(self, at_ms: int, active: Sequence[FaultCode]) -> None:
        """Take the list of active trouble codes."""


class LiveMachine:
    """Steps its machine whenever a report is due and hands the sample to its device."""

    def __init__(
        self,
        spec: FleetMachine,
        plan: ProductPlan,
        seed: int,
        start_ms: int,
        device: Outlet,
        state: MachineState | None,
        *,
        awake_share: float,
        speed: float,
        period_s: float | None,
        profile: Profile,
    ) -> None:
        self.spec = spec
        self.plan = plan
        self._device = device
        self._machine = Machine(spec, plan, seed, start_ms - _CATCH_UP_MS, state)
        awake = float(generator(seed, spec.serial, "awake").random()) < awake_share
        self._catch_up(start_ms, awake)
        self.duty = LiveDuty(self._machine.duty, start_ms, self.state.awake_from_ms)
        self._speed = speed
        self._period_s = period_s or plan.report.working_s
        self._artefacts = Artefacts(profile, plan, seed, spec.serial)
        self._coverage = Coverage(profile, seed, spec.serial, start_ms)
        self._hurry, self._hurry_until_ms = 1.0, 0
        self._done: list[Episode] = []
        self._clock_off_since_ms = 0
        first = float(generator(seed, spec.serial, "stagger").random())
        self._due_ms = start_ms + round(1000 * self._period_s * first)
        self._codes_told = False

    @property
    def state(self) -> MachineState:
        """Where the machine stands; can be stored."""
        return self._machine.state

    @property
    def well(self) -> bool:
        """Whether no failure is on its way."""
        return not self.state.illnesses

    def can_have(self, mode: str) -> bool:
        """Whether this machine can have the failure mode."""
        known = mode in self.plan.failure_mode
        return known and self._machine.physics.can_have(self.spec.model, mode)

    def covered(self, at_ms: int) -> bool:
        """Whether the machine has reception."""
        return self._coverage.covered(at_ms)

    def step(self, at_ms: int) -> None:
        """Report if it is time."""
        if at_ms < self._due_ms:
            return
        hurry = self._hurry if at_ms < self._hurry_until_ms else 1.0
        moment = self.duty.at(at_ms, self.state.at_ms)
        stretch = self._machine.advance(moment, self._speed, hurry)
        self._tell(at_ms, stretch)
        self._bury(at_ms)
        wait_ms = round(1000 * self._wait_s(at_ms))
        self._due_ms = max(self._due_ms + wait_ms, at_ms + wait_ms // 2)

    def sicken(self, cue: Cue, at_ms: int, grow_s: float, last_s: float) -> None:
        """Fall ill now; kept in the regime in which it shows."""
        self.state.illnesses.append(scripted(cue.mode, at_ms, grow_s, last_s))
        if cue.regime is not None:
            self.duty.stay(cue.regime, at_ms, (grow_s + min(last_s, 240.0)) / 60.0)
        if cue.slow_heat:
            self._hurry = max(1.0, _HEAT_S / grow_s)
            self._hurry_until_ms = at_ms + round(1000 * (grow_s + last_s)) + _COOL_DOWN_MS
        self._due_ms = min(self._due_ms, at_ms)

    def break_sensor(self, kind: Kind, key: str, at_ms: int, last_s: float) -> None:
        """Let a sensor go wrong now. Raises ValueError where the plan has no such sensor."""
        until_ms = at_ms + round(1000 * last_s)
        self._artefacts.faults.append(broken(self.plan, kind, key, at_ms, until_ms))
        self._due_ms = min(self._due_ms, at_ms)

    def set_clock(self, off_ms: int, at_ms: int) -> None:
        """Let the device's clock be so much ahead from now on (0: right)."""
        if was := self._artefacts.clock_off_ms:
            since_ms = self._clock_off_since_ms
            self._done.append(wrong_clock(self.spec.serial, self.plan, was, since_ms, at_ms))
        self._artefacts.clock_off_ms, self._clock_off_since_ms = off_ms, at_ms

    def heal(self, at_ms: int) -> None:
        """End scripted illnesses and faults of sensors now, and set the clock right."""
        for fault in self._artefacts.faults:
            fault.repaired_ms = min(fault.repaired_ms, at_ms)
        self.set_clock(0, at_ms)
        for illness in self.state.illnesses:
            if illness.by_clock:
                illness.repair_ms = at_ms
        self._hurry_until_ms = min(self._hurry_until_ms, at_ms + _COOL_DOWN_MS)

    def episodes_done(self) -> list[Episode]:
        """The truth about illnesses that have ended since the last call."""
        done, self._done = self._done, []
        return done

    def _tell(self, at_ms: int, stretch: Stretch) -> None:
        row = stretch.values[0]
        said = np.flatnonzero(~np.isnan(row))
        keys = self.plan.signal_keys
        values = {keys[i]: _short(float(row[i])) for i in said}
        ts, values = self._artefacts.distort(at_ms, values)
        self._device.sample(ts, values)
        for code_ms, codes in stretch.codes:
            self._device.faults(code_ms, codes)
        if not self._codes_told and not stretch.codes and not self.state.codes:
            self._device.faults(at_ms, ())
        self._codes_told = True

    def _wait_s(self, at_ms: int) -> float:
        report = self.plan.report
        if not self.duty.resting or self.duty.regime == "transport":
            return self._period_s
        if self.duty.regime != "off" or at_ms - self.duty.since_ms < _AWAKE_MS:
            return max(report.idle_s, self._period_s)
        return min(report.off_s, max(1.0, (self.duty.until_ms - at_ms) / 1000.0))

    def _bury(self, at_ms: int) -> None:
        for fault in [one for one in self._artefacts.faults if one.repaired_ms <= at_ms]:
            self._artefacts.faults.remove(fault)
            self._done.append(faulty_sensor(self.spec.serial, self.plan, fault))
        for illness in [i for i in self.state.illnesses if i.repaired_ms is not None]:
            self.state.illnesses.remove(illness)
            self._done.append(episode(self.spec.serial, self.plan, illness))

    def _catch_up(self, start_ms: int, awake: bool) -> None:
        """Live, unseen, through the time since the state was saved, as far as it matters."""
        state = self.state
        begin = max(state.at_ms, start_ms - _CATCH_UP_MS)
        if begin > state.at_ms or not awake:
            state.awake_from_ms = None
        if awake and state.awake_from_ms is None:
            state.awake_from_ms = begin
        for name, per_hour in self._machine.physics.per_hour.items():
            state.physics[name] += _FASTEST * per_hour * _UNSAVED_H
        if begin < start_ms:
            unseen = steady(self._machine.duty, begin, start_ms, state.awake_from_ms)
            self._machine.advance(unseen)
            state.at_ms = start_ms


def _short(value: float) -> float:
    """A whole number without its point, as controllers send it."""
    return int(value) if value.is_integer() else value
