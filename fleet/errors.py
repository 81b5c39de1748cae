"""Errors that people read: each says what was wrong, where, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


class IronpulseError(Exception):
    """Base of every error that Ironpulse raises on purpose; its text is a whole sentence."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault in a configuration file.

    `line` and `column` count from 1; 0 means that the fault concerns the whole file.
    """

    file: Path
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else str(self.file)
        return f"{place}: {self.message}"


class PlanError(IronpulseError):
    """Product plans that cannot be used; carries every fault found, not just the first."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(sorted(faults, key=lambda f: (str(f.file), f.line, f.column)))
        count = len(self.faults)
        noun = "fault" if count == 1 else "faults"
        lines = "\n".join(f"  {fault}" for fault in self.faults)
        super().__init__(f"{count} {noun} in the product plans:\n{lines}")


class ExpressionError(IronpulseError):
    """An expression of the rule language that cannot be read; `column` counts from 1."""

    def __init__(self, message: str, column: int = 1) -> None:
        super().__init__(message)
        self.column = column
