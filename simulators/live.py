"""A fleet alive: every machine reports over MQTT as a device of its own, now."""

from __future__ import annotations

import json
import selectors
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from fleet.broker import BrokerAddress
from fleet.clock import monotonic_s, now_ms
from fleet.errors import IronpulseError
from fleet.plan import ProductPlan
from simulators.device import Device, serve
from simulators.fleet import FleetMachine
from simulators.live_machine import LiveMachine
from simulators.machine import MachineState
from simulators.script import CUES, OPENING, Cue
from simulators.seeds import generator
from simulators.sensors import KINDS
from simulators.transport import PROFILES
from simulators.truth import Episode, write_truth

log = structlog.get_logger(__name__)

_TICK_S = 0.25
_SAVE_S = 5.0
#: No more than this share of the fleet is made ill at the same time.
_ILL_AT_MOST = 0.15


@dataclass(frozen=True)
class LiveOptions:
    """How a fleet lives.

    `speed` makes faults (not the clock, heat or counters) move faster; `period_s`
    replaces the plan's reporting period of a working machine. `awake_share` of the machines work
    whatever the hour. `illness_every_s` is the time between scripted illnesses, 0 for none;
    they fail within `grow_s` and end by themselves `last_s` later. `profile` names the transport
    faults. `state_file` keeps the machines over a restart, `truth_file` collects what really
    happened, and lines written to `control_file` are obeyed: `sicken SERIAL MODE [SECONDS]`,
    `break SERIAL KIND SIGNAL [SECONDS]` (a sensor; kinds as in simulators.sensors),
    `clock SERIAL SECONDS` (ahead; 0: right again), `heal SERIAL`.
    """

    speed: float = 1.0
    period_s: float | None = None
    awake_share: float = 0.85
    illness_every_s: float = 240.0
    grow_s: float = 60.0
    last_s: float = 900.0
    profile: str = "clean"
    state_file: Path | None = None
    truth_file: Path | None = None
    control_file: Path | None = None


class LiveFleet:
    """All machines of a process; everything happens in the thread that calls `run`."""

    def __init__(
        self,
        machines: Sequence[FleetMachine],
        plans: Mapping[str, ProductPlan],
        mqtt_url: str,
        credentials: Mapping[str, str],
        seed: int,
        options: LiveOptions,
        states: Mapping[str, MachineState] | None = None,
    ) -> None:
        self._options = options
        self._selector = selectors.DefaultSelector()
        self._rng = generator(seed, "live", now_ms())
        broker, profile = BrokerAddress.of(mqtt_url), PROFILES[options.profile]
        tls = broker.tls()  # one for all: each would read the certificates anew
        known = dict(states or {}) | load_states(options.state_file)
        start_ms = now_ms()
        self.machines: dict[str, LiveMachine] = {}
        self.devices: dict[str, Device] = {}
        for spec in machines:
            device = Device(
                spec.serial, credentials[spec.serial], broker, self._selector, self._rng, profile,
                tls,
            )  # fmt: skip
            self.devices[spec.serial] = device
            self.machines[spec.serial] = LiveMachine(
                spec, plans[spec.product], seed, start_ms, device, known.get(spec.serial),
                awake_share=options.awake_share, speed=options.speed, period_s=options.period_s,
                profile=profile,
            )  # fmt: skip
        self._opening = list(OPENING)
        self._started_s = self._saved_s = self._read_s = monotonic_s()
        self._next_illness_s = self._started_s + options.illness_every_s
        self._control_at = 0

    def run(self, stop: threading.Event, beat: Callable[[int, int], None] | None = None) -> None:
        """Live until `stop` is set; `beat(connected, samples sent)` is called once a second."""
        told_s = 0.0
        try:
            while not stop.is_set():
                now_s, at_ms = monotonic_s(), now_ms()
                for serial, machine in self.machines.items():
                    machine.step(at_ms)
                    self.devices[serial].turn(now_s, at_ms, machine.covered(at_ms))
                self._direct(now_s, at_ms)
                if beat is not None and now_s - told_s >= 1.0:
                    told_s = now_s
                    devices = self.devices.values()
                    beat(sum(d.connected for d in devices), sum(d.sent for d in devices))
                serve(self._selector, max(0.0, _TICK_S - (monotonic_s() - now_s)))
        finally:
            self.close()

    def sicken(self, serial: str, mode: str, grow_s: float | None = None) -> None:
        """Let a machine fall ill with a failure mode of its plan, failing within `grow_s`.

        Raises IronpulseError when there is no such machine or failure mode.
        """
        machine = self._machine(serial)
        if mode not in machine.plan.failure_mode:
            modes = ", ".join(machine.plan.failure_mode)
            raise IronpulseError(f"{machine.plan.product} has no failure mode {mode}: {modes}")
        cues = [cue for cue in CUES.get(machine.plan.product, ()) if cue.mode == mode]
        cue = cues[0] if cues else Cue(mode)
        machine.sicken(cue, now_ms(), grow_s or self._options.grow_s, self._options.last_s)

    def break_sensor(self, serial: str, kind: str, key: str, last_s: float | None = None) -> None:
        """Let a sensor of a machine go wrong. Raises IronpulseError when there is no such machine
        or kind of fault, ValueError when the sensor cannot have it."""
        known = next((one for one in KINDS if one == kind), None)
        if known is None:
            raise IronpulseError(f"a sensor cannot be {kind}, but {', '.join(KINDS)}")
        seconds = last_s or self._options.last_s
        self._machine(serial).break_sensor(known, key, now_ms(), seconds)

    def set_clock(self, serial: str, off_s: float) -> None:
        """Let the clock of a machine's device be so much ahead (0: right again). Raises
        IronpulseError when there is no such machine."""
        self._machine(serial).set_clock(round(1000 * off_s), now_ms())

    def heal(self, serial: str) -> None:
        """End all that was made wrong with a machine."""
        self._machine(serial).heal(now_ms())

    def close(self) -> None:
        """Say goodbye for all machines and keep their state."""
        for device in self.devices.values():
            device.close(now_ms())
        self._save()
        self._selector.close()

    def _direct(self, now_s: float, at_ms: int) -> None:
        """Scripted illnesses, commands, and what has to be written down."""
        options = self._options
        if options.illness_every_s > 0:
            while self._opening and now_s - self._started_s >= self._opening[0][1]:
                self._fall_ill(self._opening.pop(0)[0], at_ms, first=True)
            if now_s >= self._next_illness_s:
                wait = float(self._rng.uniform(0.6, 1.4)) * options.illness_every_s
                self._next_illness_s = now_s + wait
                self._fall_ill(None, at_ms)
        if now_s - self._read_s >= 1.0:
            self._read_s = now_s
            self._obey()
        if now_s - self._saved_s >= _SAVE_S:
            self._saved_s = now_s
            self._save()

    def _fall_ill(self, product: str | None, at_ms: int, first: bool = False) -> None:
        able = [m for m in self.machines.values() if m.well and CUES.get(m.plan.product)]
        if len(able) < (1.0 - _ILL_AT_MOST) * len(self.machines) and not first:
            return
        able = [m for m in able if product in (None, m.plan.product)] or able
        able = [m for m in able if not m.duty.resting] or able
        if not able:
            return
        machine = able[int(self._rng.integers(len(able)))]
        cues = [c for c in CUES[machine.plan.product] if machine.can_have(c.mode)]
        cue = cues[0 if first else int(self._rng.integers(len(cues)))]
        machine.sicken(cue, at_ms, self._options.grow_s, self._options.last_s)

    def _obey(self) -> None:
        path = self._options.control_file
        if path is None or not path.exists():
            return
        lines = path.read_text(encoding="utf-8").splitlines()
        for line in lines[self._control_at :]:
            try:
                self._command(line)
            except (IronpulseError, ValueError) as error:
                log.warning(
                    "a line of the control file cannot be obeyed", line=line, why=str(error)
                )
        self._control_at = len(lines)

    def _command(self, line: str) -> None:
        match line.split():
            case ["sicken", serial, mode]:
                self.sicken(serial, mode)
            case ["sicken", serial, mode, seconds]:
                self.sicken(serial, mode, float(seconds))
            case ["break", serial, kind, key]:
                self.break_sensor(serial, kind, key)
            case ["break", serial, kind, key, seconds]:
                self.break_sensor(serial, kind, key, float(seconds))
            case ["clock", serial, seconds]:
                self.set_clock(serial, float(seconds))
            case ["heal", serial]:
                self.heal(serial)
            case _:
                raise IronpulseError(
                    "write `sicken SERIAL MODE [SECONDS]`, `break SERIAL KIND SIGNAL [SECONDS]`, "
                    "`clock SERIAL SECONDS` or `heal SERIAL`"
                )

    def _machine(self, serial: str) -> LiveMachine:
        machine = self.machines.get(serial)
        if machine is None:
            raise IronpulseError(f"there is no machine {serial} in this live fleet")
        return machine

    def _save(self) -> None:
        options = self._options
        episodes: list[Episode] = []
        for machine in self.machines.values():
            episodes += machine.episodes_done()
        if options.truth_file is not None and episodes:
            write_truth(options.truth_file, episodes)
        if options.state_file is not None:
            save_states(options.state_file, {s: m.state for s, m in self.machines.items()})


def run(
    machines: Sequence[FleetMachine],
    plans: Mapping[str, ProductPlan],
    mqtt_url: str,
    credentials: Mapping[str, str],
    *,
    seed: int,
    stop: threading.Event,
    options: LiveOptions | None = None,
    states: Mapping[str, MachineState] | None = None,
    beat: Callable[[int, int], None] | None = None,
) -> None:
    """Let `machines` live over MQTT until `stop` is set.

    `credentials` are passwords by serial; `states` where history left each machine (a state
    file of the options goes first).
    """
    fleet = LiveFleet(
        machines, plans, mqtt_url, credentials, seed, options or LiveOptions(), states
    )
    fleet.run(stop, beat)


def save_states(path: Path, states: Mapping[str, MachineState]) -> None:
    """Write the states of machines by serial; whole or not at all."""
    data: dict[str, Any] = {serial: state.as_json() for serial, state in states.items()}
    part = path.with_suffix(path.suffix + ".part")
    part.write_text(json.dumps(data), encoding="utf-8")
    part.replace(path)


def load_states(path: Path | None) -> dict[str, MachineState]:
    """The states that `save_states` wrote; none when there is no such file."""
    if path is None or not path.exists():
        return {}
    data = json.loads(path.read_text(encoding="utf-8"))
    return {serial: MachineState.from_json(state) for serial, state in data.items()}
