"""The figures of all runs beside their targets, as a table and as JSON."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from rich.table import Table

from benchmarks.ingest.measure import Flow

MB = MILLION = 10**6


@dataclass(frozen=True, slots=True)
class Run:
    """One run on servers of its own: one and ten samples per message, sustained and at half the
    demanded load; more than can be taken; rows/s that the database copies."""

    one: Flow
    ten: Flow
    ceiling_rows_per_s: float
    one_half: Flow
    ten_half: Flow
    overload: Flow

    @property
    def flows(self) -> dict[str, Flow]:
        """All flows by name."""
        return {
            "one sample per message": self.one,
            "ten samples per message": self.ten,
            "one, half load": self.one_half,
            "ten, half load": self.ten_half,
            "overload": self.overload,
        }


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a run, how it is written, and the target: at least, or at most where `most`."""

    name: str
    of: Callable[[Run], float]
    form: str
    target: float | None = None
    most: bool = False

    def met(self, value: float) -> bool | None:
        """Whether the target is met; None where there is none."""
        if self.target is None:
            return None
        return value <= self.target if self.most else value >= self.target


FIGURES = (
    Figure("messages/s, one sample each", lambda r: r.one.messages_per_s, ",.0f", 20_000),
    Figure("  in the worst tenth of the time", lambda r: r.one.worst_rows_per_s, ",.0f"),
    Figure("rows/s, ten samples per message", lambda r: r.ten.rows_per_s, ",.0f", 100_000),
    Figure("  in the worst tenth of the time", lambda r: r.ten.worst_rows_per_s, ",.0f"),
    Figure("values/s, ten samples per message", lambda r: r.ten.values_per_s, ",.0f", 2_000_000),
    Figure("rows/s, COPY alone (the ceiling)", lambda r: r.ceiling_rows_per_s, ",.0f"),
    Figure("share of the ceiling", lambda r: r.ten.rows_per_s / r.ceiling_rows_per_s, ".2f", 0.40),
    Figure("ms to committed, p50, half load of one", lambda r: r.one_half.p50_ms, ".1f"),
    Figure("ms to committed, p99, half load of one", lambda r: r.one_half.p99_ms, ".1f", 50, True),
    Figure("ms to committed, p50, half load of ten", lambda r: r.ten_half.p50_ms, ".1f"),
    Figure("ms to committed, p99, half load of ten", lambda r: r.ten_half.p99_ms, ".1f", 50, True),
    Figure("MB of the ingest, overload", lambda r: r.overload.memory_bytes / MB, ".0f", 300, True),
    Figure("bytes on disk per value", lambda r: r.ten.bytes_per_value, ".2f", 9, True),
)


def as_table(runs: Sequence[Run], conditions: Mapping[str, Any]) -> Table:
    """Medians, the single runs, and the targets."""
    words = ", ".join(f"{name} {value}" for name, value in conditions.items())
    table = Table(title=f"Ingest: {words}", title_justify="left")
    table.add_column("")
    table.add_column("median", justify="right", style="bold")
    for number in range(1, len(runs) + 1):
        table.add_column(f"run {number}", justify="right")
    table.add_column("target", justify="right")
    for figure in FIGURES:
        values = [figure.of(run) for run in runs]
        cells = [format(value, figure.form) for value in (median(values), *values)]
        table.add_row(figure.name, *cells, _target(figure, median(values)))
    sent = sum(flow.sent_rows for run in runs for flow in run.flows.values())
    stored = sum(flow.stored_rows for run in runs for flow in run.flows.values())
    table.add_section()
    table.add_row("samples sent", f"{sent:,}")
    table.add_row("samples stored", f"{stored:,}", *[""] * len(runs), "as sent")
    return table


def cost_table(runs: Sequence[Run]) -> Table:
    """Where the time goes: microseconds of processor per message, and seconds per million rows of
    the sustained rates, by part."""
    table = Table(title="Processor, microseconds per message (medians)", title_justify="left")
    parts = list(runs[0].one.processor)
    for column in ("", *parts, "all", "cores busy"):
        table.add_column(column, justify="right" if column else "left")
    for name in runs[0].flows:
        flows = [run.flows[name] for run in runs]
        costs = [median(_cost(flow, part) for flow in flows) for part in parts]
        busy = median(sum(flow.processor.values()) for flow in flows)
        cells = [f"{cost:.1f}" for cost in (*costs, sum(costs))]
        table.add_row(name, *cells, f"{busy:.2f}")
    table.add_section()
    for name in ("one sample per message", "ten samples per message"):
        flows = [run.flows[name] for run in runs]
        costs = [
            median(f.processor[part] / f.rows_per_s * MILLION for f in flows) for part in parts
        ]
        cells = [f"{cost:.1f}" for cost in (*costs, sum(costs))]
        table.add_row(f"{name}: s per million rows", *cells, "")
    return table


def as_json(runs: Sequence[Run], conditions: Mapping[str, Any]) -> dict[str, Any]:
    """The same for programs: each run in full, and medians with their targets."""
    figures = []
    for figure in FIGURES:
        values = [figure.of(run) for run in runs]
        found = {"median": median(values), "runs": values, "target": figure.target}
        figures.append({"name": figure.name.strip(), **found, "met": figure.met(median(values))})
    return {"conditions": dict(conditions), "figures": figures, "runs": [asdict(r) for r in runs]}


def conditions(
    seconds: float, machines: int, workers: int, payload: Sequence[int]
) -> dict[str, Any]:
    """What the figures hold for."""
    return {
        "seconds": seconds,
        "machines": machines,
        "workers": workers,
        "payload bytes": "/".join(map(str, payload)),
        "cores": len(os.sched_getaffinity(0)),
    }


def _cost(flow: Flow, part: str) -> float:
    return flow.processor[part] / flow.messages_per_s * 1e6


def _target(figure: Figure, value: float) -> str:
    if figure.target is None:
        return ""
    sign = "<=" if figure.most else ">="
    color = "green" if figure.met(value) else "red"
    return f"[{color}]{sign} {format(figure.target, figure.form)}[/]"
