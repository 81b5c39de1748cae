"""Silence: never seen, online, late, offline, parked."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.contact.connection import Connection, Contact, connection_of, silence_since
from rules.contact.contacts import Silences, to_look_at
from store.rule_state import NO_TIME, Contacts
from tests.rules.plans import plan

REPORT = plan().report  # working 10 s, idle 60 s, offline 900 s, parked 9,000 s
RULE = plan().rule["silent"]


def heard(running: bool | None, status: str | None = None, status_at: int = 0) -> Contact:
    return Contact(0, status, status_at, running, -5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("contact", "age_s", "state", "since_s"),
    [
        (heard(True), 30, "online", 0),
        (heard(True), 31, "late", 30),
        (heard(True), 900, "late", 30),
        (heard(True), 901, "offline", 900),
        (heard(True, "offline"), 100, "late", 30),
        (heard(None), 31, "late", 30),
        (heard(None, "offline"), 31, "parked", 0),
        (heard(False), 180, "online", 0),
        (heard(False), 181, "parked", 180),
        (heard(False, "offline"), 1, "parked", 0),
        (heard(False), 9001, "offline", 9000),
        (heard(True, "online", 600_000), 601, "online", 600),
    ],
)
def test_connection(contact: Contact, age_s: int, state: str, since_s: int) -> None:
    found = connection_of(contact, REPORT, age_s * 1000)
    assert (found.state, found.since) == (state, since_s * 1000)


def test_never_seen_since_it_was_registered() -> None:
    contact = Contact(None, None, None, None, 7000)
    assert connection_of(contact, REPORT, 9_999_000) == Connection("never_seen", 7000)


def test_a_silence_rule_waits_for_its_hold() -> None:
    contact = heard(True)
    assert silence_since(RULE, contact, REPORT, 900_000) is None
    assert silence_since(RULE, contact, REPORT, 900_001) == 900_000
    patient = RULE.model_copy(update={"hold_s": 60.0})
    assert silence_since(patient, contact, REPORT, 959_999) is None
    assert silence_since(patient, contact, REPORT, 960_000) == 960_000


def test_a_late_machine_is_late_from_its_first_missed_report_on() -> None:
    late = RULE.model_copy(update={"silence": "late"})
    for now in (30_001, 900_001):
        assert silence_since(late, heard(True), REPORT, now) == 30_000
    patient = late.model_copy(update={"hold_s": 1000.0})
    assert silence_since(patient, heard(True), REPORT, 1_029_999) is None
    assert silence_since(patient, heard(True), REPORT, 1_030_000) == 1_030_000
    assert silence_since(late, heard(False), REPORT, 8_999_000) is None


moments = st.none() | st.sampled_from([0, 30, 31, 180, 900, 5000]).map(lambda at: at * 1000)
machines = st.builds(
    Contact,
    moments,
    st.sampled_from(["online", "offline", None]),
    moments,
    st.sampled_from([True, False, None]),
    st.integers(0, 3000),
)
REGIME_OF = {True: "working", False: "off", None: ""}
FLEET = plan(
    rules=[
        {**RULE.model_dump(), "id": f"{silence}_{hold_s}", "silence": silence, "hold_s": hold_s}
        for silence in ("late", "offline", "never_seen")
        for hold_s in (0, 60)
    ]
)


def as_columns(found: list[Contact], known: list[str]) -> Contacts:
    def times(values: list[int | None]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.array([NO_TIME if one is None else one for one in values], np.int64)

    return Contacts(
        np.arange(len(found)), np.array(["pump"] * len(found), np.str_),
        times([one.known_since for one in found]), times([one.heard_at for one in found]),
        np.array([one.status or "" for one in found], np.str_),
        times([one.status_at for one in found]),
        np.array([REGIME_OF[one.running] for one in found], np.str_), np.array(known, np.str_),
    )  # fmt: skip


@given(st.lists(machines, min_size=1, max_size=8), st.integers(5000, 14_500), st.data())
def test_a_fleet_as_columns_is_looked_at_as_one_by_one(
    found: list[Contact], now_s: int, data: st.DataObject
) -> None:
    now, places = now_s * 1000, range(len(found))
    states = [connection_of(one, REPORT, now).state for one in found]
    known = [data.draw(st.sampled_from(["", state])) for state in states]
    silences = Silences(as_columns(found, known), FLEET, now)
    assert silences.states().tolist() == states
    due = {
        rule.id: [silence_since(rule, one, REPORT, now) is not None for one in found]
        for rule in FLEET.rules
    }
    for rule in FLEET.rules:
        assert silences.stands(rule).tolist() == due[rule.id]
    standing = {(at, rule) for rule, stands in due.items() for at in places if stands[at]}
    missed = data.draw(st.sets(st.sampled_from(sorted(standing)))) if standing else set()
    for listening in (True, False):
        expected = [
            at for at in places
            if (known[at] != states[at] or at in {one for one, _ in missed})
            and (listening or states[at] == "online")
        ]  # fmt: skip
        chosen = to_look_at(
            as_columns(found, known), {"pump": FLEET}, standing - missed, now, listening=listening
        )
        assert chosen.tolist() == expected
