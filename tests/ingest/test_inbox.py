"""Between network and writer: batches of a sensible size, and bounded memory."""

from __future__ import annotations

import threading

import pytest

from ingest import inbox
from ingest.inbox import Inbox
from ingest.message import Message


def message(size: int = 1) -> Message:
    return Message("t", bytes(size), None, 0)


def test_messages_come_out_in_order_and_once() -> None:
    box = Inbox(window=100)
    given = [message(size) for size in range(1, 30)]
    for each in given:
        box.put([each])
    taken: list[Message] = []
    while batch := box.take(0):
        taken += batch
    assert taken == given
    assert box.waiting == 0


def test_nothing_comes_out_of_an_empty_inbox() -> None:
    assert Inbox(window=10).take(0.01) == []


def test_a_batch_is_bounded_by_messages_and_by_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "MOST_MESSAGES", 4)
    monkeypatch.setattr(inbox, "MOST_BYTES", 100)
    box = Inbox(window=1000)
    for size in (1, 1, 1, 1, 1, 99, 1, 500, 1):
        box.put([message(size)])
    sizes = [[len(each.payload) for each in box.take(0)] for _ in range(3)]
    assert sizes == [[1, 1, 1, 1], [1, 99], [1, 500]]


def test_a_full_window_is_given_out_without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "MOST_LINGER_S", 60.0)
    monkeypatch.setattr(inbox, "_QUIET_SHARE", 1.0)
    box = Inbox(window=3)
    for _ in range(3):
        box.put([message()])
    assert len(box.take(0, commit_s=60.0)) == 3


def test_messages_gather_for_as_long_as_the_last_commit_took(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inbox, "MOST_LINGER_S", 60.0)
    monkeypatch.setattr(inbox, "_QUIET_SHARE", 1.0)
    box = Inbox(window=2)
    box.put([message()])
    network = threading.Thread(target=box.put, args=([message()],))
    network.start()
    assert len(box.take(0, commit_s=60.0)) == 2
    network.join(10)
    box.put([message()])
    assert len(box.take(0)) == 1, "a commit that took no time is not waited for"


def test_too_many_bytes_stop_the_network_until_they_are_settled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inbox, "MOST_WAITING_BYTES", 10)
    box = Inbox(window=100)
    box.put([message(11)])
    network = threading.Thread(target=box.put, args=([message(1)],))
    network.start()
    batch = box.take(0)
    assert [len(each.payload) for each in batch] == [11]
    assert box.take(0.05) == [], "taken is not settled"
    box.settle(batch)
    network.join(10)
    assert [len(each.payload) for each in box.take(0)] == [1]


def test_closing_lets_the_network_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "MOST_WAITING_BYTES", 0)
    box = Inbox(window=100)
    box.put([message()])
    network = threading.Thread(target=box.put, args=([message()],))
    network.start()
    box.close()
    network.join(10)
    assert not network.is_alive()


def test_live_messages_overtake_the_buffers_that_devices_hand_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inbox, "MOST_HEAVY_BYTES", 100_000)
    box = Inbox(window=1000)
    buffers = [message(60_000 + n) for n in range(5)]
    packed = Message("t", b"\x1f\x8b" + bytes(20_000), None, 0)
    box.put([*buffers, packed])
    first = box.take(0)
    assert first == buffers[:2], "a little of the buffers, and nobody lingers"
    live = [message(n) for n in range(1, 9)]
    for each in live:
        box.put([each])
    assert box.waiting == 12
    assert box.take(0) == [*live, *buffers[2:4]], "they advance beside live messages too"
    assert box.take(0) == [buffers[4], packed]
    assert box.take(0) == []


def test_of_a_mixture_everything_comes_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "MOST_MESSAGES", 7)
    box = Inbox(window=1000)
    given = [message(30_000 if n % 3 else 10) for n in range(100)]
    box.put(given)
    taken: list[Message] = []
    while batch := box.take(0):
        taken += batch
        box.settle(batch)
    assert sorted(map(id, taken)) == sorted(map(id, given))
    assert (box.waiting, box.held) == (0, 0)
