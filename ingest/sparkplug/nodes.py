"""All edge nodes, and the order their messages belong into.

An edge node numbers its messages from 0 to 255 and round again, and a message can be understood
only after those before it (`node` says why). What overtook waits for what is missing, what has no
names yet for the birth; a gap that stays is answered by asking the node for its birth again.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ingest.message import Message
from ingest.reasons import Unusable
from ingest.sparkplug import schema, topics
from ingest.sparkplug.node import Arrival, Node

#: So long a gap may stay open: a message that was overtaken comes within it.
REORDER_MS = 2_000
#: So long a message waits for the birth that says what its numbers mean.
BIRTH_MS = 30_000
#: A node is asked for its birth no more often than this.
ASK_AGAIN_MS = 10_000
#: So many messages of a node may wait, and so many bytes.
MOST_WAITING = 256
MOST_WAITING_BYTES = 2**18

#: So many nodes are known at once; data of others is read only where it names itself.
MOST_NODES = 50_000

_ROUND = 256
_FAR = _ROUND // 2  # a number further ahead than this is one from before


@dataclass(slots=True)
class Heard:
    """What came of a message: messages that can be read now, those that say nothing to us, and
    nodes (group, node) that are to be asked for their birth."""

    messages: list[Message] = field(default_factory=list)
    ignored: list[Message] = field(default_factory=list)
    rebirths: list[tuple[str, str]] = field(default_factory=list)


class Nodes:
    """All edge nodes that were heard. Times are milliseconds since 1970 UTC."""

    def __init__(self) -> None:
        self._nodes: dict[tuple[str, str], Node] = {}
        self._waiting: set[tuple[str, str]] = set()

    def __len__(self) -> int:
        return len(self._nodes)

    def take(self, message: Message, now: int) -> Heard:
        """Take in a message. It is in the answer, or in a later one; with it may come others that
        waited for it, and the deaths of devices behind a node that died. Commands, and deaths
        of sessions before the present one, are for nobody here."""
        place = topics.parse(message.topic)
        if place is None:
            return Heard([message])
        if place.is_command:
            return Heard(ignored=[message])
        try:
            payload = schema.parse(message.payload)
        except Unusable:
            return Heard([message])
        key = (place.group, place.node)
        if key not in self._nodes and len(self._nodes) >= MOST_NODES:
            return Heard([message])
        node = self._nodes.setdefault(key, Node(*key))
        heard = Heard()
        self._sort(node, Arrival(message, place, payload), heard, now)
        waiting = [len(each.message.payload) for each in node.waiting]
        if len(waiting) > MOST_WAITING or sum(waiting) > MOST_WAITING_BYTES:
            self._give_up(node, heard, now, at_once=True)
        self._note(key, node)
        return heard

    def tick(self, now: int) -> Heard:
        """What has waited long enough: overtaken messages are lost, births do not come."""
        heard = Heard()
        for key in list(self._waiting):
            node = self._nodes[key]
            self._give_up(node, heard, now)
            self._note(key, node)
        return heard

    def forget(self, now: int) -> Heard:
        """A new session at the broker: what was sent meanwhile is unknown, so every node is asked
        for its birth, and its numbers count from there."""
        heard = Heard()
        for key, node in self._nodes.items():
            self._release(node, heard, now)
            node.born, node.expected, node.asked_at = False, None, None
            self._ask(node, heard, now)
            self._note(key, node)
        return heard

    def _note(self, key: tuple[str, str], node: Node) -> None:
        if node.overtaking or node.nameless:
            self._waiting.add(key)
        else:
            self._waiting.discard(key)

    def _sort(self, node: Node, arrival: Arrival, heard: Heard, now: int) -> None:
        """Bring an arrival to its place in the sequence."""
        kind, number = arrival.place.type, arrival.payload.seq % _ROUND
        if kind == "NDEATH":
            self._node_died(node, arrival, heard, now)
        elif kind == "NBIRTH":
            self._release(node, heard, now)
            self._node_born(node, arrival, heard)
            node.expected = (number + 1) % _ROUND
            self._follow(node, heard, now)
        elif node.expected is None or not arrival.payload.HasField("seq"):
            self._understand(node, arrival, heard, now)
        else:
            ahead = (number - node.expected) % _ROUND
            if 0 < ahead < _FAR and number not in node.overtaking:
                node.overtaking[number] = arrival
                return
            self._understand(node, arrival, heard, now)
            if ahead == 0:
                node.expected = (number + 1) % _ROUND
                self._follow(node, heard, now)

    def _follow(self, node: Node, heard: Heard, now: int) -> None:
        """Those that had overtaken and are next now."""
        while node.expected is not None and node.expected in node.overtaking:
            arrival = node.overtaking.pop(node.expected)
            node.expected = (node.expected + 1) % _ROUND
            self._understand(node, arrival, heard, now)

    def _understand(self, node: Node, arrival: Arrival, heard: Heard, now: int) -> None:
        """Give metrics their names; without them a message waits for the birth."""
        place = arrival.place
        if place.is_birth:
            node.devices.add(place.device)
            node.learn(arrival)
        elif place.type == "DDEATH":
            node.devices.discard(place.device)
        elif place.device and place.device not in node.devices:
            self._ask(node, heard, now)
        if not node.born:
            self._ask(node, heard, now)
        named = node.named(arrival)
        if named is None:
            self._ask(node, heard, now)
            node.nameless.append(arrival)
            return
        heard.messages.append(named)
        if place.is_birth:
            self._try_nameless(node, heard)

    def _node_born(self, node: Node, arrival: Arrival, heard: Heard) -> None:
        node.begin(arrival)
        heard.messages.append(arrival.message)
        self._try_nameless(node, heard)

    def _node_died(self, node: Node, arrival: Arrival, heard: Heard, now: int) -> None:
        """The devices behind a node die with it. The will of a connection before this one, which
        the broker noticed late, says nothing of this one."""
        told = arrival.bd_seq
        if node.born and None not in (told, node.bd_seq):
            assert told is not None and node.bd_seq is not None
            if 0 < (node.bd_seq - told) % _ROUND < _FAR:
                heard.ignored.append(arrival.message)
                return
        self._release(node, heard, now)
        heard.messages += [each.message for each in node.nameless]
        heard.messages.append(arrival.message)
        at = arrival.message.received_at
        ended = schema.Payload(timestamp=at).SerializeToString()
        for device in sorted(node.devices):
            topic = topics.death_topic(node.group, node.name, device)
            heard.messages.append(Message(topic, ended, None, at))
        del self._nodes[node.group, node.name]
        node.die()

    def _try_nameless(self, node: Node, heard: Heard) -> None:
        waiting, node.nameless = node.nameless, []
        for arrival in waiting:
            named = node.named(arrival)
            if named is None:
                node.nameless.append(arrival)
            else:
                heard.messages.append(named)

    def _release(self, node: Node, heard: Heard, now: int) -> None:
        """Those that had overtaken, in their order; what is missing between them is lost."""
        expected = node.expected or 0
        for number in sorted(node.overtaking, key=lambda number: (number - expected) % _ROUND):
            node.expected = (number + 1) % _ROUND
            self._understand(node, node.overtaking.pop(number), heard, now)

    def _give_up(self, node: Node, heard: Heard, now: int, *, at_once: bool = False) -> None:
        """Go on without what did not come."""
        waited = [now - each.message.received_at for each in node.overtaking.values()]
        if waited and (at_once or max(waited) >= REORDER_MS):
            self._ask(node, heard, now)
            self._release(node, heard, now)
        waiting, node.nameless = node.nameless, []
        for arrival in waiting:
            if at_once or now - arrival.message.received_at >= BIRTH_MS:
                heard.messages.append(arrival.message)
            else:
                node.nameless.append(arrival)

    def _ask(self, node: Node, heard: Heard, now: int) -> None:
        if node.asked_at is None or now - node.asked_at >= ASK_AGAIN_MS:
            node.asked_at = now
            heard.rebirths.append((node.group, node.name))
