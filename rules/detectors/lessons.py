"""What a fleet taught as bytes for the store, and back."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import numpy as np

from fleet.batch import FloatColumn
from fleet.errors import IronpulseError
from fleet.peer_day import PeerDay
from rules.detectors.live import Taught
from rules.detectors.point import OperatingPoint
from rules.detectors.regime import Normal
from rules.remembered.peers import PeerDays

VERSION = 1
#: A lesson as it travels: rule, machine model, since when (ms), bytes.
Lesson = tuple[str, str, int, bytes]

_POINT = ("middle", "width", "low", "high", "weights")
_ARRAYS = ("scale", "precision", "spread", "apart", "rests")


class _Stored(msgspec.Struct, array_like=True):
    version: int
    features: list[str]
    inputs: list[str]
    point: dict[str, bytes]
    arrays: dict[str, bytes]
    pattern: float
    single: float
    machines: int


def dump_normal(normal: Normal) -> bytes:
    """One lesson's bytes."""
    stored = _Stored(
        VERSION, list(normal.features), list(normal.inputs),
        {name: _bytes(getattr(normal.point, name)) for name in _POINT},
        {name: _bytes(getattr(normal, name)) for name in _ARRAYS},
        normal.pattern, normal.single, normal.machines,
    )  # fmt: skip
    return msgspec.msgpack.encode(stored)


def load_normal(since_ms: int, data: bytes) -> Normal:
    """The lesson that counts from `since_ms` on. Raises IronpulseError where it is unreadable."""
    try:
        stored = msgspec.msgpack.decode(data, type=_Stored)
    except msgspec.MsgspecError as error:
        raise IronpulseError(f"a detector's lesson cannot be read: {error}") from error
    if stored.version != VERSION:
        raise IronpulseError(
            f"a detector's lesson is of version {stored.version}, this program reads {VERSION}; "
            "run the program that wrote it, or empty detector_normal to have it learned anew"
        )
    q = len(stored.features)
    point = {name: np.frombuffer(stored.point[name], "<f8") for name in _POINT}
    point["weights"] = point["weights"].reshape(-1, q)
    arrays = {name: np.frombuffer(stored.arrays[name], "<f8") for name in _ARRAYS}
    return Normal(
        since_ms, tuple(stored.features), tuple(stored.inputs), OperatingPoint(**point),
        arrays["scale"], arrays["precision"].reshape(q, q), arrays["spread"], arrays["apart"],
        arrays["rests"], stored.pattern, stored.single, stored.machines,
    )  # fmt: skip


def taught_of(lessons: Iterable[Lesson], peers: Iterable[PeerDay] = ()) -> Taught:
    """All lessons of a product and the days of its fleet, ready to be judged by."""
    normals: dict[tuple[str, str], list[Normal]] = {}
    for rule, model, since_ms, data in sorted(lessons, key=lambda one: one[2]):
        normals.setdefault((rule, model), []).append(load_normal(since_ms, data))
    return Taught(normals, PeerDays.of(peers))


def _bytes(values: FloatColumn) -> bytes:
    return np.ascontiguousarray(values, "<f8").tobytes()
