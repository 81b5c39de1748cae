"""A made-up product with 20 signals and 10 rules, and history of its machines in any amount."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

PRODUCT = "bench"
SIGNALS = 20
HOURS = "eng_hours_h"
START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z; any moment would do
PERIOD_S = 10
_BLOCK_MOMENTS = 500
#: About one value in ten thousand begins an excursion that some rule may see.
_EXCURSIONS = 1e-4
_EXCURSION_ROWS = 12

_WHEN = (
    ("s01_pct > 85", "s01_pct < 80"),
    ("s02_pct > 85 and s03_pct < 60", "s02_pct < 80"),
    ('avg(s04_pct, "10min") > 70', 'avg(s04_pct, "10min") < 65'),
    ("abs(s05_pct - s06_pct) > 30", "abs(s05_pct - s06_pct) < 20"),
    ('rate(s07_pct, "5min") > 6', 'rate(s07_pct, "5min") < 2'),
    ("s08_pct < 15 or s09_pct < 15", "s08_pct > 20 and s09_pct > 20"),
    ('high(s10_pct, "30min") - low(s10_pct, "30min") > 45', 'high(s10_pct, "30min") < 70'),
    ("s11_pct / max(s12_pct, 1) > 1.8", "s11_pct / max(s12_pct, 1) < 1.5"),
    ("s13_pct > 85 or s14_pct > 85", "s13_pct < 80 and s14_pct < 80"),
    ('delta(s15_pct, "10min") > 30', 'delta(s15_pct, "10min") < 10'),
)


def write_product(folder: Path) -> Path:
    """The product's folder below `folder`, with what it shares beside it."""
    own, common = folder / PRODUCT, folder / "common"
    own.mkdir()
    common.mkdir()
    name = "{en: bench, zh: 测试}"
    signals = "".join(
        f"  - {{key: {_key(i)}, name: {name}, component: body, unit: '%', range: [-1000, 1000], "
        f"period_s: {PERIOD_S}}}\n"
        for i in range(1, SIGNALS)
    )
    signals += (
        f"  - {{key: {HOURS}, name: {name}, component: body, unit: h, kind: counter, "
        f"type: double, range: [0, 1000000], period_s: {PERIOD_S}}}\n"
    )
    (own / "product.yaml").write_text(
        f"product: {PRODUCT}\nname: {name}\ncode: B\ndescription: {name}\n"
        f"models:\n  - {{id: B1, name: {name}}}\n"
        f"report: {{working_s: {PERIOD_S}, idle_s: 60, off_s: 600, offline_s: 900, "
        "parked_s: 9000}\n"
        f"max_gap_s: 60\nhours_signal: {HOURS}\ncomponents:\n  - {{id: body, name: {name}}}\n"
        f"signals:\n{signals}"
        f"regimes:\n  - {{id: working, name: {name}, when: s16_pct > 20, running: true, "
        "color: '#00ff00'}\n",
        encoding="utf-8",
    )
    rules = "".join(
        f"  - id: rule_{i}\n    name: {name}\n    component: body\n    severity: 3\n"
        f"    when: '{when}'\n    regimes: [working]\n    hold_s: 60\n    clear: '{clear}'\n"
        f"    clear_hold_s: 60\n    advice: {name}\n"
        for i, (when, clear) in enumerate(_WHEN, 1)
    )
    (own / "rules.yaml").write_text(f"rules:\n{rules}", encoding="utf-8")
    hours = "{1: 336, 2: 120, 3: 48, 4: 24}"
    (common / "catalogue.yaml").write_text(
        f"tiers:\n  standard: {{id: standard, name: {name}, target_h: {hours}}}\n"
        f"fmi: {{0: {name}}}\nspn: {{110: {name}}}\n",
        encoding="utf-8",
    )
    return own


def _key(number: int) -> str:
    return f"s{number:02d}_pct"


def write_history(path: Path, samples: int, machines: int, seed: int) -> None:
    """Samples as a CSV file or, by its ending, Parquet, in order of time over all machines."""
    rng = np.random.default_rng(seed)
    names = pa.array([f"B-{i:04d}" for i in range(machines)])
    moments = -(-samples // machines)
    writer = None
    with path.open("wb") as sink:
        for first in range(0, moments, _BLOCK_MOMENTS):
            count = min(_BLOCK_MOMENTS, moments - first)
            block = _block(rng, names, first, count)
            if writer is None:
                parquet = path.suffix == ".parquet"
                make = pa_parquet.ParquetWriter if parquet else pa_csv.CSVWriter
                writer = make(sink, block.schema)
            writer.write_table(block)
        if writer is not None:
            writer.close()


def _block(rng: np.random.Generator, names: pa.Array, first: int, count: int) -> pa.Table:
    machines = len(names)
    times = START_MS + (first + np.arange(count)) * PERIOD_S * 1000
    columns = {
        "machine": names.take(pa.array(np.tile(np.arange(machines), count))),
        "measured_at": pa.array(np.repeat(times, machines)),
    }
    for i in range(1, SIGNALS):
        values = rng.normal(50, 4, (count, machines))
        for row, machine in np.argwhere(rng.random((count, machines)) < _EXCURSIONS):
            values[row : row + _EXCURSION_ROWS, machine] += rng.choice([-45, 45])
        flat = np.round(values.ravel(), 2)
        columns[_key(i)] = pa.array(flat, mask=rng.random(flat.size) < 0.01)
    columns[HOURS] = pa.array(np.repeat((times - START_MS) / 3_600_000, machines))
    return pa.table(columns)
