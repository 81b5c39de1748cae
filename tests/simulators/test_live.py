"""Live machines: alarms on cue, and devices that lose nothing whatever the broker does."""

from __future__ import annotations

import json
import selectors
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from fleet.batch import FaultCode, FaultReport, SampleBatch
from fleet.broker import BrokerAddress
from fleet.clock import monotonic_s, now_ms
from rules.compiled import compile_plan
from rules.condition import Identity
from rules.engine import fold
from rules.faults import matches
from rules.state import empty_state
from simulators.device import Device, serve
from simulators.live import LiveFleet, LiveOptions, load_states, run, save_states
from simulators.live_machine import LiveMachine
from simulators.machine import MachineState
from simulators.script import CUES, Cue
from simulators.seeds import generator
from simulators.transport import PROFILES
from tests.conftest import BrokerAccess
from tests.simulators.world import END_MS, fleet, history, pasts, plans

CASES = [(product, cue) for product, cues in CUES.items() for cue in cues]


class Notebook:
    """Takes a machine's words in place of a device."""

    def __init__(self) -> None:
        self.samples: list[tuple[int, Mapping[str, float]]] = []
        self.codes: list[FaultReport] = []

    def sample(self, at_ms: int, values: Mapping[str, float]) -> None:
        self.samples.append((at_ms, values))

    def faults(self, at_ms: int, active: Sequence[FaultCode]) -> None:
        self.codes.append(FaultReport(1, at_ms, at_ms, tuple(active)))


def _alive(
    product: str, model: str | None = None, state: MachineState | None = None
) -> tuple[LiveMachine, Notebook]:
    spec = next(m for m in fleet().machines if m.product == product)
    if model is not None:
        spec = replace(spec, model=model)
    notebook = Notebook()
    machine = LiveMachine(
        spec, plans()[product], 5, END_MS, notebook, state,
        awake_share=1.0, speed=1.0, period_s=2.0, profile=PROFILES["clean"],
    )  # fmt: skip
    return machine, notebook


def _live(machine: LiveMachine, from_ms: int, seconds: float) -> None:
    for at_ms in range(from_ms, from_ms + round(seconds * 1000), 250):
        machine.step(at_ms)


def _alarms(machine: LiveMachine, notebook: Notebook) -> list[tuple[str, int]]:
    plan, product = machine.plan, machine.plan.product
    compiled = compile_plan(plan)
    values = np.full((len(notebook.samples), len(plan.signals)), np.nan, order="F")
    for row, (_, sample) in enumerate(notebook.samples):
        for key, value in sample.items():
            values[row, plan.signal_keys.index(key)] = value
    at_ms = np.array([ts for ts, _ in notebook.samples], dtype=np.int64)
    batch = SampleBatch(
        product, plan.signal_keys, np.ones(len(at_ms), dtype=np.int64), at_ms, at_ms, values
    )
    who = {1: Identity(machine.spec.serial, machine.spec.model, "south")}
    _, changes = fold(compiled, who, empty_state(compiled, [1]), batch)
    found = [(c.rule, c.at) for c in changes if c.kind == "raised"]
    for report in notebook.codes:
        for rule in compiled.fault_rules:
            if rule.faults is not None and not rule.faults.unmatched:
                hit = any(matches(rule.faults, code) for code in report.active)
                found += [(rule.id, report.measured_at)] * hit
    return found


@pytest.mark.parametrize(("product", "cue"), CASES, ids=lambda v: getattr(v, "mode", v))
def test_every_cue_raises_an_alarm_within_three_minutes(product: str, cue: Cue) -> None:
    machine, notebook = _alive(product, plans()[product].models[0].id)
    _live(machine, END_MS, 60)
    machine.sicken(cue, END_MS + 60_000, 60.0, 900.0)
    _live(machine, END_MS + 60_000, 180)
    early = [(rule, at) for rule, at in _alarms(machine, notebook) if at < END_MS + 60_000]
    alarms = [(rule, at) for rule, at in _alarms(machine, notebook) if at >= END_MS + 60_000]
    assert not early
    named = {
        rule for rule, _ in alarms
        if cue.mode in plans()[product].rule[rule].failure_modes
    }  # fmt: skip
    assert named, f"{cue.mode} raised {alarms}"


@pytest.mark.parametrize("product", CUES)
def test_a_sound_live_machine_raises_no_alarm_in_an_hour(product: str) -> None:
    machine, notebook = _alive(product)
    _live(machine, END_MS, 3600)
    assert _alarms(machine, notebook) == []


def test_a_scripted_illness_ends_and_is_written_down() -> None:
    machine, _ = _alive("truck_crane")
    machine.sicken(CUES["truck_crane"][0], END_MS, 30.0, 60.0)
    assert not machine.well
    _live(machine, END_MS, 120)
    assert machine.well
    (episode,) = machine.episodes_done()
    assert episode.failed_ms is not None and episode.repaired_ms is not None
    assert episode.expected["ticket"]


def test_a_sensor_and_a_clock_go_wrong_on_command_until_they_are_put_right() -> None:
    machine, notebook = _alive("truck_crane")
    machine.break_sensor("range", "hyd_pilot_press_bar", END_MS, 3600.0)
    machine.set_clock(8 * 3_600_000, END_MS)
    _live(machine, END_MS, 60)
    machine.heal(END_MS + 60_000)
    _live(machine, END_MS + 60_000, 60)
    low, high = machine.plan.signal["hyd_pilot_press_bar"].range
    told = [
        (at - END_MS > 7 * 3_600_000, not low <= values["hyd_pilot_press_bar"] <= high)
        for at, values in notebook.samples
    ]
    wrong = [both for both in told if both == (True, True)]
    assert len(wrong) > 20 and told == [*wrong, *[(False, False)] * (len(told) - len(wrong))]
    clock, sensor = machine.episodes_done()
    assert (clock.failure_mode, clock.expected["off_ms"]) == ("CLOCK", 8 * 3_600_000)
    assert (clock.onset_ms, clock.repaired_ms) == (END_MS, END_MS + 60_000)
    assert (sensor.failure_mode, sensor.repaired_ms) == ("SENSOR-RANGE", END_MS + 60_000)
    assert clock.expected["ticket"] and sensor.expected["ticket"]
    with pytest.raises(ValueError, match="no sensor eng_hours_h that can be stuck"):
        machine.break_sensor("stuck", "eng_hours_h", END_MS, 60.0)


def test_life_goes_on_where_history_ended() -> None:
    pieces = history(fleet(5), 2)
    for serial, past in pasts(pieces).items():
        piece = [p for p in pieces if p.serial == serial][-1]
        product = piece.batch.product
        counters = [s.key for s in plans()[product].signals if s.kind == "counter"]
        machine, notebook = _alive(product, state=_copied(past.state))
        _live(machine, END_MS, 30)
        told = notebook.samples[-1][1]
        for key in counters:
            column = piece.batch.values[:, piece.batch.signals.index(key)]
            last = column[~np.isnan(column)][-1:]
            assert key not in told or not len(last) or told[key] >= last[0], key


def test_states_survive_a_file(tmp_path: Path) -> None:
    past = pasts(history(fleet(5), 2, illness_rate=20))
    states = {serial: each.state for serial, each in past.items()}
    save_states(tmp_path / "states.json", states)
    assert load_states(tmp_path / "states.json") == states


def _copied(state: MachineState) -> MachineState:
    return MachineState.from_json(json.loads(json.dumps(state.as_json())))


class Listener:
    """Everything that arrives at the broker, by topic."""

    def __init__(self, access: BrokerAccess) -> None:
        self.messages: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id="listener", clean_session=False
        )
        self._client.username_pw_set(access.ingest_user, access.ingest_password)
        self._client.on_connect = lambda client, *_: client.subscribe("ironpulse/v1/#", qos=1)
        self._client.on_message = self._keep
        self._client.connect(access.host, access.port)
        self._client.loop_start()

    def _keep(self, _c: mqtt.Client, _u: Any, message: mqtt.MQTTMessage) -> None:
        told = json.loads(message.payload)
        self.messages[message.topic] += told if isinstance(told, list) else [told]

    def times(self, serial: str) -> list[int]:
        return [sample["ts"] for sample in self.messages[f"ironpulse/v1/{serial}/telemetry"]]

    def states(self, serial: str) -> list[str]:
        return [told["state"] for told in self.messages[f"ironpulse/v1/{serial}/status"]]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def listener(broker: BrokerAccess) -> Iterator[Listener]:
    heard = Listener(broker)
    yield heard
    heard.close()


def _until(condition: Callable[[], bool], turn: Callable[[], None], seconds: float = 30) -> None:
    end = monotonic_s() + seconds
    while not condition():
        assert monotonic_s() < end, "it did not happen in time"
        turn()


def _device(
    access: BrokerAccess, selector: selectors.BaseSelector, serial: str = "D-1"
) -> tuple[Device, Callable[[], None]]:
    access.credentials.add([(serial, "word")])
    device = Device(
        serial,
        "word",
        BrokerAddress.of(access.url),
        selector,
        generator(1, serial),
        PROFILES["clean"],
    )

    def turn() -> None:
        device.turn(monotonic_s(), now_ms(), covered=True)
        serve(selector, 0.02)

    return device, turn


def test_a_device_keeps_what_the_broker_has_not_acknowledged(
    broker: BrokerAccess, listener: Listener
) -> None:
    selector = selectors.DefaultSelector()
    device, turn = _device(broker, selector)
    wanted = list(range(END_MS, END_MS + 1000))
    for ts in wanted[:300]:
        device.sample(ts, {"eng_speed_rpm": 1500})
    _until(lambda: device.acknowledged >= 300, turn)
    broker.server.stop()
    for ts in wanted[300:]:
        device.sample(ts, {"eng_speed_rpm": 1500})
        turn() if ts % 50 == 0 else None
    assert device.waiting == 700
    broker.server.start()
    _until(lambda: device.waiting == 0, turn)
    _until(lambda: set(listener.times("D-1")) >= set(wanted), turn)
    times = list(dict.fromkeys(listener.times("D-1")))
    assert times == wanted, "oldest first"
    device.close(now_ms())
    selector.close()


def test_a_device_without_reception_is_offline_by_its_will(
    broker: BrokerAccess, listener: Listener
) -> None:
    selector = selectors.DefaultSelector()
    device, turn = _device(broker, selector)
    _until(lambda: listener.states("D-1") == ["online"], turn)
    device.turn(monotonic_s(), now_ms(), covered=False)
    _until(lambda: listener.states("D-1") == ["online", "offline"], lambda: serve(selector, 0.02))
    device.sample(END_MS, {"eng_speed_rpm": 1500})
    _until(lambda: listener.times("D-1") == [END_MS], turn)
    assert listener.states("D-1")[-1] == "online"
    device.close(now_ms())
    selector.close()


def test_a_device_with_a_wrong_password_goes_on_trying_and_keeps_its_samples(
    broker: BrokerAccess,
) -> None:
    selector = selectors.DefaultSelector()
    device = Device(
        "D-2",
        "wrong",
        BrokerAddress.of(broker.url),
        selector,
        generator(1, "D-2"),
        PROFILES["clean"],
    )
    device.sample(END_MS, {"eng_speed_rpm": 1500})
    end = monotonic_s() + 2.5
    while monotonic_s() < end:
        device.turn(monotonic_s(), now_ms(), covered=True)
        serve(selector, 0.05)
    assert not device.connected and device.waiting == 1
    device.close(now_ms())
    selector.close()


def test_a_fleet_comes_alive(broker: BrokerAccess, listener: Listener, tmp_path: Path) -> None:
    machines = fleet(30).machines
    words = {machine.serial: f"word-{machine.serial}" for machine in machines}
    broker.credentials.add(words.items())
    control = tmp_path / "control"
    crane = machines[1].serial
    control.write_text(
        f"nonsense\nsicken {crane} CR-F02 10\nbreak {crane} odd x\nbreak {crane} range x\n"
        f"break {crane} stuck hyd_oil_temp_c 2\nclock {crane} -3600\nclock nobody 1\n",
        encoding="utf-8",
    )
    options = LiveOptions(
        period_s=1.0, state_file=tmp_path / "states.json", control_file=control,
        illness_every_s=0, truth_file=tmp_path / "truth.jsonl",
    )  # fmt: skip
    stop = threading.Event()
    beats: list[tuple[int, int]] = []

    def beat(connected: int, sent: int) -> None:
        beats.append((connected, sent))
        heard = sum(bool(listener.times(machine.serial)) for machine in machines)
        if (connected == 30 and heard >= 26 and sent > 150) or len(beats) > 40:
            stop.set()

    run(machines, plans(), broker.url, words, seed=1, stop=stop, options=options, beat=beat)
    assert beats[-1][0] == 30
    working = 0
    for machine in machines:
        samples = listener.messages[f"ironpulse/v1/{machine.serial}/telemetry"]
        known = set(plans()[machine.product].signal_keys)
        assert all(set(sample["values"]) <= known for sample in samples)
        working += any(len(sample["values"]) > 15 for sample in samples)
    assert working >= 20
    _until(
        lambda: all(listener.states(m.serial)[-1:] == ["offline"] for m in machines), lambda: None
    )
    states = load_states(options.state_file)
    assert set(states) == set(words)
    behind = [now_ms() - at > 3_000_000 for at in listener.times(crane)]
    assert True in behind, "the clock of this one was set back by an hour"
    assert [illness.mode for illness in states[machines[1].serial].illnesses] == ["CR-F02"]


def test_a_fleet_of_500_is_stepped_faster_than_it_lives() -> None:
    machines = fleet(500).machines
    words = dict.fromkeys((machine.serial for machine in machines), "word")
    alive = LiveFleet(machines, plans(), "mqtt://127.0.0.1:9", words, 1, LiveOptions(period_s=5.0))
    start, begun = now_ms(), monotonic_s()
    for at_ms in range(start, start + 15_000, 250):
        for machine in alive.machines.values():
            machine.step(at_ms)
    assert monotonic_s() - begun < 15.0
    assert sum(device.waiting for device in alive.devices.values()) > 1000
    alive.close()
