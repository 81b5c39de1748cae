"""What somebody meant who wrote what the rule language does not have: for the messages of
`fleet.expression`."""

from __future__ import annotations

import ast
import re

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


def named(node: ast.AST) -> str:
    """What the language does not have, as somebody who wrote it would call it."""
    return _NODES.get(type(node), type(node).__name__)
