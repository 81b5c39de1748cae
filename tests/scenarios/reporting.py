"""Simulated devices that tell their lives while a test does something to the rest."""

from __future__ import annotations

import selectors
import threading
import time
from collections.abc import Sequence
from typing import Self

import numpy as np

from fleet import clock
from fleet.broker import BrokerAddress
from simulators.device import Device, serve
from simulators.transport import PROFILES
from tests.processes import until
from tests.scenarios.lives import Life
from tests.scenarios.system import password_of

PACE_S = 0.02
PATIENCE_S = 90.0


class Reporting:
    """Devices that report in a thread of their own, as far as they are allowed to: a `share` of
    their lives."""

    def __init__(self, mqtt_url: str, lives: Sequence[Life], share: float) -> None:
        self._lives = lives
        self._selector = selectors.DefaultSelector()
        self._devices = {
            life.serial: Device(
                life.serial, password_of(life.serial), BrokerAddress.of(mqtt_url), self._selector,
                np.random.default_rng(1), PROFILES["clean"],
            )
            for life in lives
        }  # fmt: skip
        self._length = max((len(life.samples) for life in lives), default=0)
        self._at = 0
        self._allowed = round(share * self._length)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)
        assert not self._thread.is_alive()

    def share(self) -> float:
        """How much was said already, 0 to 1."""
        return self._at / self._length

    def allow(self, share: float) -> None:
        """Go on up to this share."""
        self._allowed = min(self._length, round(share * self._length))

    def until_acknowledged(self) -> None:
        """Wait until the broker has everything."""
        until(
            lambda: (self._at, sum(d.waiting for d in self._devices.values())),
            lambda found: found == (self._length, 0),
            PATIENCE_S,
        )
        assert not any(device.dropped or device.refused for device in self._devices.values())

    def _run(self) -> None:
        next_s = time.monotonic()
        while not self._stop.is_set():
            if self._at < self._allowed and time.monotonic() >= next_s:
                next_s = time.monotonic() + PACE_S
                self._say(self._at)
                self._at += 1
            for device in self._devices.values():
                device.turn(time.monotonic(), clock.now_ms(), covered=True)
            serve(self._selector, PACE_S / 2)
        for device in self._devices.values():
            device.close(clock.now_ms())
        self._selector.close()

    def _say(self, place: int) -> None:
        for life in self._lives:
            at_ms, values = life.samples[place]
            before = life.samples[place - 1][0] if place else 0
            for told_ms, codes in life.faults:
                if before < told_ms <= at_ms:
                    self._devices[life.serial].faults(told_ms, codes)
            self._devices[life.serial].sample(at_ms, values)
