"""Where machines publish: `ironpulse/v1/{serial}/telemetry`, `/faults` and `/status`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["telemetry", "faults", "status"]

ROOT = "ironpulse/v1"
#: What the ingest subscribes to: everything below the root, so that a wrong topic is seen too.
EVERYTHING = f"{ROOT}/#"

_KINDS: dict[str, Kind] = {kind: kind for kind in get_args(Kind)}


@dataclass(frozen=True, slots=True)
class Address:
    """What a topic says: whose it is, and what comes there (None: no such thing exists)."""

    serial: str
    kind: Kind | None


def telemetry_topic(serial: str) -> str:
    """Where a machine publishes its samples."""
    return f"{ROOT}/{serial}/telemetry"


def faults_topic(serial: str) -> str:
    """Where a machine publishes its active trouble codes."""
    return f"{ROOT}/{serial}/faults"


def status_topic(serial: str) -> str:
    """Where a machine says `online`, retained, and its will `offline`."""
    return f"{ROOT}/{serial}/status"


def parse_topic(topic: str) -> Address:
    """The inverse; the serial is empty where the topic names none."""
    rest = topic.removeprefix(f"{ROOT}/")
    if rest == topic:
        return Address("", None)
    serial, _, what = rest.partition("/")
    return Address(serial, _KINDS.get(what))
