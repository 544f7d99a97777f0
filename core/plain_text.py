"""Texts from anywhere, fit to be shown: control characters written out, secrets struck out, no longer than one reads.

The one place for it. Every `LabError` passes through here, and so does every line that the command line writes and
every record that is logged (`keep_secrets_out_of_logs`).
"""

from __future__ import annotations

import logging
import math
import os
import re
import sys
import traceback
from collections.abc import Mapping
from urllib.parse import quote, quote_plus, unquote

LONGEST = 1_500
"""Characters of one message."""
STRUCK = "***"

# what moves a terminal's cursor, changes its colours, breaks a line or turns the order of what is read
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

_USER_INFO = re.compile(r"(?<=://)(?:[^\s/?#'\"<>]*|[^\s:/@'\"]*:[^\s@'\"]*)@")  # SQLAlchemy takes "/" in passwords
_NAMED = re.compile(
    r"(?i)((?:\b|[_-])(?:api[_-]?key|access[_-]?key|auth|authorization|credential|pass(?:word|wd|phrase)?|pwd|secret|"
    r"sig(?:nature)?|token)(?:%3d|=|['\"]\s*[:=]\s*)(?:['\"]|%22|%27)?)[^\s&;,'\"<>)\]}]+"
)
_HEADER = re.compile(r"(?i)\b(authorization['\"]?\s*[:=]\s*['\"]?(?:bearer|basic|token)\s+|\bbearer\s+)[\w.~+/=-]+")
_SECRET_NAME = re.compile(r"(?i)(password|passwd|passphrase|token|secret|api[_-]?key)")
_OURS = re.compile(r"^(MLFLOW|AWS|AZURE|GOOGLE|DATABRICKS|PG|MYSQL|LAB)_?")


def has_control(text: str) -> bool:
    """Whether there are characters in a text that a terminal or a page obeys instead of showing."""
    return _CONTROL.search(text) is not None


def printable(text: object, keep: str = "") -> str:
    r"""A text as it may be shown anywhere: control characters written out, a newline as `\n`, ESC as `\x1b`.

    Args:
        text: anything that has a text.
        keep: control characters that stay.
    """
    return _CONTROL.sub(lambda found: found[0] if found[0] in keep else _written_out(found[0]), str(text))


def shortened(text: str, longest: int = LONGEST) -> str:
    """A text with its head and its tail, and how much is left out between; as it is where it is short enough."""
    if len(text) <= longest:
        return text
    head, tail = longest * 2 // 3, longest // 4
    return f"{text[:head]} … ({len(text) - head - tail:,} characters left out) … {text[-tail:]}"


def scrubbed(text: str, environment: Mapping[str, str] = os.environ) -> str:
    """A text without the secrets that are known or look like some.

    Known are the passwords and tokens of the environment and those in `MLFLOW_TRACKING_URI` and `LAB_DATABASE`, as they
    are and percent-encoded; what looks like some stands between `://` and `@`, and after `token=`, `password=` and
    alike.
    """
    for secret in _known_secrets(environment):
        text = text.replace(secret, STRUCK)
    text = _USER_INFO.sub(f"{STRUCK}@", text)
    text = _HEADER.sub(rf"\g<1>{STRUCK}", text)
    return _NAMED.sub(rf"\g<1>{STRUCK}", text)


def fit_to_show(text: object) -> str:
    """A message as it may be shown: scrubbed, printable but for its newlines, shortened."""
    return shortened(printable(scrubbed(str(text)), keep="\n"))


def lasting(seconds: float | None) -> str:
    """Seconds as "8 s", "3 min", "2.5 h"; a dash for none."""
    if seconds is None or not math.isfinite(seconds):
        return "–"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def traceback_of(error: BaseException) -> str:
    """An error's traceback with what led to it, scrubbed."""
    return scrubbed("".join(traceback.format_exception(error)))


def keep_secrets_out_of_tracebacks() -> None:
    """From now on the traceback that ends this process is scrubbed."""
    sys.excepthook = lambda kind, error, trace: sys.stderr.write(traceback_of(error))


def keep_secrets_out_of_logs() -> None:
    """From now on every log record of this process is scrubbed before any handler writes it, its traceback too."""
    make = logging.getLogRecordFactory()
    if getattr(make, "scrubs", False):
        return

    def record(*args: object, **fields: object) -> logging.LogRecord:
        made = make(*args, **fields)
        try:
            said = made.getMessage()
        except Exception:  # logging tells of a malformed record itself, where it is written
            return made
        if (clean := scrubbed(said)) != said:
            made.msg, made.args = clean, ()
        if made.exc_info and made.exc_info[0]:
            made.exc_text = scrubbed(logging.Formatter().formatException(made.exc_info))
        return made

    record.scrubs = True
    logging.setLogRecordFactory(record)


def _known_secrets(environment: Mapping[str, str]) -> list[str]:
    """Longest first, so that none is left behind as the rest of a shorter one."""
    values = {value for name, value in environment.items() if _OURS.match(name) and _SECRET_NAME.search(name)}
    for uri in (environment.get("MLFLOW_TRACKING_URI", ""), environment.get("LAB_DATABASE", "")):
        authority = re.match(r"[^:/]+://([^/?#\s]*)@", uri)
        if authority:
            values.add(authority[1].partition(":")[2])
        elif uri.startswith("databricks://"):
            values.add(uri.partition("://")[2])  # a profile, and what people take for the place of a token
        values |= {value for name, _, value in (part.partition("=") for part in uri.partition("?")[2].split("&"))
                   if _SECRET_NAME.search(name)}  # fmt: skip
    found = {form for value in values for form in (value, unquote(value))}
    found |= {form for value in found for form in (quote(value, safe=""), quote_plus(value))}
    return sorted((value for value in found if len(value) >= 4), key=len, reverse=True)


def _written_out(character: str) -> str:
    return repr(character)[1:-1] if character.isascii() or not character.isprintable() else f"\\u{ord(character):04x}"
