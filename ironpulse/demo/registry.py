"""The demo's registry: fleet, accounts and device credentials."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from api.passwords import hash_password
from fleet import clock
from fleet.plan import Catalogue
from fleet.text import Text
from simulators.fleet import DemoFleet, demo_fleet
from store import accounts, machines
from store.connection import connect, our_errors

DEMO_PASSWORD = "ironpulse-demo"


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """Somebody who signs in to the demo."""

    name: str
    display: Text
    role: Literal["manager", "technician", "parts"]


DEMO_ACCOUNTS = (
    DemoAccount("manager", Text(en="Service manager", zh="服务经理"), "manager"),
    DemoAccount("technician", Text(en="Field technician", zh="服务工程师"), "technician"),
    DemoAccount("parts", Text(en="Parts team", zh="配件组"), "parts"),
)


def make_fleet(catalogue: Catalogue, count: int, seed: int, folder: Path) -> DemoFleet:
    """The demo's fleet; the day it was first made is kept in `folder`, for the same fleet again."""
    path = folder / "born"
    if not path.exists():
        path.write_text(clock.to_datetime(clock.now_ms()).date().isoformat())
    born = date.fromisoformat(path.read_text())
    return demo_fleet(catalogue.plans, count, seed=seed, today=born)


def register(database_url: str, fleet: DemoFleet) -> dict[str, int]:
    """Put fleet and accounts into the registry; returns machine ids by serial."""
    now = clock.to_datetime(clock.now_ms())
    hashed = hash_password(DEMO_PASSWORD)
    with connect(database_url) as connection, our_errors(), connection.transaction():
        ids = machines.register(connection, fleet)
        for person in DEMO_ACCOUNTS:
            account = accounts.Account(person.name, person.display, person.role, hashed)
            accounts.put_account(connection, account, now)
    return ids


def devices(fleet: DemoFleet, secret: str) -> dict[str, str]:
    """Serial -> password of each machine at the broker, from the demo's own secret."""
    return {
        machine.serial: hmac.new(
            secret.encode(), machine.serial.encode(), hashlib.sha256
        ).hexdigest()[:32]
        for machine in fleet.machines
    }


def read_devices(path: Path) -> dict[str, str]:
    """The file of device passwords that the demo wrote."""
    found: dict[str, str] = json.loads(path.read_text())
    return found
