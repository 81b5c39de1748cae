"""The protocol: recordings, point figures pooled over them, and NAB scores of change points."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FloatColumn
from ironpulse.backtest.signal_file import read_signals

TRAIN_ROWS = 400
WINDOW_S = 60.0
LABELS = ("anomaly", "changepoint")
FOLDERS = ("valve1", "valve2", "other")
INSERTED_ROWS = 300
INSERTED_FROM = (200, 400)
A_TP = 1.0
#: Profile: score of a detection outside every window, and of a window without one.
PROFILES = {"standard": (-0.11, -1.0), "low FP": (-0.22, -1.0), "low FN": (-0.11, -2.0)}

Verdicts = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Recording:
    """`seconds` (n,) since the first row, `values` (n, 8), labels (n,)."""

    names: tuple[str, ...]
    seconds: FloatColumn
    values: FloatColumn
    anomaly: Verdicts
    changepoint: Verdicts


@dataclass(frozen=True, slots=True)
class Figures:
    """F1 as a share, FAR and MAR in percent, NAB by profile."""

    f1: float
    far: float
    mar: float
    nab: dict[str, float]


def read_recordings(folder: Path) -> list[Recording]:
    """All labelled recordings; the one without labels is not used."""
    paths = sorted(path for name in FOLDERS for path in (folder / name).glob("*.csv"))
    return [_read(path) for path in paths]


def _read(path: Path) -> Recording:
    signals = read_signals(path, exclude=LABELS, train_rows=TRAIN_ROWS)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    times = [datetime.fromisoformat(row["datetime"]) for row in rows]
    labels = [np.array([float(row[label]) > 0 for row in rows]) for label in LABELS]
    seconds = np.array([(time - times[0]).total_seconds() for time in times])
    return Recording(signals.names, seconds, signals.values, labels[0], labels[1])


def with_normal_rows(recording: Recording, seed: int) -> Recording:
    """The recording with normal rows, drawn from its training rows, put in after those.

    An answer that knows the position of faults in these files falls apart on it.
    """
    rows = np.sort(np.random.default_rng(seed).integers(*INSERTED_FROM, INSERTED_ROWS))
    none = np.zeros(INSERTED_ROWS, bool)
    at = TRAIN_ROWS
    between = recording.seconds[at - 1] + 1 + np.arange(INSERTED_ROWS)
    return Recording(
        recording.names,
        np.concatenate((recording.seconds[:at], between, recording.seconds[at:] + INSERTED_ROWS)),
        np.vstack((recording.values[:at], recording.values[rows], recording.values[at:])),
        np.concatenate((recording.anomaly[:at], none, recording.anomaly[at:])),
        np.concatenate((recording.changepoint[:at], none, recording.changepoint[at:])),
    )


def figures(recordings: Sequence[Recording], verdicts: Sequence[Verdicts]) -> Figures:
    """Of verdicts (n - 400,) per recording, pooled over all."""
    said = np.concatenate(list(verdicts))
    true = np.concatenate([recording.anomaly[TRAIN_ROWS:] for recording in recordings])
    tp, fp = np.sum(said & true), np.sum(said & ~true)
    fn, tn = np.sum(~said & true), np.sum(~said & ~true)
    scores = {profile: _nab(recordings, verdicts, *PROFILES[profile]) for profile in PROFILES}
    return Figures(
        float(tp / (tp + (fp + fn) / 2)), float(100 * fp / (fp + tn)),
        float(100 * fn / (fn + tp)), scores,
    )  # fmt: skip


def _nab(
    recordings: Sequence[Recording], verdicts: Sequence[Verdicts], a_fp: float, a_fn: float
) -> float:
    total, points = 0.0, 0
    for recording, said in zip(recordings, verdicts, strict=True):
        seconds = recording.seconds[TRAIN_ROWS:]
        detections = seconds[1:][said[1:] != said[:-1]]
        windows = _windows(seconds[recording.changepoint[TRAIN_ROWS:]])
        outside = np.ones(len(detections), bool)
        for left, right, cut in windows:
            inside = (detections >= left) & (detections <= right) & (detections < cut)
            outside &= ~inside
            total += _detected(detections[inside], left, right, a_fp) if inside.any() else a_fn
        total += a_fp * int(outside.sum())
        points += len(windows)
    return 100 * (total - points * a_fn) / (points * A_TP - points * a_fn)


def _windows(changes: FloatColumn) -> list[tuple[float, float, float]]:
    """Of each change point: its left and right edge, and the next one, where it is cut."""
    after = np.append(changes, np.inf)[1:]
    return list(zip(changes, np.minimum(changes + WINDOW_S, after), after, strict=True))


def _detected(inside: FloatColumn, left: float, right: float, a_fp: float) -> float:
    """The score of a window by its first detection: A_tp at its left edge, A_fp at its right."""
    x = -np.pi / 2 + np.pi * (inside[0] - left) / (right - left)
    half = (A_TP - a_fp) / 2
    return float(half * (-np.tanh(x) / np.tanh(np.pi / 2)) + half + a_fp)
