"""What the store has, held against what was sent."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from ingest.topics import telemetry_topic
from store.connection import Connection
from tests.chaos.publishers import Truth

Row = dict[str, Any]


@dataclass
class Findings:
    """What is wrong, which is to be nothing, and what was counted."""

    lost: int = 0
    double: int = 0
    wrong: int = 0
    stored: int = 0
    merged: int = 0
    repeated: int = 0
    rejected: int = 0
    lost_messages: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


def missing(connection: Connection, truth: Truth) -> int:
    """How much of what was sent is in no table yet."""
    return _check(connection, truth).lost


def check(connection: Connection, truth: Truth) -> Findings:
    """Every moment stored once with its values, every unusable message rejected once, pairs for
    one moment merged, and every ledger in balance."""
    return _check(connection, truth)


def _check(connection: Connection, truth: Truth) -> Findings:
    found = Findings()
    with connection.transaction():
        _moments(connection, truth, found)
        _rejections(connection, truth, found)
        _ledgers(connection, truth, found)
        _log(connection, truth, found)
    return found


def _moments(connection: Connection, truth: Truth, found: Findings) -> None:
    rows = connection.execute(
        "select serial, (extract(epoch from measured_at) * 1000)::bigint as ts, fuel_pct,"
        " oil_temp_c from telemetry_pump join machine on machine.id = machine_id"
    ).fetchall()
    stored: dict[str, dict[int, dict[str, float]]] = {}
    for row in rows:
        values = {
            key: round(row[key], 1) for key in ("fuel_pct", "oil_temp_c") if row[key] is not None
        }
        stored.setdefault(row["serial"], {})[row["ts"]] = values
    for serial, sent in truth.moments.items():
        has = stored.get(serial, {})
        for ts, values in sent.items():
            for key, value in values.items():
                if has.get(ts, {}).get(key) is None:
                    found.lost += 1
                    found.lost_messages.append(f"{telemetry_topic(serial)} {ts} {key}")
                elif has[ts][key] != value:
                    found.wrong += 1
        strange = len(has.keys() - sent.keys())
        if strange:
            found.complaints.append(f"{serial} has {strange} moments that nobody sent")


def _rejections(connection: Connection, truth: Truth, found: Findings) -> None:
    rows = connection.execute("select topic, payload from rejected_message").fetchall()
    kept = Counter((row["topic"], bytes(row["payload"])) for row in rows)
    for sent in truth.unusable:
        if kept[sent] == 0:
            found.lost += 1
            found.lost_messages.append(f"{sent[0]} {sent[1][:40]!r}")
        found.double += max(0, kept[sent] - 1)
    strange = kept.keys() - truth.unusable
    found.complaints += [f"{sent[0]} was rejected and nobody sent it" for sent in strange]
    found.rejected = sum(kept.values())


def _ledgers(connection: Connection, truth: Truth, found: Findings) -> None:
    rows = connection.execute(
        "select serial, received, stored, merged, repeated, rejected from machine_ledger"
        " join machine on machine.id = machine_id where product = 'pump'"
    ).fetchall()
    for row in rows:
        serial = row["serial"]
        ends = row["stored"] + row["merged"] + row["repeated"] + row["rejected"]
        own = sum(1 for topic, _ in truth.unusable if topic.split("/")[2] == serial)
        wanted = {
            "received": (row["received"], ends),
            "stored": (row["stored"], len(truth.moments[serial])),
            "merged": (row["merged"], truth.merges[serial]),
            "rejected": (row["rejected"], own),
        }
        for name, (has, want) in wanted.items():
            if has != want:
                found.complaints.append(f"{serial}: {name} {has}, not {want}")
        found.double += max(0, row["stored"] - len(truth.moments[serial]))
        for name in ("stored", "merged", "repeated"):
            setattr(found, name, getattr(found, name) + row[name])


def _log(connection: Connection, truth: Truth, found: Findings) -> None:
    (row,) = connection.execute(
        "select coalesce(sum(samples), 0)::bigint as n from ingest_batch where product = 'pump'"
    ).fetchall()
    if row["n"] != found.stored + found.merged:
        found.complaints.append(
            f"consumers were told of {row['n']} samples, not {found.stored + found.merged}"
        )


def conclusions(connection: Connection, serial: str) -> Row:
    """All alarms and tickets of a machine, for comparing it with another."""
    alarms = connection.execute(
        "select rule, component, severity, raised_at, returned_at, state, occurrences, late"
        " from alarm join machine on machine.id = machine_id where serial = %s"
        " order by raised_at, rule, component",
        (serial,),
    ).fetchall()
    tickets = connection.execute(
        "select kind, source, component, count(*) as n, count(distinct ticket.id) as tickets"
        " from ticket join ticket_item on ticket_item.ticket_id = ticket.id"
        " join machine on machine.id = ticket.machine_id where serial = %s"
        " and kind = 'alarm' group by kind, source, component order by 1, 2, 3",
        (serial,),
    ).fetchall()
    return {"alarms": alarms, "tickets": tickets}
