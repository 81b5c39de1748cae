"""What happens to a machine between two stretches: failures begin, parts and services are done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from fleet.clock import MS_PER_DAY
from fleet.failure import FailureMode
from fleet.plan import ProductPlan
from simulators.illness import DETECTABLE, Illness, draw
from simulators.machine import Machine, Stretch
from simulators.moments import Moments
from simulators.run import Mask
from simulators.seeds import generator
from simulators.wear import SHOWS_AT, Fitted, Usage, fit_new
from simulators.weather import STRONG_WIND_MS

#: Failures per 1,000 operating hours where the domain reference names no rate.
_RATE = {True: 0.3, False: 0.1}
#: Working hours by which a failure is put off while another one is on its way.
_POSTPONED_H = 15.0


@dataclass(frozen=True, slots=True)
class ServiceDone:
    """A scheduled service that was carried out, at the machine's operating hours."""

    service: str
    at_ms: int
    hours: float


class Life:
    """The course of one machine's life through history: at most one failure at a time."""

    def __init__(self, machine: Machine, illness_rate: float) -> None:
        self.machine = machine
        self.past: list[Illness] = []
        self.removed: list[Fitted] = []
        self.services: list[ServiceDone] = list(_services_before(machine))
        self.storms: list[tuple[int, int]] = []
        self._rate = illness_rate
        self._rng = generator(machine.seed, machine.spec.serial, "life", machine.state.at_ms)
        self._usage = Usage(machine.plan)
        if not machine.state.until_onset_h and illness_rate > 0:
            machine.state.until_onset_h = {
                mode.id: self._wait(mode)
                for mode in machine.plan.failure_modes
                if machine.physics.can_have(machine.spec.model, mode.id)
            }

    def before(self, moments: Moments) -> None:
        """Let failures begin within the coming stretch."""
        working_h = float(np.sum(self._working(moments) * moments.clock_s)) / 3600.0
        for mode in self.machine.plan.failure_modes:
            waiting = self.machine.state.until_onset_h
            if mode.id not in waiting:
                continue
            waiting[mode.id] -= working_h
            if waiting[mode.id] <= 0:
                self._begin(mode, moments)

    def after(self, moments: Moments, stretch: Stretch, services_until_ms: int) -> None:
        """Count wear, replace what is due, finish what is repaired."""
        state = self.machine.state
        for illness in [i for i in state.illnesses if i.repaired_ms is not None]:
            state.illnesses.remove(illness)
            self.past.append(illness)
            self._replace_failed(illness)
        self._wear(moments, stretch)
        self._weather(stretch)
        self._serve(stretch, services_until_ms)

    def _working(self, moments: Moments) -> Mask:
        masks = self.machine.regime_masks(moments.regime)
        running = [masks[r.id] for r in self.machine.plan.regimes if r.running]
        return np.asarray(np.logical_or.reduce(running))

    def _wait(self, mode: FailureMode) -> float:
        rate = mode.base_rate if mode.base_rate is not None else _RATE[mode.detectable]
        return float(self._rng.exponential(1000.0 / max(rate * self._rate, 1e-9)))

    def _begin(self, mode: FailureMode, moments: Moments) -> None:
        state = self.machine.state
        if state.illnesses:
            state.until_onset_h[mode.id] = float(self._rng.uniform(1.0, 2.0)) * _POSTPONED_H
            return
        state.until_onset_h[mode.id] = self._wait(mode)
        working = np.flatnonzero(self._working(moments))
        at = working[int(self._rng.integers(len(working)))]
        state.illnesses.append(draw(mode, int(moments.at_ms[at]), self._rng))

    def _wear(self, moments: Moments, stretch: Stretch) -> None:
        plan = self.machine.plan
        values = {key: stretch.values[:, i] for i, key in enumerate(plan.signal_keys)}
        masks = self.machine.regime_masks(moments.regime)
        for item in list(self.machine.state.parts):
            part = plan.part[item.part]
            item.used += self._usage.of(part, stretch.at_ms, values, moments.clock_s, masks)
            if item.used >= item.replace_at:
                self._replace(item, int(stretch.at_ms[-1]), "early" if item.worn < 0.8 else "worn")
            elif item.worn >= SHOWS_AT:
                self._fall_ill_by_wear(item, plan, int(stretch.at_ms[-1]))

    def _fall_ill_by_wear(self, item: Fitted, plan: ProductPlan, at_ms: int) -> None:
        """A part near its end brings on the failure it is known for, unless one is there."""
        if self._rate <= 0 or self.machine.state.illnesses:
            return
        for name in plan.part[item.part].failure_modes:
            mode = plan.failure_mode[name]
            if mode.detectable and name in self.machine.state.until_onset_h:
                illness = draw(mode, at_ms, self._rng)
                illness.part = f"{item.part}/{item.position}"
                illness.grown = DETECTABLE / 2
                self.machine.state.illnesses.append(illness)
                return

    def _replace_failed(self, illness: Illness) -> None:
        for item in list(self.machine.state.parts):
            if illness.part == f"{item.part}/{item.position}" and illness.repaired_ms is not None:
                self._replace(item, illness.repaired_ms, "failed" if illness.failed_ms else "worn")

    def _replace(self, item: Fitted, at_ms: int, reason: str) -> None:
        item.removed_ms, item.reason = at_ms, reason
        self.removed.append(item)
        parts = self.machine.state.parts
        new = fit_new(self.machine.plan.part[item.part], item.position, at_ms, self._rng)
        parts[parts.index(item)] = new

    def _weather(self, stretch: Stretch) -> None:
        """Note the storms of a stretch, each from its first strong wind to its last."""
        keys = self.machine.plan.signal_keys
        if "env_wind_ms" not in keys:
            return
        wind = stretch.values[:, keys.index("env_wind_ms")]
        for at_ms in stretch.at_ms[wind >= STRONG_WIND_MS].tolist():
            if self.storms and at_ms - self.storms[-1][1] < MS_PER_DAY // 4:
                self.storms[-1] = (self.storms[-1][0], at_ms)
            else:
                self.storms.append((at_ms, at_ms))

    def _serve(self, stretch: Stretch, until_ms: int) -> None:
        plan, done = self.machine.plan, self.machine.state.services_h
        hours = self.machine.state.physics[self.machine.physics.hours]
        at_ms = int(stretch.at_ms[-1])
        for service in plan.services:
            if service.every_h is None or hours < done[service.id] + service.every_h:
                continue
            if at_ms <= until_ms:
                done[service.id] = hours - hours % service.every_h
                self.services.append(ServiceDone(service.id, at_ms, hours))


def _services_before(machine: Machine) -> Iterator[ServiceDone]:
    """The last time of each service before history, dated by the machine's mean use."""
    now_ms, hours = machine.state.at_ms, machine.state.physics[machine.physics.hours]
    ms_per_hour = (now_ms - min(machine.commissioned_ms, now_ms)) / max(hours, 1.0)
    for service in machine.plan.services:
        at_hours = machine.state.services_h.get(service.id, service.first_h or 0.0)
        if 0 < at_hours <= hours:
            at_ms = now_ms - round((hours - at_hours) * ms_per_hour)
            yield ServiceDone(service.id, at_ms, at_hours)
