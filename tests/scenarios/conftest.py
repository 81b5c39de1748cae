"""Scenarios run on everything at once: real servers, real processes, simulated machines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.loader import load_catalogue
from ironpulse.demo import registry
from ironpulse.stack import LocalStack, StackAddresses
from store.migrate import migrate
from tests.conftest import (
    PRODUCTS,
    BrokerAccess,
    close_template,
    copied_database,
    make_template,
)
from tests.scenarios.system import System, running_system
from tests.simulators.world import fleet


@pytest.fixture(scope="session")
def scenario_template(stack: LocalStack, empty_template: str) -> str:
    """Name of a migrated database with the plans of products/, a demonstration fleet of ten
    machines and the demo's accounts."""
    name = "scenario_template"
    url = make_template(stack, name, empty_template)
    migrate(url, load_catalogue(PRODUCTS))
    registry.register(url, fleet(10))
    close_template(stack, name)
    return name


@pytest.fixture
def addresses(
    stack: LocalStack, scenario_template: str, broker: BrokerAccess
) -> Iterator[StackAddresses]:
    """A copy of the template and a new broker."""
    for database_url in copied_database(stack, scenario_template):
        yield StackAddresses(
            database_url,
            broker.url,
            broker.admin_user,
            broker.admin_password,
            broker.ingest_user,
            broker.ingest_password,
        )


@pytest.fixture
def system(addresses: StackAddresses, server_folder: Path) -> Iterator[System]:
    """Ironpulse with the demonstration fleet, which nobody has heard yet."""
    with running_system(addresses, server_folder / "log") as running:
        running.let_in(*(machine.serial for machine in fleet(10).machines))
        yield running
