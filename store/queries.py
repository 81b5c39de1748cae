"""SQL lives in .sql files as named blocks; code asks for a block by its name.

A block begins with a line `-- name: some_name` and ends where the next begins. Parameters are
psycopg's `%(name)s`.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

_HERE = Path(__file__).parent / "sql"
_NAME = re.compile(r"^-- name: ([a-z0-9_]+)\s*$", re.MULTILINE)


@cache
def load(noun: str) -> dict[str, str]:
    """The named blocks of `sql/<noun>.sql`, name -> SQL."""
    parts = _NAME.split((_HERE / f"{noun}.sql").read_text(encoding="utf-8"))
    return {name: sql.strip() for name, sql in zip(parts[1::2], parts[2::2], strict=True)}
