"""What one edge node said of itself: which number means which metric.

A node says in its birth certificates what its metrics are called, and afterwards only their
numbers (aliases). Here a message gets back the names it left out, and then needs nobody's memory
any more. What waited for a birth is read by that birth: a node that is asked for it in the middle
of a session does not give its numbers another meaning.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from ingest.message import Message
from ingest.sparkplug import schema
from ingest.sparkplug.certificates import BD_SEQ
from ingest.sparkplug.topics import Place


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message of a node with its payload read."""

    message: Message
    place: Place
    payload: Any

    @property
    def bd_seq(self) -> int | None:
        """Which of the node's sessions it is about, 0 to 255; None where it does not say."""
        for metric in self.payload.metrics:
            if metric.name == BD_SEQ:
                value = schema.metric_value(metric)
                return value if isinstance(value, int) else None
        return None


@dataclass(slots=True)
class Node:
    """One edge node.

    `names` holds by alias what births said of it: name and data type; `kinds` the data type by
    device and name. `expected` is the next number of its sequence, None while that is unknown;
    `overtaking` holds by number what came too early, `nameless` what waits for a birth.
    `asked_at` is when it was last asked for its birth, milliseconds since 1970 UTC.
    """

    group: str
    name: str
    born: bool = False
    bd_seq: int | None = None
    expected: int | None = None
    asked_at: int | None = None
    devices: set[str] = field(default_factory=set)
    names: dict[int, tuple[str, int]] = field(default_factory=dict)
    kinds: dict[tuple[str, str], int] = field(default_factory=dict)
    overtaking: dict[int, Arrival] = field(default_factory=dict)
    nameless: list[Arrival] = field(default_factory=list)

    @property
    def waiting(self) -> list[Arrival]:
        """All that cannot be passed on yet."""
        return [*self.overtaking.values(), *self.nameless]

    def begin(self, birth: Arrival) -> None:
        """Take in the node's own birth certificate: its devices have to tell theirs again."""
        self.born, self.bd_seq, self.asked_at = True, birth.bd_seq, None
        for memory in (self.devices, self.names, self.kinds):
            memory.clear()
        self.learn(birth)

    def learn(self, birth: Arrival) -> None:
        """Take in the names of a birth certificate."""
        for metric in birth.payload.metrics:
            if metric.name and metric.HasField("alias"):
                self.names[metric.alias] = (metric.name, metric.datatype)
            if metric.name and metric.HasField("datatype"):
                self.kinds[birth.place.device, metric.name] = metric.datatype

    def named(self, arrival: Arrival) -> Message | None:
        """The message with names and data types written out; None where an alias is unknown."""
        changed = False
        for metric in arrival.payload.metrics:
            if not metric.name and metric.HasField("alias"):
                known = self.names.get(metric.alias)
                if known is None:
                    return None
                metric.name, kind = known
                changed = True
            else:
                kind = self.kinds.get((arrival.place.device, metric.name), 0)
            if kind and not metric.HasField("datatype"):
                metric.datatype = kind
                changed = True
        if not changed:
            return arrival.message
        return replace(arrival.message, payload=arrival.payload.SerializeToString())

    def die(self) -> None:
        """Forget what held for the session that ended."""
        self.born, self.bd_seq, self.expected, self.asked_at = False, None, None, None
        for memory in (self.devices, self.names, self.kinds, self.overtaking, self.nameless):
            memory.clear()
