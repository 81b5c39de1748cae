"""The real service over HTTP on a real database, with an account of each role."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import httpx
import pytest

from api.app import PREFIX, run
from api.passwords import hash_password
from fleet.clock import monotonic_s, now_ms, to_datetime
from fleet.text import Text
from ironpulse.stack import LocalStack
from ironpulse.stack.processes import free_port
from store.accounts import Account, put_account
from store.connection import Connection, connect
from store.machines import register
from store.migrate import migrate
from tests.api import plans
from tests.conftest import close_template, copied_database, make_template

PASSWORD = "correct horse"
PEOPLE = {"mia": ("manager", None), "tom": ("technician", "station"), "pat": ("parts", None)}


@pytest.fixture(scope="session")
def api_template(stack: LocalStack, empty_template: str) -> str:
    """Name of the database that the tests of the interface copy."""
    return service_template(stack, empty_template, "api_template")


def service_template(stack: LocalStack, empty_template: str, name: str) -> str:
    """Make a database `name` with the products and machines of plans.py and an account of each
    role: mia the manager, tom the technician of `station`, pat of the parts team."""
    url = make_template(stack, name, empty_template)
    migrate(url, plans.catalogue())
    hashed = hash_password(PASSWORD)
    with connect(url) as connection:
        register(connection, plans.registration())
        for person, (role, station) in PEOPLE.items():
            display = Text(en=person.title(), zh=f"{person}同事")
            account = Account(person, display, role, hashed, station)  # type: ignore[arg-type]
            put_account(connection, account, to_datetime(now_ms()))
    close_template(stack, name)
    return name


@pytest.fixture
def database(stack: LocalStack, api_template: str) -> Iterator[str]:
    """Address of a copy of the template."""
    yield from copied_database(stack, api_template)


@pytest.fixture
def store(database: str) -> Iterator[Connection]:
    """A connection to the database behind the service."""
    with connect(database) as connection:
        yield connection


@pytest.fixture
def api_port() -> int:
    """Where the service listens."""
    return free_port()


@pytest.fixture
def address(database: str, api_port: int) -> Iterator[str]:
    """Address of the running service, without a path."""
    port, stop = api_port, threading.Event()
    server = threading.Thread(target=run, args=(database, "127.0.0.1", port, stop))
    server.start()
    base = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{base}{PREFIX}/health")
        yield base
    finally:
        stop.set()
        server.join(timeout=20)
    assert not server.is_alive(), "the service did not end when it was asked to"


def wait_for(url: str) -> None:
    """Ask until the service answers, at most 20 s."""
    deadline = monotonic_s() + 20
    while True:
        try:
            httpx.get(url)
            return
        except httpx.TransportError:
            if monotonic_s() > deadline:
                raise
            threading.Event().wait(0.02)


@pytest.fixture
def api(address: str) -> Iterator[httpx.Client]:
    """A client of the service, nobody signed in."""
    with httpx.Client(base_url=f"{address}{PREFIX}", timeout=20) as client:
        yield client


def sign_in(api: httpx.Client, name: str) -> httpx.Client:
    """`api` with the person signed in."""
    answer = api.post("/session", json={"name": name, "password": PASSWORD})
    assert answer.status_code == 201, answer.text
    api.headers["Authorization"] = f"Bearer {answer.json()['token']}"
    return api


@pytest.fixture
def manager(api: httpx.Client) -> httpx.Client:
    """A client of the service with the manager signed in."""
    return sign_in(api, "mia")
