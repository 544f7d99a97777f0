"""Numbers, times and people's text as a person reads them.

Names, reasons, errors, tags and what an address says were typed by people. `visible` is for where text stays text:
tables of `st.dataframe`, options of select boxes. `plain` is for where Streamlit reads Markdown: labels, messages,
captions, metrics, pills, tabs, tooltips, cells of `st.table`; a test reads the source of every page and refuses what
goes there past it (tests/unit/test_peoples_text.py). Figures need neither: `live_plotly` escapes them at the door.
"""

from __future__ import annotations

import re
import time
import unicodedata

from core.plain_text import lasting, printable

Markdown = str
"""Markdown of ours, people's text in it through `plain`. A function that returns it says so, and is checked."""

LONGEST = 80
"""Characters of a name that are shown where it is one of many things; the whole is in a tooltip."""
LONGEST_TITLE = 36
"""Characters beside an axis."""
LONGEST_MESSAGE = 2000
"""Characters of a message; more than this is no message."""

_NEUTRAL = ":color[]"
"""Draws nothing, and ends one piece of text and begins another."""
# What Streamlit replaces after it has taken backslashes away, so that they don't help; but it looks at one piece of
# text at a time. `:smile:` and `:material/check:`, addresses and mail addresses, arrows and comparisons.
_REPLACED = re.compile(r"(?<=:)(?=\S)|(?=@)|(?<=www)(?=\.)|(?<=[<>~-])(?=[-=>])", re.IGNORECASE)
_SYNTAX = re.compile(r"([\\`*_\[\]{}<>$~:#|&@])")
_AT_THE_START = re.compile(r"^()([-+=])|^(\d+)([.)])(?=\s|$)")
_COMMAND, _BACKTICKS = re.compile("`(python -m core[^`]*)`"), re.compile("`([^`]+)`")
_SPACES = re.compile(r" {2,}")


def duration(seconds: float | None) -> Markdown:
    """Seconds as "8 s", "3 min", "2.5 h"."""
    return plain(lasting(seconds))


def ago(moment: float | None) -> Markdown:
    """A Unix time as "5 s ago"."""
    return "–" if not moment else f"{duration(max(0.0, time.time() - moment))} ago"


def figure_of(value: float | None) -> Markdown:
    """A residual or an error with two significant digits, or a dash."""
    return "–" if value is None else f"{value:.1e}"


def visible(text: object, most: int | None = None) -> str:
    """Text in one line in which nothing is hidden: control characters and those without width are written out.

    Args:
        text: as people typed it.
        most: longer text is cut there.
    """
    text = str(text)
    if most is not None and len(text) > most:
        text = text[: most - 1] + "…"
    if text.isascii() and text.isprintable():
        return text
    return "".join(f"\\u{ord(c):04x}" if _hidden(c) else c for c in printable(text))


def _hidden(character: str) -> bool:
    """Whether a character takes no room and is none of those that Persian and emoji are written with."""
    return not character.isascii() and unicodedata.category(character) == "Cf" and character not in "\u200c\u200d"


def plain(text: object, most: int | None = None) -> Markdown:
    """People's text for Markdown, shown as it was typed: nothing in it is a link, a picture, a badge or an icon.

    Args:
        text: as people typed it.
        most: longer text is cut there; `whole` is the tooltip then.
    """
    text = _REPLACED.sub("\n", visible(text, most).strip())
    text = _SYNTAX.sub(r"\\\1", text)
    text = _AT_THE_START.sub(r"\1\3\\\2\4", text)
    text = _SPACES.sub(lambda match: "\u00a0" * len(match[0]), text)
    return text.replace("\n", _NEUTRAL)


def whole(text: object, most: int = LONGEST) -> Markdown | None:
    """The tooltip of text that was cut at `most` characters; None where all of it is shown."""
    return plain(text, LONGEST_MESSAGE) if len(str(text)) > most else None


def message(text: object) -> Markdown:
    """An error, a reason or a caution in its lines, for Markdown; of its backticks only our own commands are code."""
    text = str(text).strip()
    cut = text if len(text) <= LONGEST_MESSAGE else text[:LONGEST_MESSAGE] + " …"
    return "  \n".join(_with_code(line, _COMMAND) for line in cut.splitlines() if line.strip())


def described(text: str | None) -> Markdown | None:
    """The words that a problem or a field of the config has about itself, for Markdown: `such` is code."""
    return _with_code(text, _BACKTICKS) if text else None


def _with_code(text: str, pattern: re.Pattern) -> Markdown:
    """Every second piece that the pattern splits out as code, the rest plain; blanks between them stay."""
    pieces = []
    for k, piece in enumerate(pattern.split(text)):
        gap = [" " if piece[at].isspace() else "" for at in (0, -1)] if piece.strip() else ["", ""]
        pieces.append(code(piece) if k % 2 else f"{gap[0]}{plain(piece)}{gap[1]}")
    return "".join(pieces).strip()


def code(text: object, most: int | None = None) -> Markdown:
    """An id or a file's name in the style of code."""
    text = visible(text, most)
    if not text.strip() or ":material/" in text:  # empty code is none, and icons are put in before code is read
        return plain(text)
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    room = " " if text[0] in "` " or text[-1] in "` " else ""
    return f"{fence}{room}{text}{room}{fence}"
