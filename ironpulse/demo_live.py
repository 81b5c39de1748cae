"""The demo's machines alive: what `ironpulse simulate` runs."""

from __future__ import annotations

import threading
from pathlib import Path

from fleet.clock import monotonic_s
from fleet.loader import load_catalogue
from ironpulse.demo_registry import make_fleet, read_devices
from ironpulse.settings import Settings
from simulators.live import LiveOptions, run
from store.connection import StoreError, connect, our_errors
from store.processes import BEAT_S, Process, beat


def live(
    settings: Settings,
    folder: Path,
    seed: int,
    speed: float,
    period_s: float,
    stop: threading.Event,
) -> None:
    """Run the machines of the demo in `folder` until `stop`; they go on where they were."""
    devices = read_devices(folder / "devices.json")
    catalogue = load_catalogue(settings.products)
    fleet = make_fleet(catalogue, len(devices), seed, folder)
    options = LiveOptions(
        speed=speed,
        period_s=period_s,
        profile="typical",
        state_file=folder / "machines.json",
        truth_file=folder / "truth.jsonl",
        control_file=folder / "control",
    )
    run(
        fleet.machines,
        catalogue.plans,
        settings.mqtt_address(),
        devices,
        seed=seed,
        stop=stop,
        options=options,
        beat=_Beat(settings.database()),
    )


class _Beat:
    """Says every few seconds that the machines live; their messages do not wait for it."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._process = Process("simulators")
        self._next_s = 0.0

    def __call__(self, connected: int, sent: int) -> None:
        if monotonic_s() < self._next_s:
            return
        self._next_s = monotonic_s() + BEAT_S
        try:
            with connect(self._url) as connection, our_errors():
                beat(connection, self._process, {"connected": connected, "sent": sent})
        except StoreError:
            return  # machines do not care whether the database is there; status shows the silence
