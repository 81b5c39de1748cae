"""Fixtures on real servers: every test that needs a database or a broker gets a private one.

IRONPULSE_DATABASE_URL and IRONPULSE_MQTT_URL are not read here: tests drop databases and kill
brokers, which must not happen to servers somebody uses. Nothing skips where a tool is missing.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Page, sync_playwright
from psycopg import sql

from benchmarks.shared_data import VARIABLE
from fleet.loader import load_catalogue
from ironpulse.stack import Credentials, LocalStack
from ironpulse.stack.broker import Broker
from ironpulse.stack.browser import Browser, browser
from ironpulse.stack.processes import free_port
from ironpulse.stack.programs import Programs, server_programs
from ironpulse.stack.security import ADMIN, INGEST
from store.connection import connect
from store.machines import register
from store.migrate import migrate
from tests import small
from tests.predict import plans

EMPTY_TEMPLATE = "empty_template"
PRODUCTS = Path(__file__).parents[1] / "products"
_numbers = count(1)


@dataclass(frozen=True)
class BrokerAccess:
    """A broker of one test: new, without sessions, devices or retained messages."""

    server: Broker
    credentials: Credentials
    admin_password: str
    ingest_password: str
    admin_user: str = ADMIN
    ingest_user: str = INGEST
    host: str = "127.0.0.1"

    @property
    def port(self) -> int:
        return self.server.port

    @property
    def url(self) -> str:
        return self.server.url


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, object, None]:
    """A skipped test is a failed one: green must mean that everything ran. Only a test of public
    data, which is not ours to ship, may say that it is absent."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    absent = VARIABLE in str(report.longrepr)
    if report.skipped and not absent and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped ({report.longrepr}): make it run"


def open_folder() -> Path:
    """A new folder under /tmp which the servers' account may enter when root runs the tests."""
    folder = Path(tempfile.mkdtemp(prefix="ironpulse-test-"))
    if os.geteuid() == 0:
        folder.chmod(0o755)
    return folder


@pytest.fixture(scope="session")
def programs() -> Programs:
    """The unpacked servers and MQTT command-line clients."""
    return server_programs()


@pytest.fixture
def server_folder() -> Iterator[Path]:
    """An empty folder for servers of one test."""
    folder = open_folder()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def stack(programs: Programs) -> Iterator[LocalStack]:
    """The database server and broker all tests share."""
    folder = open_folder()
    with LocalStack(folder) as running:
        # Only a power cut needs it, and each drop of a test's database would wait for the disk.
        _admin(running, "ALTER SYSTEM SET fsync = off")
        _admin(running, "SELECT pg_reload_conf()")
        yield running
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def empty_template(stack: LocalStack) -> str:
    """Name of a database with the timescaledb extension, to copy from."""
    make_template(stack, EMPTY_TEMPLATE, "template0")
    return EMPTY_TEMPLATE


@pytest.fixture
def empty_database(stack: LocalStack, empty_template: str) -> Iterator[str]:
    """Address of a new database with the timescaledb extension and nothing else."""
    yield from copied_database(stack, empty_template)


@pytest.fixture(scope="session")
def small_template(stack: LocalStack, empty_template: str) -> str:
    """Name of a migrated database with the plan and machines of tests/small.py, to copy from."""
    name = "small_template"
    url = make_template(stack, name, empty_template)
    migrate(url, small.catalogue())
    with connect(url) as connection:
        register(connection, small.registration())
    close_template(stack, name)
    return name


@pytest.fixture
def small_store(stack: LocalStack, small_template: str) -> Iterator[str]:
    """Address of a new database with the small product and the machines P-1, P-2 and P-3."""
    yield from copied_database(stack, small_template)


@pytest.fixture(scope="session")
def pump_template(stack: LocalStack, empty_template: str) -> str:
    """Name of a migrated database with the plan of tests/predict/plans.py and machines of it."""
    name = "pump_template"
    url = make_template(stack, name, empty_template)
    migrate(url, plans.catalogue())
    with connect(url) as connection:
        machines = [small.new_machine(serial, model="P56") for serial in small.SERIALS]
        register(connection, small.registration(*machines))
    close_template(stack, name)
    return name


@pytest.fixture
def pump_store(stack: LocalStack, pump_template: str) -> Iterator[str]:
    """Address of a new database with the pump that wears, and the machines P-1, P-2 and P-3."""
    yield from copied_database(stack, pump_template)


@pytest.fixture(scope="session")
def migrated_template(stack: LocalStack, empty_template: str) -> str:
    """Name of a migrated database with the plans of products/ and two machines of each."""
    name = "migrated_template"
    url = make_template(stack, name, empty_template)
    catalogue = load_catalogue(PRODUCTS)
    migrate(url, catalogue)
    machines = [
        small.new_machine(
            f"{plan.code}-{number}",
            product=plan.product,
            model=plan.models[0].id,
            tier=next(iter(catalogue.tiers)),
        )
        for plan in catalogue.plans.values()
        for number in (1, 2)
    ]
    with connect(url) as connection:
        register(connection, small.registration(*machines))
    close_template(stack, name)
    return name


@pytest.fixture
def migrated(stack: LocalStack, migrated_template: str) -> Iterator[str]:
    """Address of a new database with all product plans and machines `<plan code>-1` and `-2`."""
    yield from copied_database(stack, migrated_template)


def make_template(stack: LocalStack, name: str, source: str) -> str:
    """Copy `source` to a database with the extension and return its address, for setting it up.

    Call close_template() when it is complete, or it cannot be copied.
    """
    _admin(stack, "CREATE DATABASE {} TEMPLATE {}", name, source)
    url = database_url(stack, name)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
    if name == EMPTY_TEMPLATE:
        close_template(stack, name)
    return url


def close_template(stack: LocalStack, name: str) -> None:
    """Keep everybody out, TimescaleDB's own workers included: in use it cannot be copied."""
    _admin(stack, "ALTER DATABASE {} WITH ALLOW_CONNECTIONS false IS_TEMPLATE true", name)
    with psycopg.connect(database_url(stack, "postgres"), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s",
            (name,),
        )


def copied_database(stack: LocalStack, template: str) -> Iterator[str]:
    """A copy of a closed template, dropped afterwards with whatever is still connected."""
    name = f"test_{next(_numbers)}"
    _admin(stack, "CREATE DATABASE {} TEMPLATE {}", name, template)
    try:
        yield database_url(stack, name)
    finally:
        _admin(stack, "DROP DATABASE {} WITH (FORCE)", name)


def database_url(stack: LocalStack, name: str) -> str:
    """Address of another database on the shared server."""
    return stack.addresses.database_url.rsplit("/", 1)[0] + f"/{name}"


def _admin(stack: LocalStack, statement: str, *names: str) -> None:
    with psycopg.connect(database_url(stack, "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@pytest.fixture
def broker(programs: Programs, server_folder: Path) -> Iterator[BrokerAccess]:
    """A broker of its own for each test: it starts in 30 ms and knows nobody's old sessions."""
    yield from running_broker(programs, server_folder)


def running_broker(programs: Programs, folder: Path) -> Iterator[BrokerAccess]:
    """A broker in a folder, while it is asked for."""
    server = Broker(programs, folder / "broker", free_port(), "admin-word", "ingest-word")
    server.start()
    try:
        with Credentials(server.url, ADMIN, "admin-word") as credentials:
            yield BrokerAccess(server, credentials, "admin-word", "ingest-word")
    finally:
        server.stop()


@pytest.fixture(scope="session")
def chromium() -> Browser:
    """A Chromium that draws Chinese, for Playwright's launch()."""
    return browser()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page of 1440 x 900 in a browser of its own (Playwright's loop must end with the test)."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=str(chromium.executable),
            args=list(chromium.arguments),
            env=dict(chromium.environment),
        )
        yield running.new_page(viewport={"width": 1440, "height": 900})
        running.close()
