"""What people see of data coming in."""

from __future__ import annotations

import base64

import httpx

from fleet.clock import now_ms, to_datetime
from fleet.text import Text
from ingest.payload import encode_sample
from ingest.topics import telemetry_topic
from store import ingest_log, ledger, processes, rejected
from store.connection import Connection
from store.ingest_log import NewEntry
from store.ledger import BadValue, Tally
from store.processes import Process
from store.rejected import Rejection
from tests import small
from tests.api.conftest import sign_in
from tests.api.test_lists import pages
from tests.api.world import machine_id


def reject(store: Connection, machine: int | None, reason: str) -> None:
    payload = reason.encode() + b"\x00\xff{" * 1000
    detail = Text(en="line 1: no JSON", zh="第1行：不是JSON")
    rejection = Rejection(now_ms(), machine, "t", None, payload, 1, reason, detail)
    rejected.add(store, [rejection])


def test_a_ledger_balances_and_lists_what_was_bad(manager: httpx.Client, store: Connection) -> None:
    machine = machine_id(store, "P-1")
    now = now_ms()
    tally = Tally(now, messages=4, stored=5, merged=1, repeated=2, rejected=3, late=1)
    tally.saw(now - 5000, now - 2000)
    ledger.add(store, {machine: tally})
    ledger.add_bad_values(store, {BadValue(machine, 20_000, "fuel_pct", "not_available"): 7})
    reject(store, machine, "no_json")
    body = manager.get("/machines/P-1/ledger").json()
    assert (
        body["received"]
        == 11
        == sum(body[end] for end in ("stored", "merged", "repeated", "rejected"))
    )
    assert body["bad_values"] == [
        {"signal": "fuel_pct", "reason": "not_available", "count": 7, "last_day": "2024-10-04"}
    ]
    assert body["rejected_by_reason"] == [{"reason": "no_json", "count": 1, "waiting": 1}]
    silent = manager.get("/machines/P-2/ledger").json()
    assert silent["received"] == 0 and silent["first_measured_at"] is None
    fleet = manager.get("/ingest").json()
    assert (fleet["received"], fleet["late"], fleet["unknown_machine"]) == (11, 1, 0)
    reporters = pages(manager, "/ingest/machines", 1)
    assert [r["serial"] for r in reporters] == ["C-1", "P-2", "P-3", "P-1"]
    assert reporters[0]["age_s"] is None and reporters[3]["delay_s"] == 2


def test_rejected_messages_are_shown_with_their_first_bytes(
    manager: httpx.Client, store: Connection
) -> None:
    machine = machine_id(store, "P-1")
    for sender, reason in ((machine, "no_json"), (None, "unknown_machine"), (machine, "too_big")):
        reject(store, sender, reason)
    items = pages(manager, "/rejected", 1)
    assert [item["reason"] for item in items] == ["too_big", "unknown_machine", "no_json"]
    assert items[1]["serial"] is None and items[0]["payload_size"] == 3007
    shown = base64.b64decode(items[0]["payload_base64"])
    assert shown.startswith(b"too_big\x00\xff{") and len(shown) == 1024
    own = manager.get("/rejected", params={"machine": "P-1", "reason": "no_json"}).json()["items"]
    assert [item["detail"]["zh"] for item in own] == ["第1行：不是JSON"]


def test_a_manager_puts_a_rejected_message_back(api: httpx.Client, store: Connection) -> None:
    now = now_ms()
    good, bad = encode_sample(now, {"hyd_temp_c": 60.0}), b"{"
    for payload in (good, bad, b"[" * 70_000):
        reason = "unknown_machine"
        kept = Rejection(now, None, telemetry_topic("P-1"), None, payload, 1, reason, small.TEXT)
        rejected.add(store, [kept])
    first, second, long = rejected.waiting(store)
    sign_in(api, "tom")
    assert api.post(f"/rejected/{first}/replay").status_code == 403
    sign_in(api, "mia")
    done = api.post(f"/rejected/{first}/replay").json()
    assert (done["outcome"], done["stored"]) == ("replayed", 1)
    again = api.post(f"/rejected/{first}/replay")
    assert again.status_code == 409 and "it was put back at" in again.json()["detail"]
    still = api.post(f"/rejected/{second}/replay").json()
    assert (still["outcome"], still["reason"]) == ("rejected", "not_json")
    cut = api.post(f"/rejected/{long}/replay")
    assert cut.status_code == 409 and "无法重放" in cut.json()["detail_zh"]
    assert api.post("/rejected/999/replay").status_code == 404
    shown = {item["id"]: item for item in api.get("/rejected").json()["items"]}
    assert shown[first]["replayed_at"] and not shown[second]["replayed_at"]
    assert (shown[second]["serial"], shown[second]["reason"]) == ("P-1", "not_json")
    waiting = api.get("/rejected", params={"waiting": True}).json()["items"]
    assert [item["id"] for item in waiting] == [long, second]
    fleet = api.get("/ingest").json()
    assert fleet["unknown_machine"] == 1, "the long one"
    assert fleet["rejected_by_reason"] == [
        {"reason": "unknown_machine", "count": 2, "waiting": 1},
        {"reason": "not_json", "count": 1, "waiting": 1},
    ]
    ends = api.get("/machines/P-1/ledger").json()
    assert (ends["received"], ends["stored"], ends["rejected"]) == (2, 1, 1)


def test_consumers_and_processes_are_listed(manager: httpx.Client, store: Connection) -> None:
    with store.transaction():
        ingest_log.advance(store, "predict", 0)
        number = ingest_log.next_id(store)
        now = now_ms()
        ingest_log.append(store, [NewEntry(number, "telemetry", "pump", 8, now, now, now)])
    processes.beat(store, Process("rules"), {"batches": 3})
    store.execute("update ingest_batch set committed_at = now() - interval '2 minutes'")
    store.execute(
        "update process_beat set beat_at = now() - interval '1 hour' where process = 'rules'"
    )
    body = manager.get("/ingest").json()
    assert [consumer["consumer"] for consumer in body["consumers"]] == ["predict", "rules"]
    for consumer in body["consumers"]:
        assert (consumer["behind"], consumer["samples"]) == (1, 8) and consumer["lag_s"] > 100
    beats = {beat["process"]: beat for beat in body["beats"]}
    assert not beats["rules"]["alive"] and beats["rules"]["detail"] == {"batches": 3}
    assert beats["api"]["alive"] and beats["api"]["address"].startswith("http://127.0.0.1:")
    health = manager.get("/health").json()
    assert health["status"] == "degraded"
    store.execute("update ingest_batch set committed_at = %s", (to_datetime(now),))
    assert manager.get("/health").json()["status"] == "ok"
