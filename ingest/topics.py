"""Where machines publish: `ironpulse/v1/{serial}/telemetry`, `/faults`, `/status`; or Sparkplug."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from ingest.sparkplug import topics as sparkplug

OwnKind = Literal["telemetry", "faults", "status"]
Kind = OwnKind | Literal["birth", "data", "death"]

ROOT = "ironpulse/v1"
#: What the ingest subscribes to: everything below the root, so that a wrong topic is seen too.
EVERYTHING = f"{ROOT}/#"

_KINDS: dict[str, Kind] = {kind: kind for kind in get_args(OwnKind)}
_CERTIFICATES: dict[str, Kind] = {"BIRTH": "birth", "DATA": "data", "DEATH": "death"}


@dataclass(frozen=True, slots=True)
class Address:
    """What a topic says: whose it is, and what comes there (None: no such thing exists)."""

    serial: str
    kind: Kind | None


_NOWHERE = Address("", None)


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
        place = sparkplug.parse(topic)
        return Address(place.serial, _CERTIFICATES.get(place.type[1:])) if place else _NOWHERE
    serial, _, what = rest.partition("/")
    return Address(serial, _KINDS.get(what))
