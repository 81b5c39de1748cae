"""Where passwords and certificates of machines stay.

They are kept before the broker hears of them: a run that is killed in between loses none, and the
next one goes on with what is kept.
"""

from __future__ import annotations

import csv
import os
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from fleet.errors import IronpulseError
from ironpulse.stack.certificates import Authority

_COLUMNS = ("serial", "password")


class Keeper(Protocol):
    """Gives machines what they sign in with, and keeps it."""

    def give(self, serials: Iterable[str]) -> Mapping[str, str | None]:
        """The password of each; None where it signs in by certificate only."""


class Shown:
    """Passwords that are shown once and kept nowhere: serial -> password."""

    def __init__(self) -> None:
        self.passwords: dict[str, str] = {}

    def give(self, serials: Iterable[str]) -> Mapping[str, str | None]:
        """A new password for each."""
        new = {serial: new_password() for serial in serials}
        self.passwords |= new
        return new


class PasswordFile:
    """A CSV of serial and password that only its owner can read.

    Raises IronpulseError where there is a file that is none.
    """

    def __init__(self, path: Path, *, anew: bool = False) -> None:
        """`anew`: those that stand in the file already get new ones too."""
        self.path = path
        self._anew = anew
        self._kept = self._read()

    def give(self, serials: Iterable[str]) -> Mapping[str, str | None]:
        """The passwords in the file; new ones are in it before this returns."""
        wanted = list(serials)
        new = {s: new_password() for s in wanted if self._anew or s not in self._kept}
        if new:
            self._kept |= new
            self._write()
        return {serial: self._kept[serial] for serial in wanted}

    def _read(self) -> dict[str, str]:
        try:
            with self.path.open(encoding="utf-8", newline="") as file:
                rows = list(csv.reader(file))
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError) as error:
            raise IronpulseError(f"{self.path} cannot be read: {error}.") from error
        if not rows or tuple(rows[0]) != _COLUMNS or any(len(row) != 2 for row in rows):
            raise IronpulseError(f"{self.path} is no file of passwords: name another one.")
        return dict(rows[1:])

    def _write(self) -> None:
        draft = self.path.with_name(f"{self.path.name}.draft")
        try:
            draft.unlink(missing_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            with os.fdopen(os.open(draft, flags, 0o600), "w", encoding="utf-8", newline="") as file:
                csv.writer(file, lineterminator="\n").writerows([_COLUMNS, *self._kept.items()])
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self.path)
        except OSError as error:
            raise IronpulseError(
                f"{self.path} cannot be written: {error.strerror}. Name another file with "
                "--passwords."
            ) from error


class CertificateFolder:
    """Client certificates and their keys, `SERIAL.crt` and `SERIAL.key`, in a folder."""

    def __init__(self, authority: Authority, folder: Path) -> None:
        self.path = folder
        self._authority = authority

    def give(self, serials: Iterable[str]) -> Mapping[str, str | None]:
        """A certificate for each that has none in the folder, and no passwords."""
        wanted = list(serials)
        try:
            for serial in wanted:
                if not (self.path / f"{serial}.crt").exists():
                    self._authority.machine(serial, self.path)
        except OSError as error:
            raise IronpulseError(f"{self.path} cannot be written: {error.strerror}.") from error
        return dict.fromkeys(wanted)


def new_password() -> str:
    """144 random bits as a word."""
    return secrets.token_urlsafe(18)
