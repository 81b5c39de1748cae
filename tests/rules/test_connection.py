"""Silence: never seen, online, late, offline, parked."""

from __future__ import annotations

import pytest

from rules.connection import Connection, Contact, connection_of, silence_since
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
