"""Text of the store, and the number that it may be written as.

What was logged is text, and the text alone says whether two values are the same: in groups, filters, comparisons,
categories and exports. A number is for sorting and for axes, and only where the text is one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

NUMBER = re.compile(r"[+-]?(?:0|[1-9][0-9]*)(?:\.(?P<decimals>[0-9]+))?(?P<exponent>[eE][+-]?[0-9]+)?")
"""As people and programs write numbers: no leading zeros, blanks, underscores, other digits, nor words for infinity."""
WHOLE = 2**53
"""From here on whole numbers are ids: two of them may be one and the same float."""


def number_of(text: str | None) -> float | None:
    """The finite number that a text is written as; None for any other text: 007, 1_000, nan, 0x10, True, 7e12345."""
    written = NUMBER.fullmatch(text) if text is not None else None
    if written is None:
        return None
    value = float(text)
    if not math.isfinite(value) or (value == 0 and re.search("[1-9]", re.split("[eE]", text)[0])):
        return None  # beyond the range of numbers: 7e12345 is the beginning of a commit's id
    whole = written["decimals"] is None and written["exponent"] is None
    return None if whole and abs(value) >= WHOLE else value


def numbers_of(texts: Sequence[str | None]) -> list[float] | None:
    """The numbers of a column's texts, NaN where there is none; None where the column as a whole is not of numbers.

    That is: where one of the texts is no number, or where decimals end in a zero in only some of them. 2.1 and 2.10
    are versions; 0.50 and 0.25 are numbers that were all written with two decimals.
    """
    present = [text for text in texts if text is not None]
    if not present:
        return None
    numbers = {text: number_of(text) for text in present}
    if None in numbers.values():
        return None
    decimals = {text: NUMBER.fullmatch(text)["decimals"] or "" for text in numbers}
    padded = any(len(part) > 1 and part.endswith("0") for part in decimals.values())
    if padded and len({len(part) for part in decimals.values()}) > 1:
        return None
    return [math.nan if text is None else numbers[text] for text in texts]
