"""A private Mosquitto that keeps what it acknowledged and lets a machine write its own topics only.

Measured with Mosquitto 2.1.2: its SQLite plugin collects changes for 5 s by default, and kill -9
then loses every message (and session) of those seconds although they were acknowledged. With
`flush_period 0` each change is in the file by the end of the broker's turn, just after the
acknowledgement leaves, for 13 microseconds of its time per message. That moment remains: on two
busy cores kill -9 right after an acknowledgement lost that one message in about a quarter of the
trials, and never a second one. `sync normal` is safe against the death of any process otherwise;
against a power cut `full` would be, at one fsync per message.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from fleet import clock
from ironpulse.stack.certificates import Authority
from ironpulse.stack.errors import StackError
from ironpulse.stack.processes import (
    Account,
    Server,
    end_leftovers,
    own_folder,
    require_reachable,
    servers_account,
)
from ironpulse.stack.programs import Programs
from ironpulse.stack.security import ADMIN, INGEST, first_security

_READY_S = 30.0
# What an outage of ingest may pile up: 2,000 machines with a message every 10 s for 7 hours.
# Beyond it the broker drops and counts in $SYS/broker/publish/messages/dropped.
MAX_QUEUED_MESSAGES = 5_000_000
# Sent and not yet acknowledged, per client; a client's MQTT 5 Receive Maximum lowers it.
MAX_INFLIGHT_MESSAGES = 20_000
# Larger than any sensible payload: a message too big is ingest's to reject with a reason, while
# the broker could only cut the machine off. Bytes.
MAX_PACKET_SIZE = 16 * 2**20

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Tls:
    """The broker speaks TLS only: with passwords at its port, and at `certificate_port` with
    machines that show a certificate of `authority`, whose common name is their user name."""

    authority: Authority
    certificate_port: int


class Broker:
    """One Mosquitto below `folder`, listening on 127.0.0.1, anonymous clients refused."""

    def __init__(
        self,
        programs: Programs,
        folder: Path,
        port: int,
        admin_password: str,
        ingest_password: str,
        tls: Tls | None = None,
    ) -> None:
        self.port = port
        self._tls = tls
        self._programs = programs
        self._folder = folder.absolute()
        self._passwords = {ADMIN: admin_password, INGEST: ingest_password}
        self._account: Account | None = servers_account(self._folder)
        log_file = self._folder.parent / "log" / "mosquitto.log"
        self._server = Server("mosquitto", self._folder, log_file, signal.SIGTERM)

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._server.pid

    @property
    def url(self) -> str:
        """Address without user and password."""
        if self._tls is None:
            return f"mqtt://127.0.0.1:{self.port}"
        return f"mqtts://127.0.0.1:{self.port}?ca={self._tls.authority.certificate}"

    @property
    def certificate_url(self) -> str | None:
        """Address where machines sign in by certificate; None without TLS."""
        if self._tls is None:
            return None
        ca = self._tls.authority.certificate
        return f"mqtts://127.0.0.1:{self._tls.certificate_port}?ca={ca}"

    def start(self) -> None:
        """Start it and return when it accepts connections; StackError with its last words."""
        require_reachable(self._folder.parent, self._account)
        own_folder(self._folder, self._account)
        self._write("mosquitto.conf", self._configuration())
        if not (self._folder / "dynamic-security.json").exists():
            self._write("dynamic-security.json", json.dumps(first_security(self._passwords)))
        end_leftovers(self._folder, "mosquitto")
        self._server.log.parent.mkdir(exist_ok=True)
        configuration = str(self._folder / "mosquitto.conf")
        self._server.start([str(self._programs.mosquitto), "-c", configuration], self._account)
        self._wait_until_ready()

    def stop(self) -> None:
        """End it; sessions and queued messages stay in its folder."""
        self._server.stop()

    def _configuration(self) -> str:
        sqlite = self._programs.plugin("persist_sqlite")
        if sqlite is None:
            log.warning(
                "This Mosquitto is older than 2.1 and has no SQLite persistence: it saves all "
                "messages after each change instead, which is slow and may lose the last second "
                "on kill -9.",
                version=self._programs.versions.get("mosquitto"),
            )
        security = self._programs.mosquitto_plugins / "mosquitto_dynamic_security.so"
        listener = [f"listener {self.port} 127.0.0.1"]
        if self._tls is not None:
            self._write_certificates(self._tls.authority)
            by_certificate = f"{self._tls.certificate_port} 127.0.0.1"
            listener = tls_listeners(f"{self.port} 127.0.0.1", by_certificate, self._folder)
        return configuration(listener, self._folder, security, sqlite)

    def _write_certificates(self, authority: Authority) -> None:
        """Copies that the broker's account can read."""
        files = (authority.certificate, *authority.server(["localhost", "127.0.0.1", "::1"]))
        for file in files:
            self._write(file.name, file.read_text(encoding="ascii"))

    def _write(self, name: str, text: str) -> None:
        path = self._folder / name
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        if self._account is not None:
            os.chown(path, self._account.uid, self._account.gid)

    def _wait_until_ready(self) -> None:
        deadline = clock.monotonic_s() + _READY_S
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), timeout=2).close()
                return
            if self._server.pid is None or clock.monotonic_s() > deadline:
                words = self._server.last_words()
                self._server.stop()
                raise StackError(
                    f"Mosquitto in {self._folder} does not answer at port {self.port}. Its log "
                    f"{self._server.log} ends with: {words}"
                )
            time.sleep(0.02)  # between two real attempts to connect


def tls_listeners(by_password: str, by_certificate: str, folder: Path) -> list[str]:
    """The lines of two listeners with TLS whose certificates lie in `folder`. At the second a
    client shows a certificate of ca.crt, and its common name is the user name."""
    own = [f"certfile {folder / 'server.crt'}", f"keyfile {folder / 'server.key'}"]
    demand = ["require_certificate true", "use_identity_as_username true"]
    demand.append("use_username_as_clientid true")  # so that none takes over another's session
    ca = f"cafile {folder / 'ca.crt'}"
    return [f"listener {by_password}", *own, f"listener {by_certificate}", *own, ca, *demand]


def configuration(
    listeners: Sequence[str], folder: Path, security: Path, sqlite: Path | None
) -> str:
    """The text of mosquitto.conf; `sqlite` is None where the version lacks that plugin."""
    if sqlite is None:
        persistence = ["persistence true", "autosave_on_changes true", "autosave_interval 1"]
    else:
        persistence = [f"plugin {sqlite}", "plugin_opt_sync normal", "plugin_opt_flush_period 0"]
    lines = [
        *listeners,
        "allow_anonymous false",
        f"plugin {security}",
        f"plugin_opt_config_file {folder / 'dynamic-security.json'}",
        f"persistence_location {folder}/",
        *persistence,
        f"max_queued_messages {MAX_QUEUED_MESSAGES}",
        f"max_inflight_messages {MAX_INFLIGHT_MESSAGES}",
        f"max_packet_size {MAX_PACKET_SIZE}",
        "set_tcp_nodelay true",
        "sys_interval 5",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
        "log_type notice",
        "log_timestamp_format %Y-%m-%dT%H:%M:%S",
    ]
    # persistent_client_expiration stays unset: a session waits for its client for ever.
    return "\n".join(lines) + "\n"
