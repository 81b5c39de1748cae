"""Where a backtest writes its answer: a file, or standard output."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TextIO

from fleet.errors import IronpulseError


def refuse_nowhere(out: Path | None) -> None:
    """Say that a file's folder is missing before the work, and not after it."""
    if out is not None and not out.parent.is_dir():
        raise IronpulseError(
            f"{out} cannot be written: there is no folder {out.parent}. Give --out a file in a "
            "folder that is there."
        )


def opened(out: Path | None) -> AbstractContextManager[TextIO]:
    """The file `out` for writing; without one, standard output."""
    if out is None:
        return nullcontext(sys.stdout)
    try:
        return out.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise IronpulseError(
            f"{out} cannot be written: {error.strerror}. Give --out a file in a folder that is "
            "there."
        ) from error
