"""Several workers, as real processes: each machine at one of them at a time, handed over on
death, nothing lost and nothing twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet import clock
from rules.live.worker import Place, Worker, place_of
from store import machines, partitions
from tests import small
from tests.processes import until
from tests.rules.conftest import Bench
from tests.rules.live.test_worker import rows

RunAll = Callable[[Worker], None]
#: Machines beyond the three of the template, so that every worker has some.
MORE = tuple(f"Q-{number}" for number in range(1, 13))


@pytest.fixture
def fleet(bench: Bench) -> list[int]:
    """Ids of fifteen machines."""
    registration = small.registration(*(small.new_machine(serial) for serial in MORE))
    machines.register(bench.connection, registration)
    return [row["id"] for row in bench.rows("select id from machine order by id")]


@pytest.fixture
def start(bench: Bench) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start `ironpulse rules` on the bench's database; ended afterwards."""
    running: list[subprocess.Popen[bytes]] = []

    def begin(*options: str) -> subprocess.Popen[bytes]:
        environment = os.environ | {"IRONPULSE_DATABASE_URL": bench.database.url}
        command = [sys.executable, "-m", "ironpulse", "rules", *options]
        running.append(subprocess.Popen(command, env=environment))
        return running[-1]

    yield begin
    for process in running:
        process.terminate()
    for process in running:
        process.wait(30)


def holders(bench: Bench) -> dict[str | None, list[int]]:
    return {row["worker"]: row["partitions"] for row in partitions.holders(bench.connection)}


def raised(bench: Bench) -> dict[int, list[Any]]:
    """Occurrences of `hot` by machine."""
    found: dict[int, list[Any]] = {}
    for machine, rule, spans in bench.alarms("machine_id", "rule", "spans"):
        if rule == "hot":
            found.setdefault(machine, []).extend(spans)
    return found


def shared(count: int) -> Callable[[dict[str | None, list[int]]], bool]:
    def ready(found: dict[str | None, list[int]]) -> bool:
        return None not in found and len(found) == count

    return ready


def test_a_killed_workers_machines_go_to_the_others_and_no_alarm_is_lost_or_double(
    bench: Bench, fleet: list[int], start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    first, second = start(), start()
    found = until(lambda: holders(bench), shared(2))
    assert sorted(len(parts) for parts in found.values()) == [8, 8]
    begin = clock.now_ms() - 400_000
    heat = [60.0, 90, 90, 90, 90, 60, 60, 60]
    for place in range(len(heat)):
        if place == 3:  # in the middle of every pending alarm
            os.kill(first.pid, signal.SIGKILL)
            killed_at = clock.monotonic_s()
        bench.bring([row for m in fleet for row in rows(begin, heat, m)[place : place + 1]])
    only = until(lambda: holders(bench), shared(1))
    assert clock.monotonic_s() - killed_at < 3 * partitions.LEASE_S
    assert all(str(second.pid) in (worker or "") for worker in only)
    span = [begin + 30_000, begin + 60_000]
    complete = {machine: [span] for machine in fleet}
    assert until(lambda: raised(bench), lambda found: found == complete) == complete
    (beat,) = bench.rows("select instance from process_beat where process = 'rules'")
    assert str(second.pid) in beat["instance"]
    twice = bench.rows(
        "select machine_id from finding where source = 'hot' group by 1 having count(*) > 1"
    )
    assert twice == []


def test_one_command_starts_workers_and_brings_back_what_dies(
    bench: Bench, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    parent = start("--workers", "2")
    before = until(lambda: holders(bench), shared(2))
    pids = {str(worker).split("-")[-2] for worker in before}
    os.kill(int(min(pids)), signal.SIGKILL)
    until(
        lambda: holders(bench),
        lambda found: shared(2)(found) and found.keys() != before.keys(),
    )
    parent.terminate()
    assert parent.wait(30) == 0
    assert holders(bench) == {None: list(range(partitions.PARTITIONS))}
    assert bench.rows("select * from rule_worker") == []


def test_who_lost_its_machines_while_it_stood_still_writes_nothing(
    bench: Bench, run_all: RunAll
) -> None:
    slow, other = (Worker(bench.database, name=name) for name in ("slow", "other"))
    with bench.database.transaction() as connection:
        partitions.balance(connection, "slow")
    bench.bring(rows(clock.now_ms() - 90_000, [60, 90, 90]))
    run_all(slow)
    bench.connection.execute("update rule_partition set until = now() - interval '1 minute'")
    bench.connection.execute("update rule_worker set seen_at = now() - interval '1 minute'")
    with bench.database.transaction() as connection:
        partitions.balance(connection, "other")
    bench.bring(rows(clock.now_ms() - 60_000, [90, 90]))
    assert not slow.step()
    assert bench.alarms("rule") == []
    run_all(other)
    assert {row[0] for row in bench.alarms("rule")} >= {"hot"}


def test_two_messages_at_once_through_two_workers_make_one_alarm(
    bench: Bench, run_all: RunAll
) -> None:
    """Even where two workers believe that they have everything: the rows they lock decide."""
    at = clock.now_ms() - 90_000
    bench.bring(rows(at, [60, 90, 90]))
    workers = [Worker(bench.database) for _ in range(2)]
    for worker in workers:
        run_all(worker)
    for offset in (0, 1):
        bench.bring([(1, at + 30_000 + offset, {"eng_speed_rpm": 1500.0, "oil_temp_c": 91.0})])
    barrier = threading.Barrier(2)

    def judge(worker: Worker) -> None:
        barrier.wait()
        run_all(worker)

    threads = [threading.Thread(target=judge, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [row for row in bench.alarms("rule", "occurrences") if row[0] == "hot"] == [("hot", 1)]
    assert len(bench.rows("select * from finding where source = 'hot'")) == 1


@given(st.dictionaries(st.integers(0, 15), st.integers(0, 9), min_size=1))
def test_cursors_that_stand_apart_come_together(cursors: dict[int, int]) -> None:
    steps = 0
    while len(set(cursors.values())) > 1:
        place = place_of(cursors)
        assert place.last is not None and place.position < place.last
        assert all(cursors[part] == place.position for part in place.partitions)
        cursors = cursors | dict.fromkeys(place.partitions, place.last)
        steps += 1
    assert steps < 16
    assert place_of(cursors) == Place(tuple(cursors), next(iter(cursors.values())), None)
