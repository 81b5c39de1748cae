"""A private apt: its own lists, status and cache, the mirrors and keys of the host's apt.

The host's apt is only read. Mirrors, proxies and signing keys come from its configuration, so
nothing here names a server, and what works for `apt-get` on this machine works here.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ironpulse.stack.errors import OTHER_WAYS, StackError

_TOOLS = ("apt-get", "apt-cache", "apt-config", "dpkg")
_ROLLING = {"stable", "testing", "unstable", "sid", "oldstable"}
# What the host's apt adds to each update for desktop programs; nothing here reads it.
_UNWANTED = ("Acquire::IndexTargets", "Acquire::Languages", "Acquire::GzipIndexes")


@dataclass(frozen=True)
class Source:
    """One entry of the host's apt sources, with every field as it was written there."""

    uris: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    options: tuple[tuple[str, str], ...] = ()

    def as_deb822(self, suite: str, architecture: str) -> str:
        """This mirror with another suite, as the text of a .sources file."""
        fields = [("Types", "deb"), ("URIs", self.uris), ("Suites", suite)]
        fields += [("Components", "main"), ("Architectures", architecture), *self.options]
        return "".join(f"{name}: {value}\n" for name, value in fields)


def require_apt() -> None:
    """Raise StackError where this machine has no apt."""
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing:
        raise StackError(
            f"The local stack needs apt to fetch its servers, but {', '.join(missing)} is not on "
            f"PATH (a Debian or Ubuntu machine has it). {OTHER_WAYS}"
        )


def parse_one_line(text: str) -> list[Source]:
    """The `deb` lines of a sources.list; anything else is passed over."""
    found = []
    pattern = re.compile(r"^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+(.+)$")
    names = {"signed-by": "Signed-By", "trusted": "Trusted"}
    for line in text.splitlines():
        match = pattern.match(line.split("#", 1)[0].strip())
        if match is None:
            continue
        options, uri, suite, components = match.groups()
        pairs = (option.partition("=") for option in (options or "").split())
        kept = tuple((names[k.lower()], v) for k, _, v in pairs if k.lower() in names)
        found.append(Source(uri, (suite,), tuple(components.split()), kept))
    return found


def parse_deb822(text: str) -> list[Source]:
    """The enabled binary entries of a .sources file."""
    found = []
    for paragraph in re.split(r"\n\s*\n", text):
        fields = _fields(paragraph)
        types = fields.get("types", "").split()
        if "deb" not in types or fields.get("enabled", "yes").lower() in ("no", "false", "0"):
            continue
        kept = tuple(
            (name, fields[name.lower()])
            for name in ("Signed-By", "Trusted", "Check-Valid-Until")
            if name.lower() in fields
        )
        suites, components = fields.get("suites", ""), fields.get("components", "")
        uris = fields.get("uris", "")
        found.append(Source(uris, tuple(suites.split()), tuple(components.split()), kept))
    return found


def _fields(paragraph: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for line in paragraph.splitlines():
        if line.startswith("#"):
            continue
        if line[:1].isspace() and name:
            fields[name] += "\n" + line  # a key may be written out over many lines
        elif ":" in line:
            head, _, value = line.partition(":")
            name = head.strip().lower()
            fields[name] = value.strip()
    return fields


def host_codename() -> str:
    """The suite this machine runs, for instance `bookworm`; empty where it says none."""
    try:
        return platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    except OSError:
        return ""


def host_sources(etc: Path = Path("/etc/apt")) -> list[Source]:
    """The host's entries that carry its own distribution, its main file first."""
    parts = sorted((etc / "sources.list.d").glob("*"), key=lambda p: (p.stem != "debian", p.name))
    found: list[Source] = []
    for path in [etc / "sources.list", *parts]:
        if not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        if path.suffix == ".list":
            found += parse_one_line(text)
        elif path.suffix == ".sources":
            found += parse_deb822(text)
    known = {host_codename(), *_ROLLING}
    return [s for s in found if known & set(s.suites) and "main" in s.components]


class Apt:
    """One suite of one mirror, with lists and status of its own below `folder`."""

    def __init__(self, folder: Path, source: Source, suite: str) -> None:
        self.suite = suite
        self._folder = folder / suite
        self._architecture = _output(["dpkg", "--print-architecture"]).strip()
        self._write_configuration(source)

    def update(self) -> None:
        """Fetch the suite's package list; raises StackError with apt's words."""
        self._run("apt-get", "-q", "update", "-o", "APT::Update::Error-Mode=any")

    def names(self, prefix: str) -> list[str]:
        """Names of all packages that begin with `prefix`."""
        return self._run("apt-cache", "pkgnames", prefix).split()

    def version(self, package: str) -> str | None:
        """The version on offer, None where there is none."""
        match = re.search(r"Candidate: (\S+)", self._run("apt-cache", "policy", package))
        return None if match is None or match[1] == "(none)" else match[1]

    def with_libraries(self, packages: Sequence[str]) -> list[str]:
        """`packages` and all libraries they need, however deep.

        Only packages named lib* are followed: what else Debian wants beside a server (init
        scripts, perl, user management) is for installing it, not for running it.
        """
        text = self._run("apt-cache", "depends", "--recurse", "--important", *packages)
        graph = parse_depends(text)
        found = list(dict.fromkeys(packages))
        for name in found:
            found += [n for n in graph.get(name, []) if n not in found and is_library(n)]
        return found

    def download(self, packages: Iterable[str], into: Path) -> list[Path]:
        """Fetch the .deb files (apt checks their hashes); returns them in name order."""
        self._run("apt-get", "-q", "download", *packages, cwd=into)
        return sorted(into.glob("*.deb"))

    def _run(self, *command: str, cwd: Path | None = None) -> str:
        environment = os.environ | {"APT_CONFIG": str(self._folder / "apt.conf"), "LC_ALL": "C"}
        return _output(command, cwd=cwd, environment=environment)

    def _write_configuration(self, source: Source) -> None:
        here = self._folder
        for part in ("lists/partial", "archives/partial", "sources.list.d", "state"):
            (here / part).mkdir(parents=True, exist_ok=True)
        (here / "status").touch()
        text = source.as_deb822(self.suite, self._architecture)
        (here / "sources.list.d" / "mirror.sources").write_text(text, encoding="utf-8")
        settings = {
            "Dir::State": here / "state",
            "Dir::State::lists": here / "lists",
            "Dir::State::status": here / "status",
            "Dir::Cache": here,
            "Dir::Etc::sourcelist": "/dev/null",
            "Dir::Etc::sourceparts": here / "sources.list.d",
            "Dir::Etc::main": "/dev/null",
            "Dir::Etc::parts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "Acquire::Languages": "none",
            "APT::Architecture": self._architecture,
        }
        lines = [f'{name} "{value}";' for name, value in settings.items()]
        lines.append(f'APT::Architectures {{ "{self._architecture}"; }};')
        conf = "\n".join([*lines, *_host_acquire_settings()]) + "\n"
        (here / "apt.conf").write_text(conf, encoding="utf-8")


def _host_acquire_settings() -> list[str]:
    """Proxies, certificates and retries of the host's apt, in its own notation."""
    lines = _output(["apt-config", "dump"]).splitlines()
    return [n for n in lines if n.startswith("Acquire::") and not n.startswith(_UNWANTED)]


def is_library(package: str) -> bool:
    """Whether a dependency is worth unpacking: a shared library a program loads."""
    # The compiler of PostgreSQL's jit is 100 MB, loaded on demand, and jit is off here.
    return package.startswith("lib") and not re.search(r"-perl$|^libperl|^libllvm", package)


def parse_depends(text: str) -> dict[str, list[str]]:
    """What `apt-cache depends` says, as package -> the packages it needs.

    Of alternatives the first counts, of a virtual package the first that provides it.
    """
    graph: dict[str, list[str]] = {}
    current: list[str] = []
    alternative = virtual = False
    for line in text.splitlines():
        if line and not line[0].isspace():
            current = graph.setdefault(line.strip(), [])
            alternative = virtual = False
        elif match := re.match(r"^ (\|| )(?:Pre)?Depends: (\S+)$", line):
            name = match[2]
            virtual = not alternative and name.startswith("<")
            if not alternative and not virtual:
                current.append(name)
            alternative = match[1] == "|"
        elif virtual and line.startswith("    "):
            current.append(line.strip())
            virtual = False
    return graph


def _output(
    command: Sequence[str], cwd: Path | None = None, environment: dict[str, str] | None = None
) -> str:
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        words = " ".join((done.stderr or done.stdout).split())[:600]
        raise StackError(f"`{' '.join(command[:4])}` failed: {words}")
    return done.stdout
