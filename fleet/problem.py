"""What is wrong in a plan, and where; names and expressions that lead nowhere."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from fleet.errors import ExpressionError
from fleet.expression import Expression, parse

#: Where something stands in a plan: keys and indices from its root.
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at a path of the plan, such as ("rules", 3, "when"); `column` is the character
    (from 1) where it is in a text, 0 where it is all of the value."""

    path: Path
    message: str
    column: int = 0


def expression_at(
    path: Path, text: str, known: Collection[str]
) -> tuple[Expression | None, list[Problem]]:
    """The expression that `text` is, or None and why it is none."""
    try:
        return parse(text, known), []
    except ExpressionError as error:
        return None, [Problem(path, f"{error} (in {text!r})", error.column)]


def known_name(path: Path, name: str, known: Collection[str], what: str) -> Iterator[Problem]:
    """A problem where there is no `what` (a part, a signal) of that `name`, with the nearest."""
    if name not in known:
        near = difflib.get_close_matches(name, list(known), n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        yield Problem(path, f"there is no {what} {name}{hint}")


def all_known(
    path: Path, names: Collection[str], known: Collection[str], what: str
) -> Iterator[Problem]:
    """The same of several names."""
    for name in names:
        yield from known_name(path, name, known, what)
