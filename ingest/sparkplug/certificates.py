"""Reading one Sparkplug B payload whose metrics all have names: the samples in it.

A metric has a time of its own, so one payload may hold many moments. Historical ones need no
treatment of their own: whatever comes is stored at the time it was measured.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fleet.text import Text
from ingest import tolerant
from ingest.message import Message
from ingest.reasons import Unusable
from ingest.sentences import say
from ingest.sparkplug import schema, topics

REBIRTH = "Node Control/Rebirth"
BD_SEQ = "bdSeq"

_CONTROLS = ("Node Control/", "Device Control/")
_NO_LETTERS = re.compile(r"[^a-z0-9]+")
_GOOD = range(192, 256)  # of the property Quality, as OPC has it; 0 is bad, 500 stale


#: The name of a metric, as it stands -> the signal it is by the product plan.
Names = Mapping[str, str]


@dataclass(slots=True)
class Moment:
    """What was measured at `ts`; `flaws` says which values cannot be used and why, `metrics` the
    places in the payload."""

    ts: int
    values: dict[str, float | None] = field(default_factory=dict)
    flaws: dict[str, str] = field(default_factory=dict)
    metrics: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Told:
    """What a message told: its samples, and what it means for the connection `at` that time
    (None: nothing). Times are milliseconds since 1970 UTC."""

    moments: list[Moment]
    state: str | None
    at: int


def read(message: Message, flags: frozenset[str], names: Names) -> Told:
    """What a birth, data or death certificate tells. Raises Unusable.

    An edge node's death comes as its will, written when it connected: it counts from when it came.
    """
    payload, at = schema.parse(message.payload), message.received_at
    place = topics.parse(message.topic)
    assert place is not None
    if place.type == "NDEATH":
        return Told([], "offline", at)
    made_at = _made_at(payload, at)
    if place.type == "DDEATH":
        return Told([], "offline", made_at)
    found = moments(payload, made_at, flags, names)
    return Told(found, "online" if place.is_birth else None, made_at)


def is_of_gateway(message: Message) -> bool:
    """Whether an edge node speaks here of itself and measures nothing: one that only carries
    machines, and need not be one."""
    place = topics.parse(message.topic)
    if place is None or place.device:
        return False
    metrics = schema.parse(message.payload).metrics
    return all(is_control(metric.name) for metric in metrics)


def pick(message: Message, places: Sequence[int], names: Names) -> bytes:
    """The samples of a readable message at `places`, as a message."""
    payload = schema.parse(message.payload)
    found = moments(payload, _made_at(payload, message.received_at), frozenset(), names)
    chosen = sorted(metric for place in places for metric in found[place].metrics)
    metrics = [payload.metrics[number] for number in chosen]
    picked = schema.Payload(metrics=metrics)
    if payload.HasField("timestamp"):
        picked.timestamp = payload.timestamp
    data: bytes = picked.SerializeToString()
    return data


@functools.lru_cache(10_000)
def signal_of(name: str) -> str:
    """The signal a metric's name means: `hyd/oil_temp_c` is `hyd_oil_temp_c`."""
    return _NO_LETTERS.sub("_", name.lower()).strip("_")


def is_control(name: str) -> bool:
    """Whether a metric belongs to the protocol and is no measurement."""
    return name == BD_SEQ or name.startswith(_CONTROLS)


def moments(payload: Any, made_at: int, flags: frozenset[str], names: Names) -> list[Moment]:
    """The samples of a payload made at that time, in the order they came. `flags` are the signals
    that may be true or false, `names` what the plan calls metrics that have no signal's name.

    A metric that stands twice for one moment begins a sample of its own, which is merged where it
    is stored. Raises Unusable where a metric has no name.
    """
    found: list[Moment] = []
    latest: dict[int, Moment] = {}
    for place, metric in enumerate(payload.metrics):
        if not metric.name:
            raise Unusable("no_birth", _nameless(place, metric))
        if is_control(metric.name):
            continue
        ts = _bounded(metric.timestamp) if metric.HasField("timestamp") else made_at
        signal = names.get(metric.name) or signal_of(metric.name)
        moment = latest.get(ts)
        if moment is None or signal in moment.values:
            moment = latest[ts] = Moment(ts)
            found.append(moment)
        _add(moment, signal, metric, signal in flags)
        moment.metrics.append(place)
    return found


def _made_at(payload: Any, received_at: int) -> int:
    return _bounded(payload.timestamp) if payload.HasField("timestamp") else received_at


def _add(moment: Moment, signal: str, metric: Any, is_flag: bool) -> None:
    value = schema.metric_value(metric)
    number = tolerant.number_of(value, is_flag)
    moment.values[signal] = number
    if metric.is_null:
        moment.values[signal] = None
    elif number is None:
        moment.flaws[signal] = "wrong_type"
    elif not _is_good(metric):
        moment.values[signal] = None
        moment.flaws[signal] = "bad_quality"


def _is_good(metric: Any) -> bool:
    if not metric.HasField("properties"):
        return True
    keys = list(metric.properties.keys)
    if "Quality" not in keys:
        return True
    values = metric.properties.values
    place = keys.index("Quality")
    return place < len(values) and schema.value_of(values[place]) in _GOOD


def _bounded(ts: int) -> int:
    """A time no clock has stays one when it is counted in 64 bits."""
    return min(ts, tolerant.MOST_MS)


def _nameless(place: int, metric: Any) -> Text:
    if metric.HasField("alias"):
        return say("unborn_alias", number=place + 1, alias=metric.alias)
    return say("nameless", number=place + 1)
