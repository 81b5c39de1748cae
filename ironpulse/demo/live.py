"""The demo's machines alive: what `ironpulse simulate` runs."""

from __future__ import annotations

import threading
from pathlib import Path

from fleet.loader import load_catalogue
from ironpulse.demo.registry import make_fleet, read_devices
from ironpulse.heart import Heart
from ironpulse.settings import Settings
from simulators.live import LiveOptions, run
from store.processes import Process


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
    heart, process = Heart(settings.database()), Process("simulators")
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
        beat=lambda connected, sent: heart(process, {"connected": connected, "sent": sent}),
    )
