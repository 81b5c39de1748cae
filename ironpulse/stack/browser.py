"""Chromium for browser tests and pictures: the host's own, or Debian's unpacked into the cache.

Fonts come along in any case, because a page in Chinese without a Chinese font is boxes.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from ironpulse.stack.apt import Apt
from ironpulse.stack.errors import StackError
from ironpulse.stack.packages import (
    Bundle,
    Progress,
    Unpacked,
    cache_root,
    library_folders,
    say,
    unpacked,
)

# Sandboxing needs rights that containers and root lack; the rest keeps it off the network.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
_FONTS = ("fonts-wqy-zenhei", "fonts-dejavu-core")


@dataclass(frozen=True)
class Browser:
    """What Playwright's `chromium.launch(executable_path=, args=, env=)` wants."""

    executable: Path
    arguments: tuple[str, ...]
    environment: dict[str, str]


def _fonts(apt: Apt) -> list[str] | None:
    return list(_FONTS) if all(map(apt.version, _FONTS)) else None


def _chromium(apt: Apt) -> list[str] | None:
    return ["chromium", "chromium-common"] if apt.version("chromium") else None


FONTS = Bundle("fonts", ("",), _fonts, ())
CHROMIUM = Bundle(
    "chromium",
    ("", "stable"),
    _chromium,
    ("usr/lib/chromium/chromium", "usr/lib/chromium/chrome_crashpad_handler"),
)


def browser(progress: Progress = say) -> Browser:
    """A Chromium that runs here and draws Chinese; fetched first where the host has none.

    Raises StackError where there is no Chromium on PATH and apt cannot get one.
    """
    fonts = unpacked(FONTS, progress)
    configuration = _font_configuration(fonts)
    environment = dict(os.environ) | {"FONTCONFIG_FILE": str(configuration)}
    on_path = shutil.which("chromium")
    if on_path is not None:
        return Browser(Path(on_path), ARGUMENTS, environment)
    found = unpacked(CHROMIUM, progress)
    # Libraries that carry a search path of their own (libpulse) do not look at the program's.
    environment["LD_LIBRARY_PATH"] = ":".join(map(str, library_folders(found.root)))
    return Browser(found.find("usr/lib/chromium/chromium"), ARGUMENTS, environment)


def _font_configuration(fonts: Unpacked) -> Path:
    """A fontconfig file that adds our fonts to the host's, in a place we may write."""
    folder = cache_root() / "fontconfig"
    text = f"""<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir>{escape(str(fonts.root / "usr/share/fonts"))}</dir>
  <cachedir>{escape(str(folder / "cache"))}</cachedir>
  <alias><family>sans-serif</family>
    <prefer><family>DejaVu Sans</family><family>WenQuanYi Zen Hei</family></prefer></alias>
  <alias><family>monospace</family>
    <prefer><family>DejaVu Sans Mono</family>
      <family>WenQuanYi Zen Hei Mono</family></prefer></alias>
</fontconfig>
"""
    path = folder / "fonts.conf"
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return path
    try:
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f"fonts.conf.{os.getpid()}"
        draft.write_text(text, encoding="utf-8")
        draft.rename(path)  # two processes may do this at once
    except OSError as error:
        raise StackError(
            f"The font settings {path} cannot be written: {error.strerror}."
        ) from error
    return path
