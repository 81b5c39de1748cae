"""Server processes: under which account they run, how they start, end and never outlive us."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fleet import clock
from ironpulse.stack.errors import StackError

_PR_SET_PDEATHSIG = 1  # from linux/prctl.h
# The kernel's "signal me when my parent dies" looks at the parent *thread*. All servers are
# therefore started by one thread that lives as long as this process.
_SPAWNER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="stack-spawner")


@dataclass(frozen=True)
class Account:
    """The unprivileged user that servers run as when we are root."""

    uid: int
    gid: int
    name: str


def servers_account(folder: Path) -> Account | None:
    """None for an ordinary user (servers run as that user); for root the owner of `folder` if it
    has one already, else `postgres` or `nobody`: PostgreSQL refuses to run as root.
    """
    if os.geteuid() != 0:
        return None
    candidates: list[str | int] = ["postgres", "nobody"]
    if folder.exists() and folder.stat().st_uid != 0:
        candidates.insert(0, folder.stat().st_uid)
    for who in candidates:
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(who) if isinstance(who, str) else pwd.getpwuid(who)
            return Account(entry.pw_uid, entry.pw_gid, entry.pw_name)
    raise StackError("Neither `postgres` nor `nobody` is a user here: run it as an ordinary user.")


def require_reachable(folder: Path, account: Account | None) -> None:
    """Raise StackError where the servers' account may not enter a parent of `folder`."""
    if account is None:
        return
    for parent in [folder, *folder.parents]:
        if parent.exists() and not parent.stat().st_mode & 0o001:
            raise StackError(
                f"The servers run as `{account.name}`, which may not enter {parent} on the way to "
                f"{folder}. Choose another folder, or `chmod o+x {parent}`."
            )


def own_folder(folder: Path, account: Account | None) -> Path:
    """Make a folder that only the servers' account can read."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    if account is not None:
        os.chown(folder, account.uid, account.gid)
    return folder


def free_port(remembered: int | None = None, *besides: int | None) -> int:
    """A TCP port nobody listens on at 127.0.0.1, the remembered one if it is free."""
    for port in (remembered or 0, 0, 0, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                found = int(probe.getsockname()[1])
                if found not in besides:
                    return found
    raise StackError("No TCP port is free at 127.0.0.1.")


class Server:
    """One child process that ends when we end, however we end.

    `stop_signal` asks it to finish cleanly; the kernel sends the same when this process dies.
    """

    def __init__(self, name: str, folder: Path, log: Path, stop_signal: signal.Signals) -> None:
        self.name = name
        self.log = log
        self._folder = folder
        self._signal = stop_signal
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self, command: Sequence[str], account: Account | None) -> None:
        """Start it in its folder; output goes to the end of its log."""
        with self.log.open("ab") as log:
            self._run(
                command,
                cwd=self._folder,
                stdout=log,
                stderr=log,
                env=os.environ | {"LC_ALL": "C.UTF-8", "HOME": str(self._folder)},
                **_as(account),
            )

    def _run(self, command: Sequence[str], **how: Any) -> None:
        bound = [*bound_to(os.getpid(), self._signal), *command]
        self._process = _SPAWNER.submit(_spawn, bound, how).result()

    def ask_to_stop(self) -> None:
        """Ask it to finish, without waiting for that."""
        if self._process is not None:
            self._process.send_signal(self._signal)

    def stop(self, timeout_s: float = 30.0) -> None:
        """Ask it to finish, and end it hard if it has not after `timeout_s` seconds."""
        process, self._process = self._process, None
        if process is None:
            return
        for how in (self._signal, signal.SIGQUIT, signal.SIGKILL):
            process.send_signal(how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout_s)
                return

    def last_words(self, lines: int = 5) -> str:
        """The end of its log, on one line."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return " / ".join(text.splitlines()[-lines:]) or "nothing in its log"


def bound_to(parent: int, death: signal.Signals) -> list[str]:
    """What stands before a command so that it gets the signal `death` when `parent` dies, and does
    not run where that died before the kernel was told."""
    # setpriv and not a preexec function: that is unsafe beside the threads a caller has.
    told = ["setpriv", "--pdeathsig", death.name.removeprefix("SIG"), "--"]
    return [*told, "sh", "-c", 'test "$PPID" = "$0" && exec "$@"', str(parent)]


class Helper(Server):
    """A child process that works where we do and writes where we do."""

    def __init__(self, name: str) -> None:
        super().__init__(name, Path.cwd(), Path(os.devnull), signal.SIGTERM)

    def start(self, command: Sequence[str], account: Account | None = None) -> None:
        """Start it."""
        self._run(command, **_as(account))

    def last_words(self, lines: int = 5) -> str:
        """What it wrote went where our own words go."""
        return "written above"


def _spawn(command: Sequence[str], how: dict[str, Any]) -> subprocess.Popen[bytes]:
    # In a session of its own: a Ctrl-C in the terminal is for us to act on.
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, **how)


def run_as(command: Sequence[str], account: Account | None, folder: Path) -> None:
    """Run a program to its end; StackError with its words where it fails."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
        **_as(account),
    )
    if done.returncode != 0:
        words = " ".join((done.stderr or done.stdout).split())
        raise StackError(f"`{Path(command[0]).name}` failed: {words}")


def end_leftovers(folder: Path, program: str) -> int:
    """End what a crashed run left in `folder`; returns how many processes there were.

    They are known by program name and working folder, which no reused process id can imitate.
    SIGQUIT is what both servers survive without loss: they recover at their next start.
    """
    found = _running_in(folder, program)
    for how, patience_s in ((signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
        for pid in _running_in(folder, program):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, how)
        deadline = clock.monotonic_s() + patience_s
        while _running_in(folder, program) and clock.monotonic_s() < deadline:
            time.sleep(0.02)
    return len(found)


def _running_in(folder: Path, program: str) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # ended meanwhile, or not ours to look at
            inside = (entry / "cwd").readlink() == folder
            if inside and (entry / "exe").readlink().name == program:
                found.append(int(entry.name))
    return found


def end_with(parent: int) -> None:
    """Let the kernel end this process when `parent`, whose fork it is, dies: a pool's worker
    would wait for work for ever.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)  # it died before the kernel was told


def _as(account: Account | None) -> dict[str, Any]:
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}
