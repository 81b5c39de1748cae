"""Who may write to the broker: device credentials, added and revoked while it runs."""

from __future__ import annotations

import json
import queue
import re
import secrets
import threading
from collections.abc import Iterable, Sequence
from itertools import islice
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from fleet import clock
from fleet.broker import BrokerAddress
from ironpulse.stack.errors import StackError
from ironpulse.stack.security import ADMIN, INGEST, MACHINE_ROLE, acl, machine_rights

_CONTROL = "$CONTROL/dynamic-security/v1"
_BATCH = 200  # commands in one message; the broker saves its file once per message
_PATIENCE_S = 30.0
_SUBSTITUTION_SINCE = (2, 1)  # before it %u meant itself, so each machine needs its own role
#: Where a machine signs in by certificate its serial becomes its client id, which must not be one
#: of our own sessions (ingest/sessions.py).
OUR_CLIENT_IDS = "ironpulse"
# The serial is a level of the topic and the user name the ACL puts in its place.
_SERIAL = re.compile(r"[^\s/+#%$\x00]+")

Command = dict[str, Any]


class Credentials:
    """Device credentials in Mosquitto's dynamic-security plugin, by its administrator.

    Changes hold at once and are in the broker's file when a call returns. Raises StackError where
    the broker cannot be reached, refuses the administrator or a command.
    """

    def __init__(self, mqtt_url: str, user: str, password: str) -> None:
        self._address = BrokerAddress.of(mqtt_url)
        self._where = self._address.where
        self._answers: queue.Queue[list[dict[str, Any]]] = queue.Queue()
        self._one_at_a_time = threading.Lock()
        self._version = (2, 1)
        self._ready = threading.Event()
        self._refused = ""
        version = CallbackAPIVersion.VERSION2
        self._client = mqtt.Client(version, protocol=mqtt.MQTTv5)
        self._client.username_pw_set(user, password)
        self._client.on_connect = self._on_connect
        self._client.on_message = self._on_message
        self._client.on_disconnect = self._on_disconnect
        if (context := self._address.tls()) is not None:
            self._client.tls_set_context(context)
        self._connect()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Disconnect from the broker."""
        self._client.disconnect()
        self._client.loop_stop()

    def add(self, pairs: Iterable[tuple[str, str | None]]) -> None:
        """Let each (serial, password) in as a machine; without a password by certificate only.

        A known serial, a revoked one too, gets the new password and all rights of a machine; who
        is connected with the old one is cut off. Raises ValueError, before anything is sent, where
        a serial cannot be a user name of a machine.
        """
        wanted = dict(pairs)
        wrong = [serial for serial in wanted if not may_be_serial(serial)]
        if wrong:
            raise ValueError(
                "These serials cannot be part of a topic (no spaces, / + # % or $), or are names "
                f"of the broker's own accounts: {wrong[:10]}"
            )
        own_roles = self._version < _SUBSTITUTION_SINCE
        if own_roles:
            self._run_all((_own_role(serial) for serial in wanted), "already exists")
        create = (_create(serial, word, own_roles) for serial, word in wanted.items())
        known = self._run_all(create, "already exists")
        self._run_all(
            command
            for each in known
            for command in (
                {**each, "command": "modifyClient"},
                {"command": "enableClient", "username": each["username"]},
            )
        )

    def revoke(self, serials: Iterable[str]) -> None:
        """Shut machines out and cut their connections; an unknown serial is no error.

        They lose their rights too: a certificate is let in without being asked whether its
        account is disabled (Mosquitto 2.1).
        """
        self._run_all(
            (
                command
                for serial in serials
                for command in (
                    {"command": "modifyClient", "username": serial, "roles": []},
                    {"command": "disableClient", "username": serial},
                )
            ),
            "not found",
        )

    def known(self) -> dict[str, bool]:
        """Every user name -> whether it is let in."""
        (answer,) = self._ask([{"command": "listClients", "verbose": True}])
        clients = answer["data"]["clients"]
        return {client["username"]: not client.get("disabled", False) for client in clients}

    def _connect(self) -> None:
        try:
            self._client.connect(self._address.host, self._address.port)
        except OSError as error:
            raise StackError(
                f"The broker at {self._where} cannot be reached: "
                f"{self._address.trouble() or error}."
            ) from error
        self._client.loop_start()
        if not self._ready.wait(_PATIENCE_S) or self._refused:
            self.close()
            raise StackError(
                f"The broker at {self._where} did not let the administrator in: "
                f"{self._refused or 'no answer'}. Check the administrator's user and password."
            )

    def _on_connect(
        self, client: mqtt.Client, _user: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        if reason.is_failure:
            self._refused = str(reason)
            self._ready.set()
        else:
            client.subscribe([("$SYS/broker/version", 0), (f"{_CONTROL}/response", 1)])

    def _on_disconnect(self, *_: Any) -> None:
        if not self._ready.is_set():
            why = self._address.trouble() or "it closed the connection without a word"
            self._refused = self._refused or why
            self._ready.set()

    def _on_message(self, _client: mqtt.Client, _user: Any, message: mqtt.MQTTMessage) -> None:
        if message.topic.startswith("$SYS"):
            if match := re.search(rb"(\d+)\.(\d+)", message.payload):
                self._version = (int(match[1]), int(match[2]))
            self._ready.set()
        else:
            self._answers.put(json.loads(message.payload).get("responses", []))

    def _run_all(self, commands: Iterable[Command], harmless: str | None = None) -> list[Command]:
        """Run commands in batches; returns those refused with the harmless words."""
        passed_over = []
        for some in _batches(commands):
            refused = self._run(some)
            bad = {at: t for at, t in refused.items() if harmless is None or harmless not in t}
            if bad:
                words = "; ".join(f"{some[at].get('username')}: {text}" for at, text in bad.items())
                raise StackError(f"The broker at {self._where} refused credentials: {words[:500]}")
            passed_over += [some[at] for at in refused]
        return passed_over

    def _run(self, commands: Sequence[Command]) -> dict[int, str]:
        """Send commands together; returns the refused ones: position -> the broker's words."""
        answers = self._ask(commands)
        return {at: str(answer["error"]) for at, answer in enumerate(answers) if "error" in answer}

    def _ask(self, commands: Sequence[Command]) -> list[dict[str, Any]]:
        """The broker's answers to commands that are sent together, in their order."""
        question = secrets.token_hex(8)
        named = [{**command, "correlationData": question} for command in commands]
        with self._one_at_a_time:
            self._client.publish(_CONTROL, json.dumps({"commands": named}), qos=1)
            deadline = clock.monotonic_s() + _PATIENCE_S
            try:
                while True:  # every administrator hears the answers to all of them
                    answers = self._answers.get(timeout=max(0.0, deadline - clock.monotonic_s()))
                    if [each.get("correlationData") for each in answers] == [question] * len(named):
                        return answers
            except queue.Empty:
                raise StackError(
                    f"The broker at {self._where} did not answer {len(commands)} credential "
                    f"commands within {_PATIENCE_S:.0f} s. Does it run the dynamic-security plugin?"
                ) from None


def _batches(commands: Iterable[Command]) -> Iterable[list[Command]]:
    rest = iter(commands)
    while some := list(islice(rest, _BATCH)):
        yield some


def may_be_serial(serial: str) -> bool:
    """Whether a machine may have this serial at the broker: as a level of its topics, as its user
    name, and with a certificate as its client id."""
    ours = serial in (ADMIN, INGEST) or serial.startswith(OUR_CLIENT_IDS)
    return not ours and _SERIAL.fullmatch(serial) is not None


def _create(serial: str, password: str | None, own_role: bool) -> Command:
    role = f"{MACHINE_ROLE}-{serial}" if own_role else MACHINE_ROLE
    command = {"command": "createClient", "username": serial, "roles": [{"rolename": role}]}
    return command if password is None else {**command, "password": password}


def _own_role(serial: str) -> Command:
    acls = [acl(kind, topic) for kind, topic in machine_rights(serial)]
    return {"command": "createRole", "rolename": f"{MACHINE_ROLE}-{serial}", "acls": acls}
