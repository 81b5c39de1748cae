"""What is kept of a machine and a detector."""

from __future__ import annotations

from dataclasses import fields, replace

from rules.detectors.watched import Watched, nothing_open


def test_another_open_stretch_leaves_all_else_as_it_was() -> None:
    names = [field.name for field in fields(Watched)]
    before = Watched(*(object() for _ in names))  # type: ignore[arg-type]
    stretch = nothing_open(2)
    after, obvious = before.with_open(stretch), replace(before, open=stretch)
    assert all(getattr(after, name) is getattr(obvious, name) for name in names)
