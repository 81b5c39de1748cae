"""Who may write to the broker: device credentials, added and revoked while it runs."""

from __future__ import annotations

import json
import queue
import re
import threading
from collections.abc import Iterable, Sequence
from itertools import islice
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from ironpulse.stack.errors import StackError
from ironpulse.stack.security import MACHINE_ROLE, acl, machine_rights

_CONTROL = "$CONTROL/dynamic-security/v1"
_BATCH = 200  # commands in one message; the broker saves its file once per message
_PATIENCE_S = 30.0
_SUBSTITUTION_SINCE = (2, 1)  # before it %u meant itself, so each machine needs its own role
# The serial is a level of the topic and the user name the ACL puts in its place.
_SERIAL = re.compile(r"[^\s/+#%$\x00]+")

Command = dict[str, Any]


class Credentials:
    """Device credentials in Mosquitto's dynamic-security plugin, by its administrator.

    Changes hold at once and are in the broker's file when a call returns. Raises StackError where
    the broker cannot be reached, refuses the administrator or a command.
    """

    def __init__(self, mqtt_url: str, user: str, password: str) -> None:
        address = urlsplit(mqtt_url)
        self._where = f"{address.hostname}:{address.port or 1883}"
        self._answers: queue.Queue[list[dict[str, Any]]] = queue.Queue()
        self._one_at_a_time = threading.Lock()  # an answer belongs to the question before it
        self._version = (2, 1)
        self._ready = threading.Event()
        self._refused = ""
        version = CallbackAPIVersion.VERSION2
        self._client = mqtt.Client(version, protocol=mqtt.MQTTv5)
        self._client.username_pw_set(user, password)
        self._client.on_connect = self._on_connect
        self._client.on_message = self._on_message
        self._connect(address.hostname or "127.0.0.1", address.port or 1883)

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

    def add(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Let each (serial, password) in as a machine; a known serial gets the new password.

        Raises ValueError, before anything is sent, where a serial could not be a topic level.
        """
        wanted = dict(pairs)
        wrong = [serial for serial in wanted if not _SERIAL.fullmatch(serial)]
        if wrong:
            raise ValueError(
                f"These serials cannot be part of a topic (no spaces, / + # % or $): {wrong[:10]}"
            )
        own_roles = self._version < _SUBSTITUTION_SINCE
        if own_roles:
            self._run_all((_own_role(serial) for serial in wanted), "already exists")
        create = (_create(serial, word, own_roles) for serial, word in wanted.items())
        known = self._run_all(create, "already exists")
        self._run_all({**command, "command": "modifyClient"} for command in known)

    def revoke(self, serials: Iterable[str]) -> None:
        """Shut machines out and cut their connections; an unknown serial is no error."""
        self._run_all(
            ({"command": "deleteClient", "username": serial} for serial in serials), "not found"
        )

    def _connect(self, host: str, port: int) -> None:
        try:
            self._client.connect(host, port)
        except OSError as error:
            raise StackError(
                f"The broker at {self._where} cannot be reached ({error}). Is it running?"
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
        numbered = [{**c, "correlationData": str(at)} for at, c in enumerate(commands)]
        with self._one_at_a_time:
            self._client.publish(_CONTROL, json.dumps({"commands": numbered}), qos=1)
            try:
                answers = self._answers.get(timeout=_PATIENCE_S)
            except queue.Empty:
                raise StackError(
                    f"The broker at {self._where} did not answer {len(commands)} credential "
                    f"commands within {_PATIENCE_S:.0f} s. Does it run the dynamic-security plugin?"
                ) from None
        return {int(a["correlationData"]): str(a["error"]) for a in answers if "error" in a}


def _batches(commands: Iterable[Command]) -> Iterable[list[Command]]:
    rest = iter(commands)
    while some := list(islice(rest, _BATCH)):
        yield some


def _create(serial: str, password: str, own_role: bool) -> Command:
    role = f"{MACHINE_ROLE}-{serial}" if own_role else MACHINE_ROLE
    return {
        "command": "createClient",
        "username": serial,
        "password": password,
        "roles": [{"rolename": role}],
    }


def _own_role(serial: str) -> Command:
    acls = [acl(kind, topic) for kind, topic in machine_rights(serial)]
    return {"command": "createRole", "rolename": f"{MACHINE_ROLE}-{serial}", "acls": acls}
