"""Plain values with places: what a person wrote, and where."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fleet.errors import PlanError
from fleet.yaml_source import read_yaml

#: A few hundred bytes that are a hundred million values.
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)


def written(folder: Path, text: str) -> Path:
    path = folder / "file.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("-3.5", -3.5),
        ("1.0e-7", 1e-7),
        ("1_000", 1000),
        ("010", 10),
        ("true", True),
        ("False", False),
        ("off", "off"),
        ("yes", "yes"),
        ("10:30", "10:30"),
        ("2026-01-01", "2026-01-01"),
        ('"3"', "3"),
        ("°C", "°C"),
        ("~", None),
        ("", None),
        ("[1, two]", [1, "two"]),
        ("{1: one}", {1: "one"}),
    ],
)
def test_values_are_what_a_person_means(tmp_path: Path, text: str, value: Any) -> None:
    assert read_yaml(written(tmp_path, f"key: {text}\n")).plain() == {"key": value}


def test_every_value_knows_its_place(tmp_path: Path) -> None:
    root = read_yaml(written(tmp_path, "rules:\n  - id: first\n  - {id: second, hold_s: 5}\n"))
    place = root.at(("rules", 1, "hold_s"))
    assert (place.line, place.column, place.plain()) == (3, 26, 5)


def test_a_path_that_leads_nowhere_ends_at_the_nearest_value_above(tmp_path: Path) -> None:
    root = read_yaml(written(tmp_path, "rules:\n  - id: first\n"))
    assert root.at(("rules", 0, "hold_s", 7)).line == 2
    assert root.at(("rules", 5)).line == 2
    assert root.at(("signals",)).line == 1


def test_a_repeated_value_stands_where_it_was_first_written(tmp_path: Path) -> None:
    root = read_yaml(written(tmp_path, "a: &text {en: one}\nb: *text\n"))
    assert root.plain() == {"a": {"en": "one"}, "b": {"en": "one"}}
    assert root.at(("b", "en")).line == 1


def test_double_keys_are_all_told(tmp_path: Path) -> None:
    text = "a: 1\nb:\n  - {c: 1, d: 2, c: 3}\na: 2\n"
    with pytest.raises(PlanError) as caught:
        read_yaml(written(tmp_path, text))
    found = [(fault.line, fault.column, fault.message) for fault in caught.value.faults]
    assert found == [
        (3, 18, "the key c stands here twice"),
        (4, 1, "the key a stands here twice"),
    ]


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a: [1, 2\nb: 3\n", (2, 2), "is no YAML"),
        ("a: {b: c: d}\n", (1, 9), "is no YAML"),
        ("a: \x07\n", (0, 0), "is no YAML"),
        ("# nothing but a comment\n", (0, 0), "is empty"),
        ("a: *b\n", (1, 4), "undefined alias"),
        ("a: &a [1, *a]\n", (1, 11), "*a stands within &a"),
        ("a: " + "[" * 100_000, (1, 53), "nested more than 50 deep"),
        ("- " * 1_000 + "a", (1, 101), "nested more than 50 deep"),
        (BOMB, (6, 15), "more than 200,000 values"),
    ],
)
def test_what_cannot_be_read_says_where_and_why(
    tmp_path: Path, text: str, place: tuple[int, int], words: str
) -> None:
    with pytest.raises(PlanError) as caught:
        read_yaml(written(tmp_path, text))
    (fault,) = caught.value.faults
    assert (fault.line, fault.column) == place
    assert words in fault.message
    assert fault.file == tmp_path / "file.yaml"


def test_a_file_that_is_not_there_or_not_utf8_is_told(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="cannot be read"):
        read_yaml(tmp_path / "missing.yaml")
    path = tmp_path / "file.yaml"
    path.write_bytes("name: 混凝土".encode("gbk"))
    with pytest.raises(PlanError, match="cannot be read"):
        read_yaml(path)
