"""Reading whole CSV files, with the number of each line for messages about it."""

from __future__ import annotations

import csv
from pathlib import Path

from fleet.errors import IronpulseError


def read_lines(path: Path) -> list[tuple[int, list[str]]]:
    """The lines of a CSV file in UTF-8 that are not blank, as (number of the line, cells).

    Raises IronpulseError where it cannot be read.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            return [(reader.line_num, row) for row in reader if any(map(str.strip, row))]
    except OSError as error:
        raise IronpulseError(
            f"{path} cannot be read: {error.strerror}. Give the path of a CSV file."
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise IronpulseError(
            f"{path} is no CSV file in UTF-8 ({error}). Save it as one."
        ) from error
