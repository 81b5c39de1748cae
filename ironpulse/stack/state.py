"""What a stack remembers between runs: ports, passwords, and where it can be reached."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from ironpulse.stack.errors import StackError


@dataclass(frozen=True)
class StackAddresses:
    """Where the servers are and how to sign in; holds passwords in plain text."""

    database_url: str
    mqtt_url: str  # mqtt://host:port or mqtts://host:port?ca=FILE, no user
    mqtt_admin_user: str
    mqtt_admin_password: str
    mqtt_ingest_user: str
    mqtt_ingest_password: str
    mqtt_certificate_url: str | None = None  # where machines sign in by certificate
    authority: str | None = None  # folder of the authority that signs for them

    @property
    def mqtt_port(self) -> int:
        """The broker's TCP port."""
        return urlsplit(self.mqtt_url).port or 1883


@dataclass
class State:
    """The content of stack.json; `addresses` only while the servers run."""

    database_port: int | None = None
    mqtt_port: int | None = None
    certificate_port: int | None = None
    database_password: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    admin_password: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    ingest_password: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    owner_pid: int | None = None
    pids: dict[str, int] = field(default_factory=dict)
    addresses: dict[str, str] | None = None


class StateFile:
    """stack.json of one directory, mode 600, and the lock its owner holds while it lives."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "stack.json"
        self._lock_path = directory / "stack.lock"
        self._lock: IO[str] | None = None

    def lock(self) -> bool:
        """Become the owner; False where another live process is. The kernel frees it on death."""
        handle = self._lock_path.open("a")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            handle.close()
            return False
        self._lock = handle
        return True

    def unlock(self) -> None:
        """Stop being the owner."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def read(self) -> State:
        """The remembered state, a new one with fresh passwords where there is none."""
        try:
            return State(**json.loads(self.path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return State()
        except PermissionError as error:
            raise StackError(
                f"{self.path} belongs to another user. Run as that user or choose another folder."
            ) from error
        except (ValueError, TypeError) as error:
            raise StackError(
                f"{self.path} is damaged ({error}). It holds the passwords of the data beside it: "
                "mend it, or remove the whole folder to begin anew."
            ) from error

    def change(self, edit: Callable[[State], None]) -> State:
        """Edit and replace the file in one step; a kill leaves the old or the new one."""
        state = self.read()
        edit(state)
        draft = self.path.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(asdict(state), file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(self.path)
        return state
