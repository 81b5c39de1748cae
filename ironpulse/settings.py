"""Settings of every process: environment variables, then the local stack that runs here."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from fleet.broker import BrokerAddress
from fleet.errors import IronpulseError
from ironpulse.stack import Credentials, StackAddresses, default_directory
from ironpulse.stack.certificates import Authority
from ironpulse.stack.local import running_state
from store.retention import Keep

PRODUCTS = Path(__file__).resolve().parent.parent / "products"


class SettingsError(IronpulseError):
    """A setting is missing or cannot be right."""


class Settings(BaseSettings):
    """Where the servers are. Read from IRONPULSE_DATABASE_URL, IRONPULSE_MQTT_URL, ...

    Without them the addresses of the local stack are taken, if one runs (`ironpulse stack up`, or
    a demo).
    """

    model_config = SettingsConfigDict(env_prefix="IRONPULSE_", extra="ignore")

    database_url: str | None = None
    """PostgreSQL with TimescaleDB, postgresql://user:password@host:port/name."""
    mqtt_url: str | None = None
    """The broker with the account of the ingest, mqtt://user:password@host:port, or
    mqtts://...?ca=FILE (fleet/broker.py)."""
    mqtt_admin_url: str | None = None
    """The broker with its dynamic-security administrator; needed to register devices there."""
    authority: Path | None = None
    """The folder of the certificate authority (ca.crt, ca.key) that signs for machines."""
    stack: Path | None = None
    """The folder of the local stack to use where several run."""
    api_url: str = "http://127.0.0.1:8000"
    """Where the dashboard finds the API."""
    products: Path = PRODUCTS
    """The folder of the product plans."""
    keep_log_days: Annotated[int, Field(ge=7)] = 90
    """Days that entries of the ingest log are kept, once every consumer has read them."""
    keep_rejected_days: Annotated[int, Field(ge=1)] = 365
    """Days that rejected messages are kept."""
    keep_rejected_mb: Annotated[int, Field(ge=1)] = 5120
    """So many megabytes of rejected messages are kept, the newest."""
    keep_reports_days: Annotated[int, Field(ge=30)] = 3 * 365
    """Days that lists of trouble codes, connection states and counts of bad values are kept."""
    keep_conditions_days: Annotated[int, Field(ge=100)] = 400
    """Days that the course of what parts showed of their wear is kept."""

    def keep(self) -> Keep:
        """How long things are kept beside telemetry."""
        return Keep(
            log=timedelta(days=self.keep_log_days),
            rejected=timedelta(days=self.keep_rejected_days),
            rejected_bytes=self.keep_rejected_mb * 2**20,
            reports=timedelta(days=self.keep_reports_days),
            conditions=timedelta(days=self.keep_conditions_days),
        )

    def database(self) -> str:
        """The database's URL. Raises SettingsError when none is set and no stack runs."""
        return self.database_url or self._stack("IRONPULSE_DATABASE_URL").database_url

    def mqtt(self) -> str:
        """The broker's URL with user and password of the ingest; raises SettingsError likewise."""
        if self.mqtt_url is not None:
            return self.mqtt_url
        stack = self._stack("IRONPULSE_MQTT_URL")
        return with_user(stack.mqtt_url, stack.mqtt_ingest_user, stack.mqtt_ingest_password)

    def mqtt_admin(self) -> Credentials:
        """A connection that adds and revokes device credentials; close it after use."""
        if self.mqtt_admin_url is not None:
            given = BrokerAddress.of(self.mqtt_admin_url)
            return Credentials(given.url, given.user or "", given.password or "")
        stack = self._stack("IRONPULSE_MQTT_ADMIN_URL")
        return Credentials(stack.mqtt_url, stack.mqtt_admin_user, stack.mqtt_admin_password)

    def mqtt_address(self) -> str:
        """The broker's URL without user and password, for devices with their own."""
        return BrokerAddress.of(self.mqtt()).for_others().url

    def machines_authority(self) -> Authority:
        """Who signs certificates of machines. Raises SettingsError where nobody is named and no
        stack with TLS runs."""
        folder = self.authority
        if folder is None and (own := self._stack("IRONPULSE_AUTHORITY").authority):
            folder = Path(own)
        if folder is None or not (folder / "ca.key").exists():
            raise SettingsError(
                f"There is no certificate authority{f' in {folder}' if folder else ''}: name the "
                "folder of its ca.crt and ca.key with IRONPULSE_AUTHORITY, or start the local "
                "stack with `ironpulse stack up --tls`."
            )
        return Authority(folder)

    def foreign_addresses(self) -> StackAddresses:
        """Addresses of servers that were all named by URL. Raises SettingsError otherwise."""
        if not (self.database_url and self.mqtt_url and self.mqtt_admin_url):
            raise SettingsError(
                "To run on servers of your own set all three: IRONPULSE_DATABASE_URL, "
                "IRONPULSE_MQTT_URL and IRONPULSE_MQTT_ADMIN_URL; or none, for the local stack."
            )
        ingest, admin = BrokerAddress.of(self.mqtt_url), BrokerAddress.of(self.mqtt_admin_url)
        return StackAddresses(
            self.database_url,
            ingest.for_others().url,
            admin.user or "",
            admin.password or "",
            ingest.user or "",
            ingest.password or "",
        )

    def _stack(self, variable: str) -> StackAddresses:
        """The local stack: the one in the folder `stack`, or the only one that runs here."""
        home = default_directory()
        folders = [self.stack] if self.stack else [home, *sorted(home.parent.glob("demo-*"))]
        running = {folder: state for folder in folders if (state := running_state(folder))}
        if len(running) > 1:
            names = ", ".join(str(folder) for folder in running)
            raise SettingsError(
                f"Several local stacks run: {names}. Say which one with IRONPULSE_STACK=FOLDER."
            )
        for state in running.values():
            if state.addresses is not None:
                return StackAddresses(**state.addresses)
        raise SettingsError(
            f"{variable} is not set and no local stack runs. Set it to the server's URL, or "
            "start the local stack with `ironpulse stack up`."
        )


def with_user(url: str, user: str, password: str) -> str:
    """The broker's URL with user and password put into it."""
    return BrokerAddress.of(url).signing_in(user, password).url
