"""A stranger's edge node on the real broker: pysparkplug in a process of its own."""

from __future__ import annotations

import hashlib
import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Self

from ironpulse.stack.packages import cache_root

HERE = Path(__file__).parent / "strangers"
PATIENCE_S = 30.0


def libraries() -> Path:
    """The folder of the stranger's libraries, made on first use."""
    wanted = HERE / "sparkplug.txt"
    name = hashlib.sha256(wanted.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = cache_root() / f"sparkplug-{name}"
    if not (folder / ".ready").exists():
        command = [sys.executable, "-m", "pip", "install", "-q", "--target", str(folder)]
        command += ["--upgrade", "-r", str(wanted)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
        assert done.returncode == 0, done.stderr
        (folder / ".ready").touch()
    return folder


class EdgeNode:
    """The process; every method of the stranger is one here."""

    def __init__(self) -> None:
        self.commands: queue.Queue[list[Any]] = queue.Queue()
        self._answers: queue.Queue[str] = queue.Queue()
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "edge_node.py")],
            env={**os.environ, "PYTHONPATH": str(libraries())},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def do(self, word: str, *arguments: Any) -> None:
        """Have it do something, and wait until it is done."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([word, *arguments]) + "\n")
        self._process.stdin.flush()
        assert self._answers.get(timeout=PATIENCE_S) == word

    def kill(self) -> None:
        """End it without a word: only its will is left."""
        self._process.kill()
        self._process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            word, *rest = json.loads(line)
            if word == "done":
                self._answers.put(rest[0])
            else:
                self.commands.put(rest)
