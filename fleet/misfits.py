"""What pydantic finds wrong with the shape of a plan, in words for whoever wrote it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import Any, get_args

from pydantic import BaseModel

from fleet.fields import Model

_SAID = {
    "missing": "is missing",
    "float_parsing": "should be a number, without a unit",
    "float_type": "should be a number",
    "int_parsing": "should be a whole number, without a unit",
    "int_type": "should be a whole number",
    "string_type": "should be text",
    "list_type": "should be a list",
}


def sentences(errors: Sequence[Any], plan: type[Model]) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Each error that tells something, as its path and a sentence."""
    lists = {error["loc"][:-1] for error in errors if error["type"] == "tuple_type"}
    for error in errors:
        # A list that is too short only because its entries are faulty needs no word of its own,
        # nor what else than a list could have stood there.
        empty = error["type"] == "too_short" and error["input"]
        other = error["type"] == "literal_error" and error["loc"][:-1] in lists
        if not empty and not other:
            yield error["loc"], sentence(error, plan)


def sentence(error: Any, plan: type[Model]) -> str:
    """What is wrong, where within its entry, and what would be right."""
    location = [step for step in error["loc"] if "[" not in str(step)]
    message = _message(error, plan)
    given = error.get("input")
    shown = f" (found {given!r})" if isinstance(given, str | int | float) else ""
    if len(location) == 2 and isinstance(location[1], int):  # an entry as a whole
        return message + shown
    where = ".".join(str(step) for step in (location[2:] or location[-1:])) or "plan"
    return f"{where}: {message}{shown}"


def _message(error: Any, plan: type[Model]) -> str:
    kind, given = error["type"], error["input"]
    if kind == "tuple_type":
        return f"should be a list, like [{given}]"
    if kind == "string_pattern_mismatch" and error["ctx"]["pattern"] == "^[a-z][a-z0-9_]*$":
        return "should be lower-case letters, digits and underscores, beginning with a letter"
    if kind == "extra_forbidden":
        *path, name = error["loc"]
        known = _fields(plan, path)
        near = difflib.get_close_matches(str(name), known, n=1)
        hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(known)}"
        return "there is no such key here" + (hint if known else "")
    if kind in ("model_type", "dict_type"):
        known = _fields(plan, error["loc"])
        return "should be keys with values" + (
            f", like {{{', '.join(f'{name}: ...' for name in known[:2])}}}" if known else ""
        )
    said = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    return _SAID.get(kind, said)


def _fields(model: type[BaseModel], path: Sequence[Any]) -> list[str]:
    """The keys of what stands at a path of a model; none where that has no keys of its own."""
    at: type[BaseModel] | None = model
    for step in path:
        if isinstance(step, str) and at is not None and "[" not in step and step != at.__name__:
            field = at.model_fields.get(step)
            at = None if field is None else _model_in(field.annotation)
    return [] if at is None else list(at.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that a field holds, by itself, in a list or under keys."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((one for each in get_args(annotation) if (one := _model_in(each))), None)
