"""What Prometheus and the process beat are told."""

from __future__ import annotations

from collections import Counter

from prometheus_client import generate_latest

from fleet.clock import now_ms
from ingest.metrics import Metrics
from ingest.record import Recorded
from store.ledger import BadValue, Tally


def test_a_commit_is_counted_everywhere() -> None:
    metrics = Metrics()
    recorded = Recorded(
        tallies={1: Tally(5, messages=2, stored=3, merged=1, rejected=1, late=2)},
        rejections=Counter(not_json=1, unknown_machine=1),
        bad_values=Counter(
            {BadValue(1, 0, "fuel_pct", "error"): 4, BadValue(1, 0, "own", "unknown_signal"): 1}
        ),
        strangers=1,
    )
    metrics.committed([now_ms() - 300, now_ms() - 30_000, now_ms()], recorded, 0.004)
    metrics.watch("waiting", "Messages not yet taken.", lambda: 7)
    text = generate_latest(metrics.registry).decode()
    for line in (
        "ironpulse_ingest_messages_total 3.0",
        'ironpulse_ingest_samples_total{fate="stored"} 3.0',
        'ironpulse_ingest_samples_total{fate="rejected"} 2.0',
        "ironpulse_ingest_late_samples_total 2.0",
        'ironpulse_ingest_rejected_total{reason="not_json"} 1.0',
        'ironpulse_ingest_bad_values_total{reason="error",signal="fuel_pct"} 4.0',
        'ironpulse_ingest_bad_values_total{reason="unknown_signal",signal=""} 1.0',
        'ironpulse_ingest_commit_seconds_bucket{le="0.005"} 1.0',
        'ironpulse_ingest_lag_seconds_bucket{le="10.0"} 0.0',
        'ironpulse_ingest_lag_seconds_bucket{le="60.0"} 1.0',
        'ironpulse_ingest_batch_messages_bucket{le="10.0"} 1.0',
        "ironpulse_ingest_waiting 7.0",
    ):
        assert line in text
    beat = metrics.beat()
    assert beat.pop("messages_per_s") > 0
    assert beat == {
        "messages": 3,
        "late": 2,
        "stored": 3,
        "merged": 1,
        "repeated": 0,
        "rejected": 2,
    }
