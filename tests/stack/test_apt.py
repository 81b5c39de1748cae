"""Reading the host's apt configuration and apt's answers."""

from __future__ import annotations

import shutil

import pytest

from ironpulse.stack import StackError
from ironpulse.stack.apt import (
    is_library,
    parse_deb822,
    parse_depends,
    parse_one_line,
    require_apt,
)


def test_one_line_sources_keep_their_key() -> None:
    text = """
# deb http://mirror.example/old bookworm main
deb-src http://mirror.example/debian bookworm main
deb [arch=amd64 signed-by=/keys/a.gpg] http://mirror.example/debian bookworm main contrib # why
"""
    (source,) = parse_one_line(text)
    assert source.uris == "http://mirror.example/debian"
    assert source.suites == ("bookworm",)
    assert source.components == ("main", "contrib")
    assert source.options == (("Signed-By", "/keys/a.gpg"),)


def test_deb822_sources_with_an_embedded_key_and_a_disabled_entry() -> None:
    text = """Types: deb deb-src
URIs: http://mirror.example/debian
# a comment
Suites: trixie trixie-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc

Types: deb
URIs: http://other.example
Suites: trixie
Components: main
Enabled: no
"""
    (source,) = parse_deb822(text)
    assert source.suites == ("trixie", "trixie-updates")
    assert source.options[0][1].endswith("\n .\n abc")
    written = source.as_deb822("testing", "amd64")
    (again,) = parse_deb822(written)
    assert again.suites == ("testing",)
    assert again.options == source.options


def test_dependencies_take_the_first_alternative_and_the_first_provider() -> None:
    text = """server
  Depends: libssl3
 |Depends: libfirst
  Depends: libsecond
  PreDepends: <libvirtual>
    libreal
    libother
libssl3
  Depends: libc6
"""
    assert parse_depends(text) == {
        "server": ["libssl3", "libfirst", "libreal"],
        "libssl3": ["libc6"],
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [("libssl3t64", True), ("perl", False), ("libjson-perl", False), ("libllvm19", False)],
)
def test_what_counts_as_a_library(name: str, expected: bool) -> None:
    assert is_library(name) is expected


def test_without_apt_the_error_names_the_two_other_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(StackError, match=r"compose\.yaml.*IRONPULSE_DATABASE_URL.*MQTT_URL"):
        require_apt()
