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

from ironpulse.stack.broker import MACHINE_ROLE
from ironpulse.stack.errors import StackError

_CONTROL = "$CONTROL/dynamic-security/v1"
_BATCH = 200  # commands in one message; the broker saves its file once per message
_PATIENCE_S = 30.0
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
        self._ready = threading.Event()
        self._refused = ""
        version = CallbackAPIVersion.VERSION2
        self._client = mqtt.Client(version, protocol=mqtt.MQTTv5)
        self._client.username_pw_set(user, password)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = lambda _c, _u, message: self._on_answer(message.payload)
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
        roles = [{"rolename": MACHINE_ROLE}]
        clients = ({"username": s, "password": p, "roles": roles} for s, p in wanted.items())
        for some in _batches({"command": "createClient", **client} for client in clients):
            failed = self._run(some)
            known = [some[at] for at, text in failed.items() if "already exists" in text]
            _raise({at: text for at, text in failed.items() if "already exists" not in text}, some)
            if known:
                again = [{**command, "command": "modifyClient"} for command in known]
                _raise(self._run(again), again)

    def revoke(self, serials: Iterable[str]) -> None:
        """Shut machines out and cut their connections; an unknown serial is no error."""
        for some in _batches({"command": "deleteClient", "username": s} for s in serials):
            failed = self._run(some)
            _raise({at: text for at, text in failed.items() if "not found" not in text}, some)

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
            client.subscribe(f"{_CONTROL}/response", qos=1)

    def _on_answer(self, payload: bytes | bytearray) -> None:
        self._answers.put(json.loads(payload).get("responses", []))

    def _run(self, commands: Sequence[Command]) -> dict[int, str]:
        """Send commands together; returns the refused ones: position -> the broker's words."""
        numbered = [{**c, "correlationData": str(at)} for at, c in enumerate(commands)]
        self._client.publish(_CONTROL, json.dumps({"commands": numbered}), qos=1)
        try:
            answers = self._answers.get(timeout=_PATIENCE_S)
        except queue.Empty:
            raise StackError(
                f"The broker at {self._where} did not answer {len(commands)} credential commands "
                f"within {_PATIENCE_S:.0f} s. Does it run the dynamic-security plugin?"
            ) from None
        return {int(a["correlationData"]): str(a["error"]) for a in answers if "error" in a}


def _batches(commands: Iterable[Command]) -> Iterable[list[Command]]:
    rest = iter(commands)
    while some := list(islice(rest, _BATCH)):
        yield some


def _raise(failed: dict[int, str], commands: Sequence[Command]) -> None:
    if failed:
        words = "; ".join(f"{commands[at]['username']}: {text}" for at, text in failed.items())
        raise StackError(f"The broker refused credentials: {words[:500]}")
