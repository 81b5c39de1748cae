"""The registry of machines from the command line, with their credentials at the broker."""

from __future__ import annotations

import secrets
from typing import Any

from fleet.registry import NewMachine, Registration
from ironpulse.settings import Settings
from store import machines
from store.connection import connect, our_errors


def add(settings: Settings, machine: NewMachine) -> str:
    """Register a machine and let it in at the broker; returns its new password.

    A machine that is known is brought up to date and gets a new password. Raises StoreError
    where it does not fit the product plans or names a customer or station nobody knows.
    """
    password = secrets.token_urlsafe(18)
    with connect(settings.database()) as connection, our_errors():
        machines.register(connection, Registration(machines=[machine]))
    with settings.mqtt_admin() as credentials:
        credentials.add([(machine.serial, password)])
    return password


def listing(settings: Settings) -> list[dict[str, Any]]:
    """All machines, one row each."""
    with connect(settings.database()) as connection, our_errors():
        found = machines.list_machines(connection)
    return [
        {
            "serial": machine.serial,
            "product": machine.product,
            "model": machine.model,
            "customer": machine.customer,
            "station": machine.station,
            "region": machine.region,
            "tier": machine.tier,
            "site": machine.site.en,
        }
        for machine in found
    ]
