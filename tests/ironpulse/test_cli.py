"""The command line: exit code 0 only if it worked, and errors that are sentences."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from ironpulse.cli import app
from store.connection import connect
from store.processes import Process, beat
from tests.conftest import PRODUCTS
from tests.ironpulse.commands import ironpulse

ROLLER = Path(__file__).parents[1] / "products" / "road_roller"
NOBODY = "postgresql://nobody:secret@127.0.0.1:1/nothing"


@pytest.mark.parametrize(
    ("arguments", "settings", "said"),
    [
        (["migrate"], {"database_url": NOBODY}, "127.0.0.1"),
        (["migrate"], {"products": "/nowhere", "database_url": NOBODY}, "/nowhere"),
        (["status"], {"database_url": NOBODY}, "127.0.0.1"),
        (["api", "--port", "0"], {"database_url": NOBODY}, "--port"),
        (["ingest"], {"database_url": NOBODY, "mqtt_url": "mqtt://127.0.0.1:1"}, "127.0.0.1"),
        (["products", "check", "/nowhere"], {}, "/nowhere"),
        (["demo"], {"mqtt_url": "mqtt://127.0.0.1:1"}, "IRONPULSE_MQTT_ADMIN_URL"),
    ],
)
def test_what_fails_says_so_in_a_sentence(
    tmp_path: Path, arguments: list[str], settings: dict[str, str], said: str
) -> None:
    done = ironpulse(*arguments, folder=tmp_path, **settings)
    assert done.returncode != 0
    words = done.stdout + done.stderr
    assert said in words
    assert "Traceback" not in words
    assert "secret" not in words, "a password is nobody's business"


def test_a_taken_port_is_said(tmp_path: Path, small_store: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for command in ("api", "demo"):
            done = ironpulse(
                command, "--port", str(port), folder=tmp_path, database_url=small_store
            )
            assert done.returncode == 1
            assert str(port) in done.stderr and "--port" in done.stderr


def _commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name, below in getattr(command, "commands", {}).items():
        yield from _commands(below, (*path, name))
    yield " ".join(path), command


def test_every_command_explains_itself_and_all_it_takes() -> None:
    found = dict(_commands(get_command(app)))
    assert {"", "demo", "machines add", "backtest rules", "accounts remove"} <= set(found)
    for path, command in found.items():
        assert command.help, path
        assert CliRunner().invoke(app, [*path.split(), "--help"]).exit_code == 0, path
        for parameter in command.params:
            assert getattr(parameter, "help", None), (path, parameter.name)


def test_products_in_order_are_said_to_be(tmp_path: Path) -> None:
    products = str(_roller(tmp_path))
    done = ironpulse("products", "check", "--json", folder=tmp_path, products=products)
    report = json.loads(done.stdout)
    assert done.returncode == 0, done.stdout
    assert report["ok"] is True and report["products"] == ["road_roller"]


@pytest.mark.parametrize(
    "breaks",
    [
        [
            ("rules.yaml", "severity: 4", "severity: 9"),
            ("parts.yaml", "price_class: B", "price_class: Q"),
        ],
        [("rules.yaml", "[frame_acc_g, ", "[frame_acc, "), ("parts.yaml", "RO-F04", "RO-F99")],
    ],
    ids=["what cannot be read", "what does not fit together"],
)
def test_faults_of_a_plan_are_told_at_once_with_file_and_line(
    tmp_path: Path, breaks: list[tuple[str, str, str]]
) -> None:
    folder = _roller(tmp_path)
    places = [_replace(folder / "road_roller" / file, old, new) for file, old, new in breaks]
    done = ironpulse("products", "check", str(folder), folder=tmp_path)
    assert done.returncode == 1
    for place in places:
        assert f"{place}:" in done.stdout


def test_a_rule_that_does_not_do_what_its_test_says_is_a_failure(tmp_path: Path) -> None:
    folder = tmp_path / "products"
    shutil.copytree(PRODUCTS / "common", folder / "common")
    shutil.copytree(ROLLER, folder / "road_roller")
    _replace(
        folder / "road_roller" / "rules.yaml", "drum_bearing_l_c > 125", "drum_bearing_l_c > 135"
    )
    done = ironpulse("products", "check", str(folder), folder=tmp_path)
    assert done.returncode == 1
    assert "a bearing runs hot" in done.stdout


def test_migrating_twice_changes_nothing(tmp_path: Path, empty_database: str) -> None:
    first, second = (
        ironpulse("migrate", folder=tmp_path, database_url=empty_database) for _ in range(2)
    )
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert "5 product plans are loaded" in second.stdout
    assert len(second.stdout.splitlines()) == 1


def test_status_says_what_runs_and_how_far_behind_it_is(tmp_path: Path, small_store: str) -> None:
    with connect(small_store) as connection:
        beat(connection, Process("api", "8000", "http://127.0.0.1:8000"), {})
        dead = Process("rules", pid=1)
        beat(connection, dead, {})
        connection.execute("update process_beat set beat_at = beat_at - interval '1 minute'"
                           " where process = 'rules'")  # fmt: skip
    servers = {"database_url": small_store, "mqtt_url": "mqtt://in:secret@broker.example:2883"}
    done = ironpulse("status", "--json", folder=tmp_path, **servers)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    states = {row["process"]: (row["state"], row["address"]) for row in found["processes"]}
    assert states == {"api": ("running", "http://127.0.0.1:8000"), "rules": ("silent", None)}
    assert {"server": "broker", "address": "mqtt://broker.example:2883"} in found["servers"]
    assert "secret" not in done.stdout
    assert found["samples"][0]["received"] == 0 and found["rejected"] == []
    assert found["connections"] == [{"never_seen": 3}]
    assert all({"batches_behind", "seconds_behind"} <= set(row) for row in found["consumers"])
    table = ironpulse("status", folder=tmp_path, **servers)
    assert table.returncode == 0 and "http://127.0.0.1:8000" in table.stdout


def _roller(folder: Path) -> Path:
    """Plans of a small product, which a test may break."""
    plans = folder / "products"
    shutil.copytree(PRODUCTS / "common", plans / "common")
    shutil.copytree(ROLLER, plans / "road_roller")
    return plans


def _replace(path: Path, old: str, new: str) -> str:
    """Change the first `old` of a file; returns the file and the line."""
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return f"{path}:{text[: text.index(old)].count(chr(10)) + 1}"
