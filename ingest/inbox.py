"""Messages between the network and the writer."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence

from fleet import clock
from ingest.message import Message

MOST_MESSAGES = 5_000
MOST_BYTES = 8 * 2**20
#: So many bytes may wait in memory; then the network is no longer read and the broker holds.
MOST_WAITING_BYTES = 96 * 2**20
#: A longer message is a device's buffer: its samples are late already, and it may wait a little
#: longer for those that are live. Bytes; a packed message counts as what it may unpack to.
HEAVY_BYTES = 16 * 2**10
#: So much of buffers goes into one batch: live samples wait for the batch before theirs.
MOST_HEAVY_BYTES = 2**20
_UNPACKS_TO = 8
_SURELY_LIGHT = HEAVY_BYTES // _UNPACKS_TO
_PACKED = (b"\x1f\x8b", b"\x28\xb5")
#: Messages gather for as long as the last commit took, within these limits: a commit of a few costs
#: nearly as much as one of many, and where commits are slow everybody waits for them.
LINGER_S = 0.005
MOST_LINGER_S = 0.03
#: When nothing more arrives for this share of that time, no more is waited for.
_QUIET_SHARE = 0.2


class Inbox:
    """Takes messages from the network's thread and gives them out in batches.

    A batch is given out when it is large enough, when the window of unacknowledged messages is
    full (then the broker sends nothing more), when nothing more arrives, or after about the time
    of the last commit. Of the buffers that devices hand in each batch takes a little, so that they
    drain and hold nobody up.
    """

    def __init__(self, window: int) -> None:
        self._window = window
        self._changed = threading.Condition()
        self._messages: list[Message] = []
        self._heavy: deque[Message] = deque()
        self._bytes = 0  # of the light ones that wait
        self._held = 0  # given out and not yet settled, with those waiting
        self._held_bytes = 0
        self._closed = False

    @property
    def waiting(self) -> int:
        """Messages that nobody has taken yet."""
        return len(self._messages) + len(self._heavy)

    @property
    def held(self) -> int:
        """Messages that came and are not committed yet, those waiting among them."""
        return self._held

    def put(self, messages: Sequence[Message]) -> None:
        """Add messages; waits while too many bytes are held."""
        size = sum(len(message.payload) for message in messages)
        with self._changed:
            if self._held_bytes > MOST_WAITING_BYTES:
                self._changed.wait_for(
                    lambda: self._closed or self._held_bytes <= MOST_WAITING_BYTES
                )
            was_empty = not (self._messages or self._heavy)
            light, heavy = _apart(messages)
            self._heavy += heavy
            self._messages += light
            self._bytes += size - sum(len(message.payload) for message in heavy)
            self._held += len(messages)
            self._held_bytes += size
            if was_empty or self._is_full():
                self._changed.notify_all()

    def take(self, timeout_s: float, commit_s: float = 0.0) -> list[Message]:
        """The next batch; empty when nothing came for `timeout_s` seconds. The last commit took
        `commit_s` seconds."""
        linger_s = min(max(commit_s, LINGER_S), MOST_LINGER_S)
        with self._changed:
            if not self._changed.wait_for(lambda: self._messages or self._heavy, timeout_s):
                return []
            deadline = clock.monotonic_s() + linger_s
            seen = 0
            while (
                not (self._is_full() or self._heavy)
                and len(self._messages) > seen
                and clock.monotonic_s() < deadline
            ):
                seen = len(self._messages)
                self._changed.wait(linger_s * _QUIET_SHARE)
            return self._give_out()

    def settle(self, messages: list[Message]) -> None:
        """Say that a batch was committed, or given up: its room is free."""
        with self._changed:
            self._held -= len(messages)
            self._held_bytes -= sum(len(message.payload) for message in messages)
            self._changed.notify_all()

    def close(self) -> None:
        """Let nobody wait in `put` any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _is_full(self) -> bool:
        return (
            len(self._messages) >= MOST_MESSAGES
            or self._bytes >= MOST_BYTES
            or self._held >= self._window
        )

    def _give_out(self) -> list[Message]:
        """The oldest messages up to the limits of a batch, and a little of the buffers."""
        count = size = 0
        for message in self._messages[:MOST_MESSAGES]:
            if count and size >= MOST_BYTES:
                break
            count += 1
            size += len(message.payload)
        batch, self._messages = self._messages[:count], self._messages[count:]
        self._bytes -= size
        taken = 0
        while self._heavy and taken < MOST_HEAVY_BYTES:
            batch.append(self._heavy.popleft())
            taken += _weight(batch[-1])
        return batch


def _apart(messages: Sequence[Message]) -> tuple[Sequence[Message], list[Message]]:
    """The messages of usual size, and the buffers among them."""
    if all(len(message.payload) <= _SURELY_LIGHT for message in messages):
        return messages, []  # nearly always
    heavy = [message for message in messages if _weight(message) > HEAVY_BYTES]
    return [message for message in messages if _weight(message) <= HEAVY_BYTES], heavy


def _weight(message: Message) -> int:
    """About how many bytes a message has unpacked."""
    size = len(message.payload)
    return size * _UNPACKS_TO if message.payload[:2] in _PACKED else size
