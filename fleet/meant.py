"""What somebody meant who wrote what the rule language does not have: for the messages of
`fleet.expression`."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Collection

#: What other languages, spreadsheets and input methods write, and how it is written here.
_SIGNS = {
    "&&": "and", "||": "or", "AND": "and", "OR": "or", "NOT": "not", "!": "not", "=": "==",
    "<>": "!=", "≥": ">=", "≤": "<=", "≠": "!=", "＞": ">", "＜": "<", "＝": "==", "×": "*",
    "÷": "/", "（": "(", "）": ")", "，": ",", "“": '"', "”": '"', "°": "numbers without a unit",
}  # fmt: skip
_SIGN = re.compile(r"&&|\|\||\b(?:AND|OR|NOT)\b|!(?!=)|<>|(?<![<>=!])=(?!=)|[≥≤≠＞＜＝×÷（），“”°]")
_NODES = {
    ast.Mod: "%", ast.FloorDiv: "//", ast.MatMult: "@", ast.UAdd: "a sign +",
    ast.BitAnd: "& (write and)", ast.BitOr: "| (write or)", ast.BitXor: "^ (write **)",
    ast.Invert: "~ (write not)", ast.LShift: "<<", ast.RShift: ">>",
    ast.Is: "is (write ==)", ast.IsNot: "is not (write !=)",
    ast.In: "in (write x == 1 or x == 2)", ast.NotIn: "not in (write x != 1 and x != 2)",
    ast.IfExp: "if (write where(x, condition))",
    ast.Tuple: "a comma between numbers (a decimal is written 1.5)",
    ast.Attribute: "a dot behind a name", ast.Subscript: "an index", ast.List: "a list",
}  # fmt: skip
#: A number with a unit behind it, where something else begins or the text ends.
_UNIT = re.compile(
    r"(?<![\w.\"'])([0-9]+(?:\.[0-9]+)?)(\s*)(?!(?:and|or|not|if)\b)(%|[^\W\d_]\w*)"
    r"(?=\s*(?:$|[-+*/<>=!),]|and\b|or\b))"
)
_WINDOW = re.compile(r"(?:s|min|h|d|op_min|op_h)\b")
#: What functions are called elsewhere.
_FUNCTIONS = {
    "mean": "avg", "average": "avg", "median": "avg", "maximum": "max", "highest": "high",
    "minimum": "min", "lowest": "low", "diff": "delta", "change": "delta", "slope": "rate",
    "derivative": "rate", "trend": "rate", "std": "spread", "stdev": "spread", "sum": "growth",
    "total": "growth", "duration": "hours", "if": "where",
}  # fmt: skip
#: What is a name elsewhere and needs none here.
_NAMES = {
    "regime": "`regimes` of the rule says in which it is judged",
    "null": "what is missing is unknown by itself, and raises nothing",
    "true": "write 1", "false": "write 0",
}  # fmt: skip
_NAMES |= dict.fromkeys(("none", "nan"), _NAMES["null"])


def sign_meant(text: str) -> tuple[int, str] | None:
    """The first sign in a text that is written otherwise here: its column (from 1) and a sentence;
    None where there is none."""
    found = _SIGN.search(text)
    if found is None:
        return None
    return (
        found.start() + 1,
        f"{found[0]} is not part of the rule language; write {_SIGNS[found[0]]}",
    )


def unit_meant(text: str) -> tuple[int, str] | None:
    """The first number with a unit, in a text that cannot be read: its column and a sentence."""
    found = _UNIT.search(text)
    if found is None:
        return None
    number, blank, unit = found.groups()
    if _WINDOW.match(unit) and re.search(r",\s*$", text[: found.start()]):
        return found.start() + 1, f'a window stands in quotes: write "{number}{blank}{unit}"'
    return found.start(3) + 1, f"{unit} behind a number; write numbers without a unit"


def named(node: ast.AST) -> str:
    """What the language does not have, as somebody who wrote it would call it."""
    return _NODES.get(type(node), type(node).__name__)


def function_meant(name: str, functions: Collection[str]) -> str:
    """What to say behind a function that is not known."""
    meant = _FUNCTIONS.get(name.lower())
    near = [meant] if meant else difflib.get_close_matches(name, functions, n=1)
    return f"; did you mean {near[0]}?" if near else ""


def name_meant(name: str, known: Collection[str]) -> str:
    """What to say behind a name that is not known."""
    if name.lower() in _NAMES:
        return f"; {_NAMES[name.lower()]}"
    near = difflib.get_close_matches(name, list(known), n=1)
    if near:
        return f"; did you mean {near[0]}?"
    return ": there is no such signal or parameter"
