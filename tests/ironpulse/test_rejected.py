"""Rejected messages on the command line: what was wrong, and putting them back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fleet.clock import now_ms
from ingest.payload import CBOR, encode_sample
from ingest.topics import telemetry_topic
from store import rejected
from store.connection import connect
from store.machines import register
from tests import small
from tests.ingest.running import ledger
from tests.ironpulse.commands import ironpulse


@pytest.fixture
def kept(small_store: str) -> str:
    """A database with two messages of a machine nobody registered, and one that is no JSON."""
    now = now_ms()
    with connect(small_store) as connection:
        for topic, payload, reason in (
            (telemetry_topic("P-9"), encode_sample(now, {"fuel_pct": 1}), "unknown_machine"),
            (
                telemetry_topic("P-9"),
                encode_sample(now - 1, {"fuel_pct": 2}, CBOR),
                "unknown_machine",
            ),
            (telemetry_topic("P-1"), b"{" + b" " * 70_000, "not_json"),
        ):
            rejection = rejected.Rejection(now, None, topic, None, payload, 1, reason, small.TEXT)
            rejected.add(connection, [rejection])
    return small_store


def run(folder: Path, database: str, *arguments: str) -> tuple[int, str]:
    done = ironpulse("rejected", *arguments, folder=folder, database_url=database)
    return done.returncode, done.stdout + done.stderr


def as_json(folder: Path, database: str, *arguments: str) -> Any:
    done = ironpulse("rejected", *arguments, "--json", folder=folder, database_url=database)
    return json.loads(done.stdout)


def test_they_are_listed_and_shown(kept: str, tmp_path: Path) -> None:
    code, text = run(tmp_path, kept, "list")
    assert code == 0 and "unknown_machine" in text and telemetry_topic("P-9") in text
    found = as_json(tmp_path, kept, "list", "--reason", "unknown_machine")
    assert [each["id"] for each in found] == [2, 1]
    code, text = run(tmp_path, kept, "show", "1")
    assert code == 0 and '"fuel_pct":1' in text and "machine is not registered" in text
    code, text = run(tmp_path, kept, "show", "2")
    assert code == 0 and "000000  a2 62 74 73" in text
    assert as_json(tmp_path, kept, "show", "2")["payload_hex"].startswith("a2627473")
    code, text = run(tmp_path, kept, "show", "3")
    assert code == 0 and "the first 65536 of 70001 bytes were kept" in text


def test_they_are_put_back_once_the_machine_is_registered(kept: str, tmp_path: Path) -> None:
    code, text = run(tmp_path, kept, "replay", "--machine", "P-9")
    assert code == 1 and "2 x still unknown_machine: machine is not registered" in text
    with connect(kept) as connection:
        register(connection, small.registration(small.new_machine("P-9")))
    code, text = run(tmp_path, kept, "replay", "--machine", "P-9")
    assert code == 0 and "2 of 2 messages were put back: 2 samples stored" in text
    counts = {"messages": 2, "received": 2, "stored": 2}
    assert ledger(kept) == {"P-9": counts}
    code, text = run(tmp_path, kept, "replay", "1", "2")
    assert code == 0 and "2 x put back before" in text
    assert ledger(kept) == {"P-9": counts}
    (left,) = as_json(tmp_path, kept, "replay", "--all")
    assert (left["id"], left["outcome"]) == (3, "incomplete")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "99"], "There is no rejected message 99."),
        (["replay", "99"], "there is no rejected message 99"),
        (["replay"], "Say which"),
        (["replay", "1", "--all"], "Say which"),
        (["list", "--reason", "nonsense"], "There is no reason nonsense; there are wrong_topic"),
        (["replay", "--reason", "nonsense"], "There is no reason nonsense"),
    ],
)
def test_what_fails_says_so(
    small_store: str, tmp_path: Path, arguments: list[str], said: str
) -> None:
    code, text = run(tmp_path, small_store, *arguments)
    assert code == 1 and said in text and "Traceback" not in text
