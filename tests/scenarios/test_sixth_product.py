"""A product is a folder: a road roller nobody wrote a line of Python for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet import clock
from ironpulse.demo import registry
from ironpulse.settings import with_user
from ironpulse.stack import StackAddresses
from tests.conftest import PRODUCTS, BrokerAccess
from tests.scenarios.lives import Life, registered
from tests.scenarios.system import System, running_system
from tests.simulators.world import fleet

ROLLER = Path(__file__).parents[1] / "products" / "road_roller"
CODE = Path(__file__).parents[2]
VIBRATING = {
    "eng_speed_rpm": 2000, "vib_hz": 45, "vib_set_hz": 45, "vib_amp_mm": 0.6, "drum_acc_g": 6,
    "frame_acc_g": 0.4, "cmv": 40, "drum_bearing_l_c": 75, "drum_bearing_r_c": 77,
    "drum_drive_bar": 150, "drum_speed_kmh": 4.8, "drum_cmd_pct": 40, "hyd_oil_temp_c": 65,
    "water_pct": 60, "water_press_bar": 2.5, "mat_temp_c": 120, "eng_hours_h": 812.5,
}  # fmt: skip


@pytest.fixture
def with_roller(empty_database: str, broker: BrokerAccess, server_folder: Path) -> Iterator[System]:
    """Ironpulse on six products: the folder is there before `ironpulse migrate` runs."""
    folder = server_folder / "products"
    shutil.copytree(PRODUCTS, folder)
    shutil.copytree(ROLLER, folder / "road_roller")
    settings = {"IRONPULSE_DATABASE_URL": empty_database, "IRONPULSE_PRODUCTS": str(folder)}
    done = subprocess.run(
        [sys.executable, "-m", "ironpulse", "migrate"],
        env=os.environ | settings, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "6 product plans" in done.stdout
    registry.register(empty_database, fleet(5))
    addresses = StackAddresses(
        empty_database, broker.url, broker.admin_user, broker.admin_password,
        broker.ingest_user, broker.ingest_password,
    )  # fmt: skip
    with running_system(addresses, server_folder / "log", environment=settings) as running:
        yield running


def test_a_sixth_product_is_only_a_folder(with_roller: System) -> None:
    system, now = with_roller, clock.now_ms()
    _register(system, "ROL-1", product="road_roller", model="RR13")
    hot = VIBRATING | {"drum_bearing_l_c": 131}
    samples = [
        (now - 10_000 * (90 - n), {k: float(v) for k, v in (VIBRATING if n < 30 else hot).items()})
        for n in range(91)
    ]
    system.live(Life("ROL-1", tuple(samples), (), ()))
    system.until_judged("ROL-1")
    ledger = system.ledger("ROL-1")
    assert (ledger["rejected"], ledger["bad_values"]) == (0, [])
    machine = system.get("/machines/ROL-1")
    assert machine["regime"]["id"] == "vibrate" and machine["health"] == "stop"
    bearing = next(s for s in machine["signals"] if s["key"] == "drum_bearing_l_c")
    assert (bearing["value"], bearing["grade"]) == (131, "alarm")
    assert "bearing_alarm" in {alarm["rule"] for alarm in system.alarms("ROL-1")}
    (ticket,) = system.tickets("ROL-1")
    item = next(item for item in ticket["items"] if item["source"] == "bearing_alarm")
    assert [cause["id"] for cause in item["likely_causes"]] == ["RO-F01"]
    assert ticket["checks"] and ticket["parts"]
    # What the dashboard draws its pages from.
    plan = system.get("/products/road_roller")
    assert {"vib_hz", "drum_bearing_l_c"} <= {signal["key"] for signal in plan["signals"]}
    begin, end = (clock.to_datetime(now + ms).isoformat() for ms in (-600_000, 60_000))
    span = {"from": begin, "to": end}
    drawn = system.get("/machines/ROL-1/telemetry", signals="drum_bearing_l_c", **span)
    assert 131 in drawn["signals"]["drum_bearing_l_c"]["avg"]
    assert system.get("/machines", product="road_roller")["items"][0]["serial"] == "ROL-1"


def _register(system: System, serial: str, **options: str) -> None:
    """As the service manager does it: on the command line."""
    known = registered(serial, "truck_crane")
    places = {"customer": known.customer, "station": known.station, "tier": known.tier,
              "site": known.site.en, "site-zh": known.site.zh, "lat": str(known.lat),
              "lon": str(known.lon), "commissioned": "2025-05-01"}  # fmt: skip
    given = [f"--{name}={value}" for name, value in (places | options).items()]
    where = system.addresses
    admin = with_user(where.mqtt_url, where.mqtt_admin_user, where.mqtt_admin_password)
    command = [sys.executable, "-m", "ironpulse", "machines", "add", serial, *given]
    done = subprocess.run(
        command, env=os.environ | {"IRONPULSE_MQTT_ADMIN_URL": admin},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    system.let_in(serial)  # with the password that devices of tests have


def test_no_line_of_python_names_the_sixth_product() -> None:
    words = ("road_roller", "压路机", "RR13", "RO-F01", "drum_bearing")
    sources = [
        path
        for package in CODE.iterdir()
        if (package / "__init__.py").exists() and package.name != "tests"
        for path in package.rglob("*.py")
    ]
    assert len(sources) > 100
    named = [
        f"{path.relative_to(CODE)}: {word}"
        for path in sources
        for word in words
        if word in path.read_text(encoding="utf-8")
    ]
    assert not named
