"""What Prometheus reads: requests of this process, and the state of the store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

from fastapi import FastAPI, Request, Response
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from fleet.clock import monotonic_s, now_ms, to_datetime
from store import broker_loss, fleet_view, ingest_log, ingest_view
from store.connection import Database

UNKNOWN_ROUTE = "none"


def install(app: FastAPI, database: Database) -> None:
    """Count every request and serve GET /metrics."""
    registry = CollectorRegistry()
    registry.register(StoreState(database))
    requests = Counter(
        "ironpulse_api_requests",
        "Requests answered.",
        ("method", "route", "status"),
        registry=registry,
    )
    seconds = Histogram(
        "ironpulse_api_request_seconds",
        "Time to answer a request.",
        ("route",),
        registry=registry,
    )

    @app.middleware("http")
    async def count(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        began = monotonic_s()
        response = await call_next(request)
        route = getattr(request.scope.get("route"), "path", UNKNOWN_ROUTE)
        method = request.method if route != UNKNOWN_ROUTE else "any"
        requests.labels(method, route, str(response.status_code)).inc()
        seconds.labels(route).observe(monotonic_s() - began)
        return response

    @app.get("/metrics", include_in_schema=False)
    def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class StoreState(Collector):
    """Figures of the store, read at each scrape."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def describe(self) -> list[Metric]:
        """Nothing to say before a scrape, so that registering does not read the store."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Lag of consumers, what came of all samples, machines by health and connection."""
        with self._database.connection() as connection:
            consumers = ingest_log.lags(connection)
            totals = ingest_view.totals(connection)
            rejected = ingest_view.rejected_by_reason(connection, None)
            groups = fleet_view.health_groups(connection)
            connections = fleet_view.connections(connection)
            bad = ingest_view.bad_values_by_signal(connection)
            beats = ingest_view.beats(connection)
            lost = broker_loss.total(connection)
        behind = GaugeMetricFamily(
            "ironpulse_consumer_behind", "Commits not yet read.", labels=("consumer",)
        )
        lag = GaugeMetricFamily(
            "ironpulse_consumer_lag_seconds",
            "Age of the oldest commit not yet read.",
            labels=("consumer",),
        )
        for each in consumers:
            behind.add_metric((each.consumer,), each.batches)
            lag.add_metric((each.consumer,), each.seconds)
        samples = CounterMetricFamily(
            "ironpulse_samples", "What came of all samples received.", labels=("end",)
        )
        for end in ("stored", "merged", "repeated", "rejected", "late"):
            samples.add_metric((end,), totals[end])
        reasons = CounterMetricFamily(
            "ironpulse_rejected_messages", "Messages rejected, by reason.", labels=("reason",)
        )
        for row in rejected:
            reasons.add_metric((row["reason"],), row["count"])
        waiting = GaugeMetricFamily(
            "ironpulse_rejected_waiting",
            "Rejected messages that were not put back, by reason.",
            labels=("reason",),
        )
        for row in rejected:
            waiting.add_metric((row["reason"],), row["waiting"])
        dropped = CounterMetricFamily(
            "ironpulse_broker_dropped_messages", "Messages that the broker dropped: lost."
        )
        dropped.add_metric((), lost.dropped)
        yield from (behind, lag, samples, reasons, waiting, dropped, _bad_values(bad))
        yield _silence(beats)
        yield from _machines(groups, connections)


def _bad_values(rows: list[ingest_view.Row]) -> CounterMetricFamily:
    values = CounterMetricFamily(
        "ironpulse_bad_values", "Values stored as missing.", labels=("reason", "signal")
    )
    for row in rows:
        values.add_metric((row["reason"], row["signal"]), row["count"])
    return values


def _silence(beats: list[ingest_view.Row]) -> GaugeMetricFamily:
    silence = GaugeMetricFamily(
        "ironpulse_process_silence_seconds",
        "Time since a process last said that it runs.",
        labels=("process", "instance"),
    )
    now = to_datetime(now_ms())
    for row in beats:
        age = (now - row["beat_at"]).total_seconds()
        silence.add_metric((row["process"], row["instance"]), max(0.0, age))
    return silence


def _machines(
    groups: list[fleet_view.Row], connections: dict[str, int]
) -> Iterator[GaugeMetricFamily]:
    health = GaugeMetricFamily(
        "ironpulse_machines", "Machines in service.", labels=("product", "region", "health")
    )
    for row in groups:
        health.add_metric((row["product"], row["region"], row["health"]), row["machines"])
    yield health
    states = GaugeMetricFamily(
        "ironpulse_machines_connection", "Machines by connection.", labels=("connection",)
    )
    for state, machines in connections.items():
        states.add_metric((state,), machines)
    yield states
