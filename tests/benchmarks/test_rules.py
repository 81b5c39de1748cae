"""Commits hold every sample once, what the fold takes is what was committed, and windows keep what
they look back on."""

from __future__ import annotations

import numpy as np

from benchmarks.rules.fill import Crew, commits
from benchmarks.rules.fold import _joined, _portions
from benchmarks.rules.past import costs
from tests import small
from tests.rules.plans import plan, rule

START = 1_790_000_000_000


def test_every_sample_is_committed_once_and_in_order_of_time() -> None:
    words = np.arange(3 * 4 * 2, dtype=float).reshape(3, 4, 2)
    crew = Crew(("a", "b"), np.array([7, 8, 9]), words)
    made = list(commits({"pump": crew}, START, rounds=5, period_ms=1000, in_commit=2))
    assert len(made) > 5
    batches = [batch for commit in made for batch in commit]
    newest = [int(batch.measured_at.max()) for batch in batches]
    oldest = [int(batch.measured_at.min()) for batch in batches]
    assert all(before < after for before, after in zip(newest, oldest[1:], strict=False))
    whole = _joined([batch for portion in _portions(made) for batch in portion])["pump"]
    assert whole.machine_id.tolist() == [7] * 5 + [8] * 5 + [9] * 5
    assert np.array_equal(whole.values[:5], words[0][[0, 1, 2, 3, 0]])
    assert np.diff(whole.measured_at[:5]).tolist() == [1000] * 4


def test_a_window_holds_its_rows_and_some_room() -> None:
    held = {}
    for hours in (1, 2):
        when = f'avg(oil_temp_c, "{hours}h") > 86'
        mean = rule("mean", when=when, clear="oil_temp_c < 84", params={})
        catalogue = small.catalogue(plan(rules=[mean]))
        keys = plan().signal_keys
        words = np.full((1, 1, len(keys)), 60.0)
        crew = {"pump": Crew(keys, np.array([7]), words)}
        (cost,) = costs(catalogue, crew, (), {}, hours=3)
        assert cost.sample_us > 0
        held[hours] = cost.bytes_held
    rows = 360 * (8 + 8 + 1)  # a time, a number, and whether the place is taken
    for hours, found in held.items():
        assert hours * rows <= found < 5 * hours * rows  # with rooms that fill, and that were left
