"""Commits hold every sample once, and what the fold takes is what was committed."""

from __future__ import annotations

import numpy as np

from benchmarks.rules.fill import Crew, commits
from benchmarks.rules.fold import _joined, _portions

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
