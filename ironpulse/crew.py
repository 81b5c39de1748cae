"""Several processes of one command: started together, started anew when they die, ended with us."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Sequence

import structlog

from fleet.clock import monotonic_s

_LOOK_S = 0.2
#: One that dies again and again is started anew this often at most.
_PAUSE_S = 2.0
_PATIENCE_S = 30.0

log = structlog.get_logger(__name__)


def keep_running(crew: Sequence[Sequence[str]], stop: threading.Event) -> None:
    """Keep processes of `ironpulse` running until `stop` is set, each with arguments of its own.

    They write where this process writes, and the kernel ends them with it however it ends.
    """
    members = [_Member(arguments) for arguments in crew]
    try:
        while not stop.is_set():
            for member in members:
                member.keep()
            stop.wait(_LOOK_S)
    finally:
        for member in members:
            member.ask_to_end()
        for member in members:
            member.end()


class _Member:
    def __init__(self, arguments: Sequence[str]) -> None:
        # The kernel looks at the thread that started a child: this is the main thread.
        death = ["setpriv", "--pdeathsig", signal.SIGTERM.name.removeprefix("SIG"), "--"]
        self._command = [*death, sys.executable, "-m", "ironpulse", *arguments]
        self._process: subprocess.Popen[bytes] | None = None
        self._due = 0.0

    def keep(self) -> None:
        if self._process is not None and self._process.poll() is not None:
            log.warning("A process has died.", pid=self._process.pid, code=self._process.returncode)
            self._process = None
        if self._process is None and monotonic_s() >= self._due:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL)
            self._due = monotonic_s() + _PAUSE_S

    def ask_to_end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def end(self) -> None:
        if self._process is None:
            return
        try:
            self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
