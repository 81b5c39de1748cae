"""What the ingest counts, for Prometheus and for its process beat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from fleet import clock
from ingest.record import Recorded

_FATES = ("stored", "merged", "repeated", "rejected")
_COMMIT_S = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5)
_LAG_S = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300)
_SIZES = (1, 10, 100, 1_000, 3_000, 10_000, 30_000, 100_000)


class Metrics:
    """Counts since the process started."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._messages = self._counter("messages", "Messages received and settled.")
        self._samples = self._counter("samples", "Samples by what came of them.", "fate")
        self._late = self._counter("late_samples", "Samples measured long before receipt.")
        self._rejected = self._counter("rejected", "Rejected messages by reason.", "reason")
        self._bad = self._counter(
            "bad_values", "Unusable values by reason and signal.", "reason", "signal"
        )
        self._put_back = self._counter("put_back", "Early messages put back.")
        self._lag_s = self._histogram(
            "lag_seconds", "From receipt of a batch's oldest message to its commit.", _LAG_S
        )
        self._batch_messages = self._histogram("batch_messages", "Messages in a batch.", _SIZES)
        self._commit_s = self._histogram("commit_seconds", "Time to write a batch.", _COMMIT_S)
        self._batch = self._histogram("batch_samples", "Samples in a batch.", _SIZES)
        self.totals: dict[str, int] = dict.fromkeys(("messages", "late", *_FATES), 0)
        self._beat = (clock.monotonic_s(), 0)

    def committed(self, received_at: Sequence[int], recorded: Recorded, seconds: float) -> None:
        """Count one commit of messages that were received at these times, in milliseconds."""
        messages = len(received_at)
        fates = {fate: recorded.total(fate) for fate in _FATES}
        fates["rejected"] += recorded.strangers
        late = recorded.total("late")
        for name, count in {"messages": messages, "late": late, **fates}.items():
            self.totals[name] += count
        self._messages.inc(messages)
        self._late.inc(late)
        for fate, count in fates.items():
            self._samples.labels(fate).inc(count)
        for reason, count in recorded.rejections.items():
            self._rejected.labels(reason).inc(count)
        for bad, count in recorded.bad_values.items():
            # What machines call signals that no plan has is without end: they count together.
            signal = "" if bad.reason == "unknown_signal" else bad.signal
            self._bad.labels(bad.reason, signal).inc(count)
        self._lag_s.observe(max(0, clock.now_ms() - min(received_at)) / clock.MS_PER_S)
        self._batch_messages.observe(messages)
        self._commit_s.observe(seconds)
        self._batch.observe(sum(fates.values()))

    def put_back(self, messages: int) -> None:
        """Count messages that came before their machine was registered and are stored now."""
        self._put_back.inc(messages)

    def watch(self, name: str, what: str, value: Callable[[], float]) -> None:
        """Show a value that is read when asked for."""
        gauge = Gauge(f"ironpulse_ingest_{name}", what, registry=self.registry)
        gauge.set_function(value)

    def serve(self, port: int) -> None:
        """Answer Prometheus at `port` on all interfaces, until the process ends."""
        start_http_server(port, registry=self.registry)

    def beat(self) -> dict[str, Any]:
        """The totals, and messages per second since the last call."""
        now, (before, messages) = clock.monotonic_s(), self._beat
        self._beat = (now, self.totals["messages"])
        rate = (self.totals["messages"] - messages) / max(now - before, 1e-3)
        return {**self.totals, "messages_per_s": round(rate, 1)}

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        return Counter(f"ironpulse_ingest_{name}", what, labels, registry=self.registry)

    def _histogram(self, name: str, what: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"ironpulse_ingest_{name}", what, registry=self.registry, buckets=buckets)
