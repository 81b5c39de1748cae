"""What rules learned, through the store: restarts and late data make no difference."""

from __future__ import annotations

import random

from fleet import clock
from store.migrate import migrate
from tests import small
from tests.rules.conftest import Bench, Row
from tests.rules.live.test_worker import HOUR, RunAll, rows
from tests.rules.plans import RULES, plan

LEARNER = {
    **RULES[0],
    "id": "above",
    "when": 'oil_temp_c > baseline(oil_temp_c, "25 op_min") + 3',
    "clear": 'oil_temp_c < baseline(oil_temp_c, "25 op_min")',
    "params": {},
}
MEAN = {
    **RULES[0],
    "id": "long_mean",
    "when": 'avg(oil_temp_c, "8 op_min") > 70.3',
    "clear": 'avg(oil_temp_c, "8 op_min") < 70.2',
    "params": {},
}


def begin(bench: Bench) -> None:
    rules = [*RULES, LEARNER, MEAN]
    migrate(bench.database.url, small.catalogue(plan(rules=rules, version="2")))


def usual(count: int) -> list[float]:
    return [70.0 + 0.01 * (i % 7) for i in range(count)]


def test_what_was_learned_outlives_a_restart(bench: Bench, run_all: RunAll) -> None:
    begin(bench)
    stream = rows(clock.now_ms() - 2 * HOUR, usual(170) + [75.0] * 6)
    for at in range(0, len(stream), 30):
        bench.bring(stream[at : at + 30])
        run_all(bench.worker())
    seen = bench.alarms("machine_id", "rule", "spans", "state")
    assert {row[1] for row in seen} == {"above"}
    bench.connection.execute("truncate alarm, finding, ticket, rule_state, rule_checkpoint cascade")
    bench.connection.execute("update rule_partition set position = 0")
    run_all(bench.worker())
    assert bench.alarms("machine_id", "rule", "spans", "state") == seen


def test_late_rows_are_learned_as_if_they_had_come_in_time(bench: Bench, run_all: RunAll) -> None:
    begin(bench)
    start = clock.now_ms() - 6 * HOUR
    values = usual(400) + [75.0] * 20 + [69.0] * 40
    deliveries: list[tuple[int, list[Row]]] = []
    for machine in (1, 2, 3):
        stream = rows(start, values, machine)
        pieces = [stream[at : at + 40] for at in range(0, len(stream), 40)]
        if machine == 2:
            pieces.reverse()
        elif machine == 3:
            random.Random(3).shuffle(pieces)
        deliveries += enumerate(pieces)
    worker = bench.worker()
    for _, piece in sorted(deliveries, key=lambda one: one[0]):
        bench.bring(piece)
        run_all(worker)
    found = bench.alarms("machine_id", "rule", "spans", "state")
    in_time = [row[1:] for row in found if row[0] == 1]
    assert {row[0] for row in in_time} == {"above", "long_mean"}
    assert [row[1:] for row in found if row[0] == 2] == in_time
    assert [row[1:] for row in found if row[0] == 3] == in_time
