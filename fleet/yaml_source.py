"""YAML with places: plain values, and the line and column each came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from fleet.errors import Fault, PlanError

_TRUTH = {"true": True, "false": False}
#: What people write stays far below: plans are at most 7 deep, their files up to 6,000 values long.
DEEPEST = 50
MOST_VALUES = 200_000


@dataclass(frozen=True, slots=True)
class Node:
    """A YAML node of a file: where it stands, and its plain value."""

    file: Path
    node: yaml.Node

    @property
    def line(self) -> int:
        return int(self.node.start_mark.line) + 1

    @property
    def column(self) -> int:
        return int(self.node.start_mark.column) + 1

    def fault(self, message: str) -> Fault:
        """A fault at this place."""
        return Fault(self.file, self.line, self.column, message)

    def fault_in(self, column: int, message: str) -> Fault:
        """A fault at a character (from 1) of a text, wherever YAML has put its lines."""
        line, place = self._place_of(column)
        return Fault(self.file, line, place, message)

    def _place_of(self, column: int) -> tuple[int, int]:
        """Line and column in the file: YAML folds white space, and leaves the rest in order."""
        mark = self.node.start_mark
        wanted = len("".join(str(self.node.value)[: column - 1].split()))
        lines = self.file.read_text(encoding="utf-8").splitlines()
        block = getattr(self.node, "style", None) in ("|", ">")
        quoted = getattr(self.node, "style", None) in ("'", '"')
        begin = (mark.line + 1, 0) if block else (mark.line, mark.column + int(quoted))
        for row in range(begin[0], len(lines)):
            for place in range(begin[1] if row == begin[0] else 0, len(lines[row])):
                if lines[row][place].isspace():
                    continue
                if wanted == 0:
                    return row + 1, place + 1
                wanted -= 1
        return self.line, self.column

    def at(self, path: Sequence[str | int]) -> Node:
        """The node at `path` below this one, or the nearest one above it that exists."""
        here = self.node
        for step in path:
            below = _child(here, step)
            if below is None:
                break
            here = below
        return Node(self.file, here)

    def get(self, key: str) -> Node | None:
        """The value of a mapping's key, None where it is absent."""
        below = _child(self.node, key)
        return None if below is None else Node(self.file, below)

    @property
    def is_list(self) -> bool:
        return isinstance(self.node, yaml.SequenceNode)

    def items(self) -> list[Node]:
        """The entries of a sequence; empty for anything else."""
        if not isinstance(self.node, yaml.SequenceNode):
            return []
        return [Node(self.file, item) for item in self.node.value]

    def entries(self) -> list[tuple[str, Node]]:
        """Keys of a mapping with the place of each key; empty for anything else."""
        if not isinstance(self.node, yaml.MappingNode):
            return []
        return [(str(key.value), Node(self.file, key)) for key, _ in self.node.value]

    def plain(self) -> Any:
        """The value as dicts, lists, strings, numbers, booleans and None."""
        return _plain(self.node)


def read_yaml(path: Path) -> Node:
    """The root node of a YAML file. Raises PlanError when it cannot be read, is empty, names a
    key twice, or would not fit into memory."""
    try:
        text = path.read_text(encoding="utf-8")
        overgrown = _overgrown(path, text)
        if overgrown is not None:
            raise PlanError([overgrown])
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError([Fault(path, 0, 0, f"cannot be read: {error}")]) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        problem = getattr(error, "problem", None) or error
        raise PlanError([Fault(path, line, column, f"is no YAML: {problem}")]) from error
    if root is None:
        raise PlanError([Fault(path, 0, 0, "is empty")])
    doubles = _double_keys(root)
    if doubles:
        raise PlanError(
            [Node(path, key).fault(f"the key {key.value} stands here twice") for key in doubles]
        )
    return Node(path, root)


def _overgrown(path: Path, text: str) -> Fault | None:
    """Where a file holds more than fits: nested so deep that composing it would end the process,
    or repeated by aliases so often that a few lines become millions of values."""
    sizes: dict[str | None, int] = {}
    opened: list[tuple[str | None, int]] = [(None, 0)]  # anchor, values so far; the file itself
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        mark = event.start_mark
        assert mark is not None  # of an event that was read
        here = Fault(path, mark.line + 1, mark.column + 1, "")
        anchor, grown = None, 0
        if isinstance(event, yaml.CollectionStartEvent):
            opened.append((event.anchor, 1))
            if len(opened) - 1 > DEEPEST:
                return replace(here, message=f"is nested more than {DEEPEST} deep")
            continue
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, grown = opened.pop()
        elif isinstance(event, yaml.ScalarEvent):
            anchor, grown = event.anchor, 1
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor in (name for name, _ in opened):
                return replace(here, message=f"*{event.anchor} stands within &{event.anchor}")
            grown = sizes.get(event.anchor, 0)  # an anchor nobody gave is composing's to tell
        if anchor is not None:
            sizes[anchor] = grown
        outer, before = opened[-1]
        opened[-1] = (outer, before + grown)
        if before + grown > MOST_VALUES:
            return replace(here, message=f"the file holds more than {MOST_VALUES:,} values")
    return None


def _child(node: yaml.Node, step: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return value  # type: ignore[no-any-return]  # PyYAML's nodes are untyped
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step]  # type: ignore[no-any-return]
    return None


def _double_keys(node: yaml.Node) -> list[yaml.Node]:
    found: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                found.append(key)
            seen.add(key.value)
            found += _double_keys(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            found += _double_keys(item)
    return found


def _plain(node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return {_plain(key): _plain(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item) for item in node.value]
    return _scalar(node)


def _scalar(node: yaml.Node) -> Any:
    text = str(node.value)
    kind = node.tag.rsplit(":", 1)[-1]
    if kind == "null":
        return None
    if kind == "bool":
        # YAML 1.1 also reads yes, no, on and off as booleans; in plans they are words.
        return _TRUTH.get(text.lower(), text)
    if kind in ("int", "float"):
        return _number(text)
    return text


def _number(text: str) -> int | float | str:
    """The number a person means. YAML 1.1 also takes 10:30 for a number and 010 for eight: here
    the one is text, so that a field that wants a number says so, and the other ten."""
    for kind in (int, float):
        try:
            return kind(text.replace("_", ""))
        except ValueError:
            continue
    return text
