"""Numbers and times as a person reads them."""

from __future__ import annotations

import math
import re
import time


def duration(seconds: float | None) -> str:
    """Seconds as "8 s", "3 min", "2.5 h"."""
    if seconds is None or not math.isfinite(seconds):
        return "–"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def ago(moment: float | None) -> str:
    """A Unix time as "5 s ago"."""
    return "–" if not moment else f"{duration(max(0.0, time.time() - moment))} ago"


def figure_of(value: float | None) -> str:
    """A residual or an error with two significant digits, or a dash."""
    return "–" if value is None else f"{value:.1e}"


def plain(text: str) -> str:
    """Text that people typed, for Markdown: nothing in it is a heading, a link, a picture or a badge."""
    return re.sub(r"([\\`*_\[\]<>$~:#|])", r"\\\1", text)
