"""How late what machines measured came, and what of it is news."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ingest import payload
from ingest.clocks import Clocks, lags_of
from ingest.topics import telemetry_topic
from store.clocks import CURRENT_MS
from tests.ingest.decoding import MINUTE, NOW, message, read

lags = st.one_of(st.integers(-10 * MINUTE, 10 * MINUTE), st.integers(-(2**60), 2**60))


@given(st.lists(st.tuples(st.sampled_from([3, 7]), lags), min_size=1))
def test_of_each_machine_the_lag_nearest_to_zero_counts(came: list[tuple[int, int]]) -> None:
    ids = np.array([machine for machine, _ in came])
    lag = np.array([one for _, one in came])
    received = NOW + np.arange(len(came))
    found = lags_of(ids, received - lag, received)
    assert set(found) == set(ids.tolist())
    for machine, (at, nearest) in found.items():
        own = [one for other, one in came if other == machine]
        assert nearest in own and abs(nearest) == min(map(abs, own))
        assert at == max(NOW + i for i, (other, _) in enumerate(came) if other == machine)


def test_times_that_cannot_be_believed_count_too() -> None:
    topics = telemetry_topic("P-1"), telemetry_topic("P-2")
    ahead = payload.encode_sample(NOW + 8 * 60 * MINUTE, {"fuel_pct": 5})
    decoded = read(
        message(ahead, topics[0]),
        message(payload.encode_samples([(5, {"fuel_pct": 5})]), topics[1]),
    )
    assert decoded.samples == [] and len(decoded.rejections) == 2
    assert decoded.lags == {1: (NOW, -8 * 60 * MINUTE), 2: (NOW, NOW - 5)}


def test_a_right_clock_is_told_seldom_and_a_wrong_one_once_a_minute() -> None:
    clocks = Clocks()

    def news(minute: float, lag: int) -> str:
        at = NOW + round(minute * MINUTE)
        found = clocks.news({1: (at, lag)})
        clocks.told(found)
        assert found.current in ({}, {1: at}) and found.off in ({}, {1: (at, lag)})
        return "current" if found.current else "off" if found.off else ""

    assert [news(i, CURRENT_MS) for i in range(11)] == ["current", *[""] * 9, "current"]
    assert [news(11 + i / 2, CURRENT_MS + 1) for i in range(4)] == ["off", "", "off", ""]
    assert [news(13.5, 0), news(13.6, 0), news(14, -CURRENT_MS - 1)] == ["current", "", "off"]


def test_what_was_not_committed_is_news_again() -> None:
    clocks = Clocks()
    for _ in range(2):
        assert clocks.news({1: (NOW, 0)}).current == {1: NOW}
