"""`ironpulse demo`: the whole path on this machine, from a fresh clone to the first ticket."""

from __future__ import annotations

import json
import logging
import os
import secrets
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
import structlog
from rich.console import Console

from fleet import clock
from fleet.errors import IronpulseError
from fleet.loader import load_catalogue
from fleet.plan import Catalogue
from ironpulse.demo import history, parts, registry
from ironpulse.demo.registry import DEMO_ACCOUNTS, DEMO_PASSWORD
from ironpulse.heart import Heart
from ironpulse.settings import Settings, with_user
from ironpulse.stack import Credentials, LocalStack, StackAddresses, default_directory
from ironpulse.stack.local import running_state
from ironpulse.supervisor import Service, Supervisor
from store.migrate import migrate
from store.processes import Process

_PATIENCE_S = 90.0
console = Console()


class DemoError(IronpulseError):
    """The demo cannot start."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the command line says. The dashboard listens at `port`, the API at the next; `days`
    of history for `machines` machines; `speed` makes the live machines' faults grow faster."""

    port: int
    machines: int
    seed: int
    speed: float
    fresh: bool
    days: int


@dataclass(frozen=True, slots=True)
class DemoState:
    """What a demo remembers in its folder; `ready` once the history is complete."""

    machines: int
    seed: int
    days: int
    secret: str
    ready: bool = False


def run(options: DemoOptions, stop: threading.Event) -> None:
    """Set everything up, run it until `stop`, leave nothing running.

    Raises DemoError or another IronpulseError with a sentence where it cannot.
    """
    # What the same jobs tell the operator of a service is nothing to whoever starts a demo.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    folder = default_directory(f"demo-{options.port}")
    _refuse_running(folder, options.port)
    if options.fresh and folder.exists():
        shutil.rmtree(folder)
    catalogue = load_catalogue(Settings().products)
    state = _remembered(options, folder)
    with _servers(folder) as servers:
        migrate(servers.addresses.database_url, catalogue)
        _environment(servers.addresses, options.port)
        devices = folder / "devices.json"
        supervisor = Supervisor(_services(options, devices), folder / "log")
        try:
            # What the past has brought so far can be looked at while it is made.
            supervisor.start("api", "dashboard")
            with _invited(options.port, supervisor, state):
                _prepare(state, folder, servers.addresses, catalogue, stop)
            if stop.is_set():
                return
            supervisor.start()
            _wait_until_up(options.port, supervisor, stop)
            _announce(options, folder)
            heart = Heart(servers.addresses.database_url)
            dashboard = _dashboard(options.port, supervisor)
            while not stop.wait(1.0):
                if supervisor.pids().get("dashboard") != dashboard.pid:
                    dashboard = _dashboard(options.port, supervisor)
                if dashboard.pid:
                    # The dashboard talks HTTP only, so the demo speaks for it.
                    heart(dashboard, {})
                for name in [*servers.poll(), *supervisor.poll()]:
                    console.print(f"[yellow]{name} had died and runs again.[/]")
        finally:
            console.print("Ending ...")
            supervisor.stop()


@contextmanager
def _invited(port: int, supervisor: Supervisor, state: DemoState) -> Iterator[None]:
    """Say where to look as soon as there is something to be seen, while a past is being made."""
    over = threading.Event()

    def invite() -> None:
        # Whoever waits for the past to end hears it if they do not come up.
        with suppress(DemoError):
            _wait_until_up(port, supervisor, over)
            if not over.is_set():
                console.print(
                    f"[bold]Open http://127.0.0.1:{port}[/] (manager / {DEMO_PASSWORD}) and watch "
                    "the past arrive, product by product; machines report once it is complete."
                )

    thread = threading.Thread(target=invite, name="invitation", daemon=True)
    if not state.ready:
        thread.start()
    try:
        yield
    finally:
        over.set()
        if not state.ready:
            thread.join()


class _Foreign:
    """Servers that were named by URL: somebody else keeps them alive."""

    def __init__(self, addresses: StackAddresses) -> None:
        self.addresses = addresses

    def poll(self) -> list[str]:
        return []


@contextmanager
def _servers(folder: Path) -> Iterator[LocalStack | _Foreign]:
    settings = Settings()
    if settings.database_url or settings.mqtt_url:
        yield _Foreign(settings.foreign_addresses())
        return
    with LocalStack(folder, progress=lambda text: console.print(text, style="dim")) as stack:
        if not stack.owned:
            raise DemoError(f"Another process uses {folder}; choose another --port.")
        yield stack


def _prepare(
    state: DemoState,
    folder: Path,
    addresses: StackAddresses,
    catalogue: Catalogue,
    stop: threading.Event,
) -> None:
    """Bring registry, history and credentials to where a demo can run, and write the file that
    tells the simulators who they are."""
    fleet = registry.make_fleet(catalogue, state.machines, state.seed, folder)
    ids = registry.register(addresses.database_url, fleet)
    if not state.ready:
        console.print(
            f"Simulating the last {state.days} days of {state.machines} machines ...", style="dim"
        )
        history.write(
            addresses.database_url, catalogue, fleet, ids, state.days, state.seed, folder, stop,
            console,
        )  # fmt: skip
        if stop.is_set():
            return
        parts.stock_up(addresses.database_url, catalogue, state.seed)
        _remember(folder, DemoState(**{**asdict(state), "ready": True}))
    devices = registry.devices(fleet, state.secret)
    with Credentials(
        addresses.mqtt_url, addresses.mqtt_admin_user, addresses.mqtt_admin_password
    ) as credentials:
        credentials.add(devices.items())
    _private_file(folder / "devices.json", json.dumps(devices))


def _remembered(options: DemoOptions, folder: Path) -> DemoState:
    """The state of this folder, made new where there is none or where it was left half-made."""
    path = folder / "demo.json"
    if path.exists() and not DemoState(**json.loads(path.read_text())).ready:
        console.print("The last start was ended before its history was complete; beginning anew.")
        shutil.rmtree(folder)
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        state = DemoState(options.machines, options.seed, options.days, secrets.token_hex(16))
        _remember(folder, state)
        return state
    state = DemoState(**json.loads(path.read_text()))
    if (state.machines, state.seed, state.days) != (options.machines, options.seed, options.days):
        raise DemoError(
            f"The demo in {folder} has {state.machines} machines, seed {state.seed} and "
            f"{state.days} days of history. Say the same, take another --port, or begin anew with "
            "--fresh."
        )
    return state


def _remember(folder: Path, state: DemoState) -> None:
    _private_file(folder / "demo.json", json.dumps(asdict(state)))


def _private_file(path: Path, text: str) -> Path:
    draft = path.with_suffix(".draft")
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.replace(path)
    return path


def _refuse_running(folder: Path, port: int) -> None:
    if running_state(folder) is not None:
        raise DemoError(
            f"A demo runs already at port {port}. Open http://127.0.0.1:{port}, or start another "
            f"one with --port {port + 100}."
        )
    for number, what in ((port, "dashboard"), (port + 1, "API")):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", number))
            except OSError as error:
                raise DemoError(
                    f"Port {number}, meant for the {what}, is taken by another program. Choose "
                    f"others with --port, such as --port {port + 100}."
                ) from error


def _environment(addresses: StackAddresses, port: int) -> None:
    """Tell the processes started from here where everything is."""
    os.environ["IRONPULSE_DATABASE_URL"] = addresses.database_url
    os.environ["IRONPULSE_MQTT_URL"] = with_user(
        addresses.mqtt_url, addresses.mqtt_ingest_user, addresses.mqtt_ingest_password
    )
    os.environ["IRONPULSE_API_URL"] = f"http://127.0.0.1:{port + 1}"


def _services(options: DemoOptions, devices: Path) -> list[Service]:
    return [
        Service("api", ("api", "--port", str(options.port + 1))),
        Service("dashboard", ("dashboard", "--port", str(options.port))),
        Service("ingest", ("ingest",)),
        Service("rules", ("rules",)),
        Service("predict", ("predict",)),
        Service(
            "simulators",
            (
                "simulate",
                str(devices.parent),
                "--seed",
                str(options.seed),
                "--speed",
                str(options.speed),
            ),
        ),
    ]


def _dashboard(port: int, supervisor: Supervisor) -> Process:
    pid = supervisor.pids().get("dashboard", 0)
    return Process("dashboard", str(port), f"http://127.0.0.1:{port}", pid)


def _wait_until_up(port: int, supervisor: Supervisor, stop: threading.Event) -> None:
    """Return when dashboard and API answer. Raises DemoError with a log's last words."""
    wanted = {
        "api": f"http://127.0.0.1:{port + 1}/api/v1/health",
        "dashboard": f"http://127.0.0.1:{port}/_stcore/health",
    }
    deadline = clock.monotonic_s() + _PATIENCE_S
    with httpx.Client(timeout=2.0) as client:
        while wanted and not stop.wait(0.2):
            supervisor.poll()
            for name, url in list(wanted.items()):
                if _answers(client, url):
                    del wanted[name]
            if wanted and clock.monotonic_s() > deadline:
                words = "; ".join(f"{name}: {supervisor.last_words(name)}" for name in wanted)
                raise DemoError(f"Not up after {_PATIENCE_S:.0f} s. {words}")


def _answers(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(url).is_success
    except httpx.HTTPError:
        return False  # not yet listening; the caller's deadline bounds the wait


def _announce(options: DemoOptions, folder: Path) -> None:
    console.print()
    console.print(f"[bold]Ironpulse runs.[/]  Dashboard  http://127.0.0.1:{options.port}")
    console.print(f"                  API        http://127.0.0.1:{options.port + 1}/api/v1/docs")
    for account in DEMO_ACCOUNTS:
        what = f"{account.display.en} {account.display.zh}"
        console.print(f"  sign in as [bold]{account.name}[/] / {DEMO_PASSWORD}  ({what})")
    console.print(f"Logs in {folder / 'log'}. Ctrl-C ends everything.")
