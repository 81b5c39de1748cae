"""Settings come from the environment, then from the local stack; what is missing is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from ironpulse import settings as module
from ironpulse.settings import Settings, SettingsError, with_user
from ironpulse.stack import LocalStack

NAMES = ("DATABASE_URL", "MQTT_URL", "MQTT_ADMIN_URL", "API_URL", "PRODUCTS", "STACK")


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting, and no local stack."""
    for name in NAMES:
        monkeypatch.delenv(f"IRONPULSE_{name}", raising=False)
    monkeypatch.setattr(module, "default_directory", lambda: tmp_path / "default")


def test_the_environment_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IRONPULSE_DATABASE_URL", "postgresql://a@b/c")
    monkeypatch.setenv("IRONPULSE_MQTT_URL", "mqtt://ingest:word@broker:2883")
    monkeypatch.setenv("IRONPULSE_PRODUCTS", "/plans")
    found = Settings()
    assert found.database() == "postgresql://a@b/c"
    assert found.mqtt() == "mqtt://ingest:word@broker:2883"
    assert found.mqtt_address() == "mqtt://broker:2883", "devices have their own credentials"
    assert found.products == Path("/plans")


@pytest.mark.parametrize(("ask", "named"), [
    (Settings.database, "IRONPULSE_DATABASE_URL"), (Settings.mqtt, "IRONPULSE_MQTT_URL"),
])  # fmt: skip
def test_what_is_missing_is_named_with_the_way_out(ask: object, named: str) -> None:
    with pytest.raises(SettingsError, match=rf"(?s){named}.*ironpulse stack up"):
        ask(Settings())  # type: ignore[operator]


def test_servers_of_ones_own_are_named_all_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IRONPULSE_DATABASE_URL", "postgresql://a@b/c")
    with pytest.raises(SettingsError, match="IRONPULSE_MQTT_ADMIN_URL"):
        Settings().foreign_addresses()
    monkeypatch.setenv("IRONPULSE_MQTT_URL", "mqtt://in:p%2Fw@broker")
    monkeypatch.setenv("IRONPULSE_MQTT_ADMIN_URL", "mqtt://boss:key@broker")
    found = Settings().foreign_addresses()
    assert (found.mqtt_url, found.mqtt_ingest_user) == ("mqtt://broker:1883", "in")
    assert (found.mqtt_ingest_password, found.mqtt_admin_password) == ("p/w", "key")


@pytest.mark.parametrize("name", ["default", "demo-8501"])
def test_the_only_stack_that_runs_is_found(
    monkeypatch: pytest.MonkeyPatch, stack: LocalStack, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).symlink_to(stack.directory)
    found = Settings()
    assert found.database() == stack.addresses.database_url
    assert found.mqtt().startswith(f"mqtt://{stack.addresses.mqtt_ingest_user}:")
    assert found.mqtt_address() == stack.addresses.mqtt_url


def test_where_two_stacks_run_one_is_named(
    monkeypatch: pytest.MonkeyPatch, stack: LocalStack, tmp_path: Path
) -> None:
    for name in ("demo-1", "demo-2"):
        (tmp_path / name).symlink_to(stack.directory)
    with pytest.raises(SettingsError, match=r"demo-1.*demo-2.*IRONPULSE_STACK"):
        Settings().database()
    monkeypatch.setenv("IRONPULSE_STACK", str(tmp_path / "demo-2"))
    assert Settings().database() == stack.addresses.database_url


def test_a_password_with_any_characters_fits_into_a_url() -> None:
    assert with_user("mqtt://h:1", "a b", "p@ss/:") == "mqtt://a%20b:p%40ss%2F%3A@h:1"
