"""Aliases, order, gaps and rebirths: what is known of edge nodes."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ingest.message import Message
from ingest.sparkplug import schema, topics
from ingest.sparkplug.nodes import (
    ASK_AGAIN_MS,
    BIRTH_MS,
    MOST_WAITING,
    MOST_WAITING_BYTES,
    REORDER_MS,
    Heard,
    Nodes,
)
from tests.ingest.sparkplugs import message, metric, payload

T = 1_790_000_000_000
BD = metric("bdSeq", 3)


def nbirth(seq: int = 0, *metrics: dict[str, Any], bd: int = 3) -> Message:
    data = payload(metric("bdSeq", bd), *metrics, ts=T, seq=seq)
    return message("NBIRTH", "N", data, T)


def dbirth(seq: int, device: str = "D", alias: int = 1) -> Message:
    data = payload(metric("oil_temp_c", 1.0, alias=alias, kind=10), ts=T, seq=seq)
    return message("DBIRTH", f"N/{device}", data, T)


def ddata(seq: int, value: float = 2.0, device: str = "D", alias: int = 1, at: int = T) -> Message:
    return message("DDATA", f"N/{device}", payload(metric(alias=alias, value=value), seq=seq), at)


def born() -> Nodes:
    nodes = Nodes()
    for each in (nbirth(), dbirth(1)):
        assert not nodes.take(each, T).rebirths
    return nodes


def said(heard: Heard) -> list[tuple[str, list[tuple[str, Any]]]]:
    """Type of message, and name and value of each metric but the session's number."""
    found = []
    for each in heard.messages:
        place = topics.parse(each.topic)
        assert place is not None
        metrics = schema.parse(each.payload).metrics
        known = [(m.name, schema.metric_value(m)) for m in metrics if m.name != "bdSeq"]
        found.append((place.type, known))
    return found


def values(heard: Heard) -> list[float]:
    return [value for kind, known in said(heard) if kind == "DDATA" for _, value in known]


def test_an_alias_gets_the_name_and_kind_of_the_birth() -> None:
    heard = born().take(ddata(2), T)
    assert said(heard) == [("DDATA", [("oil_temp_c", 2.0)])]
    assert schema.parse(heard.messages[0].payload).metrics[0].datatype == 10
    assert heard.rebirths == []


def test_a_signed_number_without_data_type_is_read_as_the_birth_said() -> None:
    nodes = Nodes()
    kind = metric("oil_temp_c", 0, int_value=5, long_value=None, kind=1)
    nodes.take(message("NBIRTH", "N", payload(BD, kind, ts=T, seq=0), T), T)
    data = payload({"name": "oil_temp_c", "int_value": 2**8 - 40}, ts=T, seq=1)
    assert said(nodes.take(message("NDATA", "N", data, T), T)) == [("NDATA", [("oil_temp_c", -40)])]


def test_what_names_itself_passes_unchanged() -> None:
    data = payload(metric("oil_temp_c", 5.0), ts=T, seq=2)
    sent = message("DDATA", "N/D", data, T)
    assert born().take(sent, T).messages == [sent]


def test_an_overtaken_message_is_waited_for() -> None:
    nodes = born()
    assert values(nodes.take(ddata(4, 4.0), T)) == []
    assert values(nodes.take(ddata(3, 3.0), T)) == []
    assert values(nodes.take(ddata(2, 2.0), T)) == [2.0, 3.0, 4.0]
    assert nodes.tick(T + BIRTH_MS) == Heard()


def test_the_same_number_twice_loses_neither() -> None:
    nodes = born()
    found = [nodes.take(each, T) for each in (ddata(3, 3.0), ddata(3, 3.5), ddata(2, 2.0))]
    assert sorted(value for each in found for value in values(each)) == [2.0, 3.0, 3.5]


def test_a_gap_that_stays_is_answered_by_asking_for_the_birth() -> None:
    nodes = born()
    nodes.take(ddata(4, 4.0), T)
    nodes.take(ddata(3, 3.0), T)
    assert nodes.tick(T + REORDER_MS - 1) == Heard()
    heard = nodes.tick(T + REORDER_MS)
    assert (values(heard), heard.rebirths) == ([3.0, 4.0], [("G", "N")])
    heard = nodes.take(ddata(5, 5.0), T + REORDER_MS)
    assert (values(heard), heard.rebirths) == ([5.0], [])


def test_one_that_comes_after_all_is_still_stored() -> None:
    nodes = born()
    nodes.take(ddata(3, 3.0), T)
    nodes.tick(T + REORDER_MS)
    assert values(nodes.take(ddata(2, 2.0), T + REORDER_MS)) == [2.0]
    assert values(nodes.take(ddata(4, 4.0), T + REORDER_MS)) == [4.0]


def test_numbers_go_round() -> None:
    nodes = born()
    for number in range(2, 600):
        heard = nodes.take(ddata(number % 256, float(number)), T)
        assert (values(heard), heard.rebirths) == ([float(number)], [])


@pytest.mark.parametrize("seed", range(5))
def test_any_disorder_within_the_window_is_put_right(seed: int) -> None:
    nodes = born()
    sent = [ddata(number % 256, float(number)) for number in range(2, 300)]
    keys = [place + random.Random(seed + place).random() * 20 for place in range(len(sent))]
    mixed = [each for _, each in sorted(zip(keys, sent, strict=True), key=lambda pair: pair[0])]
    found = [value for each in mixed for value in values(nodes.take(each, T))]
    assert found == [float(number) for number in range(2, 300)]


def test_after_a_restart_data_wait_for_the_birth_that_was_asked_for() -> None:
    nodes = Nodes()
    heard = nodes.take(ddata(7, 7.0), T)
    assert (heard.messages, heard.rebirths) == ([], [("G", "N")])
    heard = nodes.take(ddata(8, 8.0), T + 1)
    assert (heard.messages, heard.rebirths) == ([], [])
    assert said(nodes.take(nbirth(), T + 2)) == [("NBIRTH", [])]
    assert values(nodes.take(dbirth(1), T + 3)) == [7.0, 8.0]


def test_a_birth_that_does_not_come_is_asked_for_again_and_its_data_given_up() -> None:
    nodes = Nodes()
    first = ddata(7)
    nodes.take(first, T)
    assert nodes.take(ddata(8, at=T + ASK_AGAIN_MS), T + ASK_AGAIN_MS).rebirths == [("G", "N")]
    assert nodes.tick(T + BIRTH_MS - 1).messages == []
    assert nodes.tick(T + BIRTH_MS).messages == [first]


def test_no_more_than_so_many_wait() -> None:
    nodes = Nodes()
    found = [nodes.take(ddata(n % 256), T) for n in range(MOST_WAITING + 1)]
    assert [len(each.messages) for each in found] == [0] * MOST_WAITING + [MOST_WAITING + 1]
    assert sum(len(each.rebirths) for each in found) == 1


def test_no_more_than_so_many_bytes_wait() -> None:
    nodes = Nodes()
    words = payload(metric(alias=1, value="x" * (MOST_WAITING_BYTES // 2)), seq=7)
    found = [nodes.take(message("DDATA", "N/D", words, T), T) for _ in range(2)]
    assert [len(each.messages) for each in found] == [0, 2]


def test_no_more_than_so_many_nodes_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.sparkplug.nodes.MOST_NODES", 1)
    nodes = born()
    other = message("NDATA", "other", payload(metric(alias=1, value=1.0), seq=0), T)
    assert nodes.take(other, T) == Heard([other])
    assert values(nodes.take(ddata(2), T)) == [2.0]


def test_a_device_without_birth_has_its_node_asked() -> None:
    nodes = born()
    heard = nodes.take(ddata(2, device="E"), T)
    assert heard.rebirths == [("G", "N")]


def test_a_new_session_at_the_broker_asks_every_node() -> None:
    nodes = born()
    nodes.take(ddata(3, 3.0), T)
    heard = nodes.forget(T)
    assert (values(heard), heard.rebirths) == ([3.0], [("G", "N")])
    assert values(nodes.take(ddata(90, 9.0), T)) == [9.0]
    assert nodes.take(nbirth(), T).rebirths == []


def test_devices_die_with_their_node_and_aliases_too() -> None:
    nodes = born()
    nodes.take(dbirth(2, "E", alias=2), T)
    will = message("NDEATH", "N", payload(metric("bdSeq", 3)), T + 5)
    heard = nodes.take(will, T + 5)
    assert [each.topic for each in heard.messages] == [
        "spBv1.0/G/NDEATH/N",
        "spBv1.0/G/DDEATH/N/D",
        "spBv1.0/G/DDEATH/N/E",
    ]
    assert schema.parse(heard.messages[1].payload).timestamp == T + 5
    heard = nodes.take(ddata(3, at=T + 6), T + 6)
    assert (heard.messages, heard.rebirths) == ([], [("G", "N")])


def test_a_device_that_died_dies_once() -> None:
    nodes = born()
    end = message("DDEATH", "N/D", payload(ts=T, seq=2), T)
    assert said(nodes.take(end, T)) == [("DDEATH", [])]
    will = message("NDEATH", "N", payload(metric("bdSeq", 3)), T)
    assert said(nodes.take(will, T)) == [("NDEATH", [])]


@pytest.mark.parametrize(("told", "dies"), [(2, False), (3, True), (4, True), (131, True)])
def test_the_will_of_an_earlier_session_says_nothing_of_this_one(told: int, dies: bool) -> None:
    nodes = born()
    will = message("NDEATH", "N", payload(metric("bdSeq", told)), T)
    heard = nodes.take(will, T)
    assert bool(heard.messages) is dies
    assert heard.ignored == ([] if dies else [will])


def test_commands_of_other_hosts_are_for_nobody_here() -> None:
    command = message("NCMD", "N", payload(metric("Node Control/Rebirth", True)), T)
    assert Nodes().take(command, T) == Heard(ignored=[command])


def test_what_is_no_certificate_passes_to_its_rejection() -> None:
    for topic, data in (("spBv1.0/G/NDATA/N", b"\xff\xff"), ("spBv1.0/nonsense", b"")):
        sent = Message(topic, data, None, T)
        assert Nodes().take(sent, T).messages == [sent]


def some_message(number: int, kind: str, seq: int | None, alias: int, at: int) -> Message:
    """A message of one of two nodes; its number tells it from all others."""
    where = f"N{alias % 2}"
    if kind == "NBIRTH":
        data = payload(BD, metric("a", 1.0, alias=1), ts=T, seq=seq)
    elif kind == "NDEATH":
        data = payload(metric("bdSeq", 2 + alias % 2))
    else:
        name = "b" if kind == "DBIRTH" else None
        data = payload(metric(name, 1.0, alias=alias, kind=10 if name else None), ts=T, seq=seq)
    place = f"{where}/D{alias % 3}" if kind.startswith("D") else where
    return replace(message(kind, place, data, at), id=number)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["NBIRTH", "DBIRTH", "NDATA", "DDATA", "DDEATH", "NDEATH", "NCMD"]),
            st.sampled_from([None, 0, 1, 2, 3, 4, 5, 200, 255]),
            st.integers(1, 6),
            st.sampled_from([0, 0, 0, REORDER_MS, BIRTH_MS]),
            st.sampled_from(["take", "take", "take", "tick", "forget"]),
        ),
        max_size=40,
    )
)
def test_every_message_comes_out_once(steps: list[tuple[str, int | None, int, int, str]]) -> None:
    nodes, now = Nodes(), T
    found: list[Heard] = []
    taken = 0
    for kind, seq, alias, passed, what in steps:
        now += passed
        if what == "take":
            taken += 1
            found.append(nodes.take(some_message(taken, kind, seq, alias, now), now))
        else:
            found.append(nodes.tick(now) if what == "tick" else nodes.forget(now))
    found += [nodes.tick(now + BIRTH_MS), nodes.tick(now + 2 * BIRTH_MS)]
    out = [each.id for heard in found for each in (*heard.messages, *heard.ignored) if each.id]
    assert sorted(out) == list(range(1, taken + 1))
