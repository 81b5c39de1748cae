"""Scenarios run on everything at once: real servers, real processes, simulated machines."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.loader import load_catalogue
from ironpulse.demo import registry
from ironpulse.stack import LocalStack, StackAddresses
from ironpulse.stack.programs import Programs
from store.migrate import migrate
from tests.conftest import (
    PRODUCTS,
    BrokerAccess,
    close_template,
    copied_database,
    make_template,
    open_folder,
    running_broker,
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


@pytest.fixture(scope="module")
def system_folder() -> Iterator[Path]:
    """An empty folder for a system of one module."""
    folder = open_folder()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def broker(programs: Programs, system_folder: Path) -> Iterator[BrokerAccess]:
    """A broker of its own for each module."""
    yield from running_broker(programs, system_folder)


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
def system(addresses: StackAddresses, system_folder: Path) -> Iterator[System]:
    """Ironpulse with the demonstration fleet; its start is dear, so the tests of a module share it,
    each with machines of its own."""
    with running_system(addresses, system_folder / "log") as running:
        running.let_in(*(machine.serial for machine in fleet(10).machines))
        yield running
