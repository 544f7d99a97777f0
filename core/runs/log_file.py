"""A run's log, however long: its newest part by byte offset, and a search that goes back through it piece by piece."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from core.plain_text import printable
from core.runs.folder import RunFolder

NEWEST = 64_000
"""Bytes of a log that are shown, and most that are given at once."""
PIECE = 1_000_000
"""Bytes that a search reads at once."""
SEARCHED = 16_000_000
"""Bytes that one search goes back through."""
MOST_FOUND = 500
"""Lines that one search gives."""
LONGEST = 2000
"""Characters of a line that a search gives."""


@dataclass(frozen=True)
class LogPart:
    """Text of a log between two byte offsets."""

    text: str
    start: int
    end: int
    size: int
    """Bytes of the whole log by now."""


def news(folder: RunFolder, offset: int | None) -> LogPart:
    """What was printed from a byte offset on; the newest whole lines where there is too much, or none is given.

    A character that is not printed to its end yet comes with the next part.
    """
    size = folder.log_size()
    whole_lines = offset is None or not 0 <= size - offset <= NEWEST
    start = max(0, size - NEWEST) if whole_lines else offset
    data, _ = folder.log(start, size - start)
    if whole_lines and start:
        cut = data.find(b"\n") + 1  # the first line is a part of one
        data, start = data[cut:], start + cut
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    text = decoder.decode(data)
    return LogPart(shown(text), start, start + len(data) - len(decoder.getstate()[0]), size)


@dataclass(frozen=True)
class Found:
    """Lines that hold what was looked for, the oldest first, and the byte offset that the search came back to."""

    lines: list[str]
    start: int
    end: int


def search(folder: RunFolder, text: str, before: int | None = None) -> Found:
    """The newest lines before a byte offset that hold a text, in whatever case; `MOST_FOUND` at most.

    It goes back through `SEARCHED` bytes. Whoever wants more asks again, before the `start` of what was found.

    Args:
        folder: the run's.
        text: what to look for.
        before: byte offset, the log's end unless given.
    """
    wanted = text.lower()
    end = top = min(folder.log_size(), folder.log_size() if before is None else max(0, before))
    found: list[str] = []
    while end > 0 and top - end < SEARCHED and len(found) < MOST_FOUND:
        start = max(0, end - PIECE)
        data, _ = folder.log(start, end - start)
        cut = data.find(b"\n") + 1 if start else 0  # what stands before is the end of a line that begins further up
        if start and not 0 < cut < len(data):
            cut = 0  # a line as long as the piece is cut in two
        start, data = start + cut, data[cut:]
        if wanted in data.decode("utf-8", "replace").lower():
            found, start = _matching(data, start, wanted, found)
        end = start
    return Found(found[::-1], end, top)


def _matching(data: bytes, start: int, wanted: str, found: list[str]) -> tuple[list[str], int]:
    """`found` with the lines of a piece, newest first, and the offset of the oldest line that was looked at."""
    found, at = list(found), start + len(data)
    for line in reversed(data.splitlines(keepends=True)):
        if len(found) == MOST_FOUND:
            return found, at
        at -= len(line)
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if wanted in text.lower():
            found.append(shown(text[:LONGEST]))
    return found, start


def shown(text: str) -> str:
    """What a process printed as text in lines: control characters are written out, tabs are blanks."""
    return printable(text.replace("\r\n", "\n").replace("\t", "    "), keep="\n")
