"""Text files as people have them: UTF-8, UTF-16 with its mark, or GB 18030 of a spreadsheet."""

from __future__ import annotations

import codecs
from pathlib import Path

from fleet.errors import IronpulseError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: How files begin that are no text.
_OTHERS = {
    b"PK\x03\x04": "an Excel workbook or another zip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x1f\x8b": "compressed by gzip",
    b"PAR1": "a Parquet file",
    codecs.BOM_UTF16_LE: "in UTF-16",
    codecs.BOM_UTF16_BE: "in UTF-16",
}
_LINES = "\t\n\v\f\r"


def read_text(path: Path) -> str:
    """The text of a file. Raises IronpulseError where it cannot be read or is none."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise IronpulseError(f"{path} cannot be read: {error.strerror}.") from error
    encodings = [name for mark, name in _MARKS if data.startswith(mark)]
    if not encodings:
        refuse_no_text(path, data[:4])
    for encoding in encodings or ("utf-8", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if all(character >= " " or character in _LINES for character in set(text)):
            return text
    raise IronpulseError(f"{path} is not a text file in UTF-8; save it as CSV in UTF-8.")


def refuse_no_text(path: Path, head: bytes) -> None:
    """Say what a file is that begins so and is no text in UTF-8."""
    for begin, what in _OTHERS.items():
        if head.startswith(begin):
            raise IronpulseError(f"{path} is {what}; save it as CSV in UTF-8.")
