"""Where a command's answer goes: a file, or the standard output."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TextIO

from fleet.errors import IronpulseError


def opened(out: Path | None) -> AbstractContextManager[TextIO]:
    """The file `out` for writing, or the standard output where there is none."""
    if out is None:
        return nullcontext(sys.stdout)
    try:
        return out.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise IronpulseError(
            f"{out} cannot be written: {error.strerror}. Give --out a file in a folder that is "
            "there."
        ) from error
