"""The servers of the local stack: which packages they come from, where their programs are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ironpulse.stack.apt import Apt
from ironpulse.stack.packages import Bundle, Progress, say, unpacked


@dataclass(frozen=True)
class Programs:
    """The unpacked servers."""

    root: Path
    postgres_bin: Path
    mosquitto: Path
    mosquitto_plugins: Path  # folder of the broker's plugins
    mosquitto_pub: Path
    mosquitto_sub: Path
    versions: dict[str, str]

    def plugin(self, name: str) -> Path | None:
        """A plugin of the broker by its short name, None where its version has it not."""
        path = self.mosquitto_plugins / f"mosquitto_{name}.so"
        return path if path.exists() else None


def _servers(apt: Apt) -> list[str] | None:
    pattern = re.compile(r"postgresql-(\d+)-timescaledb")
    offered = [m for m in map(pattern.fullmatch, apt.names("postgresql-")) if m]
    if not offered or apt.version("mosquitto") is None:
        return None
    newest = max(int(match[1]) for match in offered)
    return [
        f"postgresql-{newest}",
        f"postgresql-{newest}-timescaledb",
        "mosquitto",
        "mosquitto-clients",
    ]


# The empty name stands for the suite the host itself runs.
SERVERS = Bundle(
    name="servers",
    suites=("testing", "stable", "trixie", ""),
    wanted=_servers,
    programs=("usr/lib/postgresql/*/bin/*", "usr/sbin/mosquitto", "usr/bin/mosquitto_*"),
)


def server_programs(progress: Progress = say) -> Programs:
    """PostgreSQL with TimescaleDB and Mosquitto from the cache, fetched first where needed."""
    found = unpacked(SERVERS, progress)
    return Programs(
        root=found.root,
        postgres_bin=found.find("usr/lib/postgresql/*/bin/postgres").parent,
        mosquitto=found.find("usr/sbin/mosquitto"),
        # The name outside the plugins' own folder is a link to the one inside.
        mosquitto_plugins=found.find("usr/lib/*/mosquitto_dynamic_security.so").resolve().parent,
        mosquitto_pub=found.find("usr/bin/mosquitto_pub"),
        mosquitto_sub=found.find("usr/bin/mosquitto_sub"),
        versions=found.packages,
    )
