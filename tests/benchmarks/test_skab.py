"""The protocol by hand, and on the recordings what was published for them."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.shared_data import shared_data
from benchmarks.skab.__main__ import SEED, ironpulse
from benchmarks.skab.protocol import (
    TRAIN_ROWS,
    Recording,
    figures,
    read_recordings,
    with_normal_rows,
)
from benchmarks.skab.references import PUBLISHED, t2, t2_and_q
from fleet.errors import IronpulseError


def _recording(test_rows: int, faults: slice, changes: list[int]) -> Recording:
    n = TRAIN_ROWS + test_rows
    anomaly, changepoint = np.zeros(n, bool), np.zeros(n, bool)
    anomaly[TRAIN_ROWS:][faults] = True
    changepoint[[TRAIN_ROWS + at for at in changes]] = True
    values = np.arange(n, dtype=float)[:, None]
    return Recording(("a",), np.arange(n, dtype=float), values, anomaly, changepoint)


def _said(rows: int, *stretches: slice) -> np.ndarray:
    said = np.zeros(rows, bool)
    for stretch in stretches:
        said[stretch] = True
    return said


def test_point_figures_are_pooled() -> None:
    recordings = [_recording(100, slice(40, 60), [40]), _recording(100, slice(0, 0), [])]
    found = figures(recordings, [_said(100, slice(50, 70)), _said(100, slice(0, 30))])
    assert found.f1 == pytest.approx(10 / (10 + (40 + 10) / 2))
    assert found.far == pytest.approx(100 * 40 / 180)
    assert found.mar == 50.0


def test_a_detection_at_the_change_is_perfect_and_none_is_null() -> None:
    recording = _recording(300, slice(100, 300), [100])
    perfect = figures([recording], [_said(300, slice(100, 300))]).nab
    assert perfect == pytest.approx({"standard": 100, "low FP": 100, "low FN": 100})
    assert figures([recording], [_said(300)]).nab == {"standard": 0, "low FP": 0, "low FN": 0}


def test_a_late_detection_scores_less_and_one_outside_costs() -> None:
    recording = _recording(300, slice(100, 300), [100])
    middle = figures([recording], [_said(300, slice(130, 300))]).nab["standard"]
    assert middle == pytest.approx(100 * ((1 - 0.11) / 2 + 1) / 2)
    outside = figures([recording], [_said(300, slice(50, 300))]).nab["standard"]
    assert outside == pytest.approx(100 * (-1 - 0.11 + 1) / 2)


def test_overlapping_windows_are_cut_where_the_next_begins() -> None:
    recording = _recording(300, slice(100, 120), [100, 120])
    both = figures([recording], [_said(300, slice(100, 120))]).nab["standard"]
    assert both == pytest.approx(100)


def test_inserted_rows_are_normal_ones_of_training() -> None:
    recording = _recording(200, slice(50, 100), [50, 100])
    longer = with_normal_rows(recording, 1)
    put_in = longer.values[TRAIN_ROWS : TRAIN_ROWS + 300, 0]
    assert len(longer.values) == TRAIN_ROWS + 500
    assert put_in.min() >= 200 and put_in.max() < 400
    assert not longer.anomaly[TRAIN_ROWS : TRAIN_ROWS + 300].any()
    assert longer.anomaly.sum() == 50
    assert (np.diff(longer.seconds) > 0).all()


@pytest.fixture(scope="module")
def recordings() -> list[Recording]:
    try:
        return read_recordings(shared_data("skab"))
    except IronpulseError as error:
        pytest.skip(str(error))


def test_published_figures_are_reproduced(recordings: list[Recording]) -> None:
    for name, method in (("T2", t2), ("T2+Q (PCA)", t2_and_q)):
        found = figures(recordings, [method(each.values) for each in recordings])
        f1, far, mar, nab = PUBLISHED[name]
        assert (round(found.f1, 2), round(found.far, 2), round(found.mar, 2)) == (f1, far, mar)
        assert found.nab["standard"] == pytest.approx(nab, abs=0.5)


def test_the_detector_reaches_its_aim_and_does_not_know_positions(
    recordings: list[Recording],
) -> None:
    found = figures(recordings, [ironpulse(each) for each in recordings])
    assert found.f1 >= 0.78 and found.far <= 13.5 and found.nab["standard"] > 26.2
    longer = [with_normal_rows(each, SEED + at) for at, each in enumerate(recordings)]
    moved = figures(longer, [ironpulse(each) for each in longer])
    assert moved.f1 == pytest.approx(found.f1, abs=0.02)
    assert moved.far < found.far
    assert moved.mar == pytest.approx(found.mar, abs=2)
