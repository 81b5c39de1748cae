"""compose.yaml and its broker configuration say the same as the local stack."""

from __future__ import annotations

import json
from pathlib import Path

import yaml
from typer.testing import CliRunner

from ironpulse.stack.broker import configuration, tls_listeners
from ironpulse.stack.cli import app

ROOT = Path(__file__).parents[2]


def test_the_containers_broker_has_the_local_stacks_settings() -> None:
    text = (ROOT / "compose" / "mosquitto.conf").read_text(encoding="utf-8")
    settings = [line for line in text.splitlines() if not line.startswith("#")]
    plugins = Path("/usr/lib")
    folder = Path("/mosquitto/data")
    expected = configuration(
        ["listener 1883", *tls_listeners("8883", "8884", folder)],
        folder,
        plugins / "mosquitto_dynamic_security.so",
        plugins / "mosquitto_persist_sqlite.so",
    )
    assert settings == expected.splitlines()


def test_compose_reads_what_the_command_writes(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["compose", "--dir", str(tmp_path), "--name", "broker.test"])
    assert result.exit_code == 0, result.output
    services = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    env_file = Path(services["database"]["env_file"]).name
    word = (tmp_path / env_file).read_text().removeprefix("POSTGRES_PASSWORD=").strip()
    assert f"ironpulse:{word}@127.0.0.1:5432/ironpulse" in result.output
    file = json.loads((tmp_path / "broker" / "dynamic-security.json").read_text())
    assert {client["username"] for client in file["clients"]} == {"admin", "ingest"}
    assert f"mqtts://broker.test:8883?ca={tmp_path / 'tls' / 'ca.crt'}" in result.output
    mounted = {path.name for path in (tmp_path / "broker").iterdir()}
    assert mounted == {"dynamic-security.json", "ca.crt", "server.crt", "server.key"}
    again = CliRunner().invoke(app, ["compose", "--dir", str(tmp_path)])
    assert again.exit_code == 1
