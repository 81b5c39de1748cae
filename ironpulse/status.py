"""What runs, at which addresses, and how far behind each consumer is."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from fleet import clock
from ironpulse.settings import Settings
from store import broker_loss, fleet_view, ingest_log, ingest_view, partitions, retention
from store.connection import connect, our_errors
from store.processes import SILENT_AFTER_S


def read_status(settings: Settings) -> dict[str, list[dict[str, Any]]]:
    """`servers` with addresses; `processes` with name, pid, address, state and age of the last
    word in seconds; `consumers` with batches, samples and seconds behind; `rule_workers` with the
    partitions and machines that each worker of the rules has; `losses` with what the broker
    dropped, empty where it never did; `samples` with what became of all that came; `rejected` with
    messages by reason and how many of them were not put back; `connections` with machines;
    `forgotten` with the rows of each table that were kept long enough.

    Raises SettingsError and StoreUnavailable.
    """
    now_ms = clock.now_ms()
    database_url = settings.database()
    with connect(database_url) as connection, our_errors():
        beats = ingest_view.beats(connection)
        lags = ingest_log.lags(connection)
        holders = partitions.holders(connection)
        lost = broker_loss.total(connection)
        totals = ingest_view.totals(connection)
        rejected = ingest_view.rejected_by_reason(connection, None)
        connections = fleet_view.connections(connection)
        gone = retention.forgotten(connection)
    return {
        "servers": [
            {"server": "database", "address": _address(database_url)},
            {"server": "broker", "address": settings.mqtt_address()},
        ],
        "processes": [_process(row, now_ms) for row in beats],
        "consumers": [
            {
                "consumer": lag.consumer,
                "batches_behind": lag.batches,
                "samples_behind": lag.samples,
                "seconds_behind": round(lag.seconds, 1),
            }
            for lag in lags
        ],
        "rule_workers": [_holder(row) for row in holders],
        "samples": [totals],
        "rejected": [
            {"reason": row["reason"], "messages": row["count"], "not_put_back": row["waiting"]}
            for row in rejected
        ],
        "connections": [connections],
        "forgotten": [{"table": table, "rows": rows} for table, rows in gone.items()],
        "losses": [_loss(lost)] if lost.last_at is not None else [],
    }


def _loss(lost: broker_loss.BrokerLoss) -> dict[str, Any]:
    return {
        "what": "messages dropped by the broker, whose queue was full",
        "messages": lost.dropped,
        "last_at": lost.last_at and lost.last_at.isoformat(timespec="seconds"),
    }


def _holder(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "worker": row["worker"] or "nobody",
        "partitions": " ".join(str(part) for part in row["partitions"]),
        "machines": row["machines"],
        "position": row["position"],
        "lease_s": round(row["lease_s"], 1) if row["worker"] is not None else None,
    }


def _address(url: str) -> str:
    """The URL without user and password."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}:{parts.port or 5432}{parts.path}"


def _process(row: dict[str, Any], now_ms: int) -> dict[str, Any]:
    age_s = (now_ms - clock.to_ms(row["beat_at"])) / clock.MS_PER_S
    return {
        "process": row["process"],
        "instance": row["instance"],
        "pid": row["pid"],
        "address": row["address"],
        "state": "running" if age_s <= SILENT_AFTER_S else "silent",
        "last_word_s": round(age_s, 1),
        "messages_per_s": row["detail"].get("messages_per_s"),
    }
