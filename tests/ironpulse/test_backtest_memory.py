"""A backtest takes as much memory for a long history as for a short one."""

from __future__ import annotations

import gc
import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet
import pytest

from benchmarks.backtest.history import PRODUCT, write_history, write_product
from fleet.plan import ProductPlan
from ironpulse.backtest import csv_blocks, history, tables
from ironpulse.backtest.history import Aside, put_aside
from ironpulse.backtest.sources import plan_of
from ironpulse.backtest.spread import Crew, fold_groups
from ironpulse.backtest.tables import open_table
from rules.backtest.replay import job_of, start, step
from rules.sheet import Sheet

MACHINES = 3
SHORT, LONG = 9_000, 39_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("memory")
    write_product(made)
    for samples in (SHORT, LONG):
        path = made / f"{samples}_by_time.csv"
        write_history(path, samples, MACHINES, seed=5)
        rows = pa_csv.read_csv(path)
        order = np.random.default_rng(1).permutation(samples)
        # One row group, as some writers make of a whole file.
        whole = {"row_group_size": samples, "data_page_size": 65536, "use_dictionary": ["machine"]}
        for name, table in (
            ("by_machine", rows.sort_by([("machine", "ascending"), ("measured_at", "ascending")])),
            ("shuffled", rows.take(order)),
        ):
            pa_parquet.write_table(table, made / f"{samples}_{name}.parquet", **whole)
    return made


@pytest.fixture(scope="module")
def plan(folder: Path) -> ProductPlan:
    return plan_of(folder, str(folder / PRODUCT), None)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces so small that a short history has many of them."""
    monkeypatch.setattr(csv_blocks, "_BLOCK_BYTES", 4096)
    monkeypatch.setattr(csv_blocks, "BLOCK_ROWS", 500)
    monkeypatch.setattr(tables, "_BUFFER_BYTES", 4096)
    monkeypatch.setattr(tables, "BLOCK_ROWS", 500)
    monkeypatch.setattr(history, "_ASIDE_ROWS", 100)
    monkeypatch.setattr(history, "PIECE_ROWS", 500)


@dataclass
class Taken:
    """What Arrow takes, in bytes: the most for columns, and what was held at any moment looked at,
    the buffers of files with it."""

    pool: pa.MemoryPool
    usual: pa.MemoryPool
    before: int
    held: int = 0

    def look(self, share: float) -> None:
        self.held = max(self.held, self.usual.bytes_allocated() - self.before)


@contextmanager
def counted() -> Iterator[Taken]:
    usual = pa.default_memory_pool()
    counting = pa.proxy_memory_pool(usual)
    taken = Taken(counting, usual, usual.bytes_allocated())
    pa.set_memory_pool(counting)
    try:
        yield taken
    finally:
        pa.set_memory_pool(usual)


def aside(
    plan: ProductPlan, file: Path, folder: Path, told: Callable[[float], None] = lambda share: None
) -> Aside:
    folder.mkdir()
    return put_aside(open_table(file, plan), plan, folder, -(2**62), 2**62, told)


@pytest.mark.parametrize("kind", ["by_time.csv", "by_machine.parquet", "shuffled.parquet"])
def test_reading_takes_what_a_piece_takes(
    folder: Path, tmp_path: Path, plan: ProductPlan, kind: str
) -> None:
    peaks, held, rows = [], [], []
    for samples in (SHORT, LONG):
        with counted() as taken:
            made = aside(plan, folder / f"{samples}_{kind}", tmp_path / str(samples), taken.look)
            rows += [len(p.read(plan).batch) for group in made.groups for p in group.pieces]
        peaks.append(taken.pool.max_memory())
        held.append(taken.held)
    assert sum(rows) == SHORT + LONG
    assert max(rows) < 1000
    assert peaks[1] < 1.3 * peaks[0]
    assert held[1] < 1.3 * held[0]


class Weighing(Executor):
    """Works at once, and weighs what would have to travel."""

    def __init__(self) -> None:
        self.bytes: list[int] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        _, progress, _ = args
        self.bytes.append(len(pickle.dumps(progress)))
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def test_alarms_so_far_do_not_travel(folder: Path, tmp_path: Path, plan: ProductPlan) -> None:
    made = aside(plan, folder / f"{LONG}_by_time.csv", tmp_path / "aside")
    crew = Weighing()
    job = job_of([plan], made.identities)
    done = fold_groups(Crew(crew, 1), job, made.groups, lambda rows: None)
    changes = [change for one in done for change in one.courses[0].changes]
    assert len(changes) > 70
    assert len(crew.bytes) > 40
    assert max(crew.bytes[len(crew.bytes) // 2 :]) < 1.1 * max(crew.bytes[: len(crew.bytes) // 2])


def test_a_fold_holds_nothing_once_it_is_done(
    folder: Path, tmp_path: Path, plan: ProductPlan
) -> None:
    made = aside(plan, folder / f"{SHORT}_by_time.csv", tmp_path / "aside")
    group = made.groups[0]
    job = job_of([plan], made.identities)
    gc.collect()
    gc.disable()
    try:
        step(job, start(job, group.machine_ids), group.pieces[0])
        assert not [one for one in gc.get_objects() if isinstance(one, Sheet)]
    finally:
        gc.enable()
