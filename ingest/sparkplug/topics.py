"""Where Sparkplug B puts what: `spBv1.0/{group}/{type}/{edge node}[/{device}]`."""

from __future__ import annotations

from dataclasses import dataclass

NAMESPACE = "spBv1.0"
EVERYTHING = f"{NAMESPACE}/#"

_OF_NODES = ("NBIRTH", "NDATA", "NDEATH", "NCMD")
_OF_DEVICES = ("DBIRTH", "DDATA", "DDEATH", "DCMD")


@dataclass(frozen=True, slots=True)
class Place:
    """What a topic says. `device` is empty where the edge node speaks of itself."""

    group: str
    type: str
    node: str
    device: str = ""

    @property
    def serial(self) -> str:
        """The machine: the device's id, else the edge node's."""
        return self.device or self.node

    @property
    def is_birth(self) -> bool:
        return self.type in ("NBIRTH", "DBIRTH")

    @property
    def is_command(self) -> bool:
        return self.type in ("NCMD", "DCMD")


def parse(topic: str) -> Place | None:
    """What the topic of a message says; None where Sparkplug has no such topic."""
    namespace, *levels = topic.split("/")
    known = {3: _OF_NODES, 4: _OF_DEVICES}.get(len(levels))
    if namespace != NAMESPACE or not known or not all(levels) or levels[1] not in known:
        return None
    return Place(*levels)


def state_topic(host: str) -> str:
    """Where a host application says, retained, whether it is there."""
    return f"{NAMESPACE}/STATE/{host}"


def command_topic(group: str, node: str) -> str:
    """Where an edge node hears what is asked of it."""
    return f"{NAMESPACE}/{group}/NCMD/{node}"


def death_topic(group: str, node: str, device: str) -> str:
    """Where a device's death is told."""
    return f"{NAMESPACE}/{group}/DDEATH/{node}/{device}"
