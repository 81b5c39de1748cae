"""Lifts of a truck crane as closed motions in time, so that height, speed, lever and load always
tell the same story."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet.batch import FloatColumn
from simulators.run import Mask, Run

#: Parts of line.
FALLS = 6.0
_PARKED_M = 20.0
_LOW_M = 2.0
_EMPTY_MPM, _RAISE_MPM, _LOADED_MPM = 60.0, 84.0, 90.0


@dataclass(frozen=True)
class Motion:
    """What hook, boom and slew do: rope speed (m/min, up positive), hook height (m), whether a
    load hangs, levers in %, slew angle in degrees."""

    rope_mpm: FloatColumn
    height_m: FloatColumn
    loaded: Mask
    slew_stick: FloatColumn
    boom_stick: FloatColumn
    slew_deg: FloatColumn


def motion_of(run: Run) -> Motion:
    """What hook, boom and slew do through a stretch."""
    lift, hold, lower = run.doing("lift"), run.doing("hold"), run.doing("lower")
    since = run.since_s
    top = 6.0 + 12.0 * run.job[:, 2]
    down_s = 60.0 * FALLS * (_PARKED_M - _LOW_M) / _EMPTY_MPM
    hook_s = down_s + 20.0
    up_s = hook_s + 60.0 * FALLS * (top - _LOW_M) / _LOADED_MPM
    set_s = 60.0 * FALLS * (top - _LOW_M) / _LOADED_MPM
    free_s = set_s + 15.0
    back_s = free_s + 60.0 * FALLS * (_PARKED_M - _LOW_M) / _RAISE_MPM
    rope = np.select(
        [
            lift & (since < down_s),
            lift & (since >= hook_s) & (since < up_s),
            lower & (since < set_s),
            lower & (since >= free_s) & (since < back_s),
        ],
        [-_EMPTY_MPM, _LOADED_MPM, -_LOADED_MPM, _RAISE_MPM],
        0.0,
    )
    height = np.select(
        [
            lift & (since < down_s),
            lift & (since < hook_s),
            lift & (since < up_s),
            lift | hold,
            lower & (since < set_s),
            lower & (since < free_s),
            lower & (since < back_s),
        ],
        [
            _PARKED_M - _EMPTY_MPM * since / 60.0 / FALLS,
            _LOW_M,
            _LOW_M + _LOADED_MPM * (since - hook_s) / 60.0 / FALLS,
            top,
            top - _LOADED_MPM * since / 60.0 / FALLS,
            _LOW_M,
            _LOW_M + _RAISE_MPM * (since - free_s) / 60.0 / FALLS,
        ],
        _PARKED_M,
    )
    loaded = (lift & (since >= hook_s)) | hold | (lower & (since < set_s))
    out, back = lift & (since >= up_s), lower & (since >= back_s)
    turned = np.select(
        [out, back, hold | lower],
        [
            (since - up_s) / np.maximum(run.length_s - up_s, 1.0),
            1.0 - (since - back_s) / np.maximum(run.length_s - back_s, 1.0),
            1.0,
        ],
        0.0,
    )
    # While a load is slung or set down the operator positions it with small strokes.
    stick = np.where(out | back, 45.0, np.where((lift | lower) & (rope == 0), 8.0, 0.0))
    sweep = 40.0 + 200.0 * run.job[:, 3]
    return Motion(
        rope,
        height,
        loaded,
        stick,
        np.zeros(len(run)),
        sweep * np.clip(turned, 0.0, 1.0),
    )
