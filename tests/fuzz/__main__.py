"""A long run by hand: python -m tests.fuzz --seconds 300 [--seed 1] [--runs N] [--keep FOLDER].

Ends with exit code 0 where the law held; else with the input in a file and what went wrong.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["ingest", "cbor2", "json"]):
    from tests.fuzz import target

#: One input may take so many seconds and megabytes, the whole process's libraries included.
_SECONDS, _MEGABYTES = 5, 1500
_LONGEST = 4096


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--runs", type=int, default=-1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder that keeps what was found for next time")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        corpus = given.keep or Path(folder)
        corpus.mkdir(exist_ok=True)
        for number, seed in enumerate(target.seeds()):
            (corpus / f"seed-{number}").write_bytes(seed)
        options = [
            f"-max_total_time={given.seconds}",
            f"-runs={given.runs}",
            f"-seed={given.seed}",
            f"-timeout={_SECONDS}",
            f"-rss_limit_mb={_MEGABYTES}",
            f"-max_len={_LONGEST}",
            f"-artifact_prefix={tempfile.gettempdir()}/",
            "-print_final_stats=1",
        ]
        atheris.Setup([sys.argv[0], *options, str(corpus)], target.check)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
