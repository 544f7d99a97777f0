"""Tokens for the command line from afar: shown once, kept as digests, good for one role until a day or a word.

A token is 256 random bits, so a plain SHA-256 of it tells nothing: slow hashes are for what people can remember.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from dataclasses import dataclass
from typing import Any

from core.errors import LabError
from core.people.acting import ADMIN, ROLES, NotAllowedError, Person, actor, needs
from core.people.register import changing, one_named, register
from core.plain_text import has_control

SHAPE = re.compile(r"lab_([0-9a-f]{8})_([A-Za-z0-9_-]{43})")
NAME = re.compile(r"\S(.{0,58}\S)?")
LONGEST_DAYS = 3660
MOST = 1000
DAY_S = 86_400.0


class BadTokenError(NotAllowedError):
    """A token that there is not, or not any more."""


@dataclass(frozen=True)
class Token:
    """What is known of a token; not the token itself, which nobody knows but whoever has it."""

    id: str
    name: str
    """What it is for, or whose."""
    role: str
    made: float
    """Unix time, as the others."""
    by: str
    """Who made it."""
    until: float | None
    """When it ends by itself."""
    revoked: float | None = None

    def state(self, now: float) -> str:
        """In one word: good, revoked or expired."""
        if self.revoked is not None:
            return "revoked"
        return "expired" if self.until is not None and now >= self.until else "good"


@needs(ADMIN)
def make(name: str, role: str, days: float | None = 90.0) -> tuple[Token, str]:
    """A new token, and its text, which is not to be had again. Raises LabError, StoreError.

    Args:
        name: what it is for, or whose.
        role: what may be done with it.
        days: until it ends by itself; None for never.
    """
    if not NAME.fullmatch(name) or has_control(name):
        raise LabError("A token's name is one line of 1 to 60 characters: what it is for, or whose.")
    if role not in ROLES:
        raise LabError(f"A token's role is {', '.join(ROLES[:-1])} or {ROLES[-1]}, not {role!r}.")
    if days is not None and not 0 < days <= LONGEST_DAYS:
        raise LabError(f"A token is good for more than 0 days and {LONGEST_DAYS} at most, or for ever.")
    now, number, secret = time.time(), secrets.token_hex(4), secrets.token_urlsafe(32)
    token = Token(number, name, role, now, actor(), None if days is None else now + DAY_S * days)
    with changing() as held:
        if len(held["tokens"]) >= MOST:
            raise LabError(f"There are {MOST} tokens already; remove some: `python -m core token remove ID`.")
        held["tokens"][number] = {
            name: value for name, value in vars(token).items() if name != "id" and value is not None
        } | {"digest": _digest(secret)}
    return token, f"lab_{number}_{secret}"


def tokens() -> list[Token]:
    """All of them, the newest first; revoked and expired ones too. Raises StoreError."""
    found = [_token(number, held) for number, held in register()["tokens"].items()]
    return sorted(found, key=lambda token: -token.made)


@needs(ADMIN)
def revoke(start: str) -> Token:
    """End a token now, by the beginning of its id. Raises LabError for none or several, StoreError."""
    number = one_named("tokens", start, "token")
    with changing() as held:
        held["tokens"][number].setdefault("revoked", time.time())
        return _token(number, held["tokens"][number])


@needs(ADMIN)
def remove(start: str) -> Token:
    """Forget a token, which ends it too. Raises LabError for none or several, StoreError."""
    number = one_named("tokens", start, "token")
    with changing() as held:
        return _token(number, held["tokens"].pop(number))


def bearer(text: str) -> Person:
    """Who acts with a token. Raises BadTokenError for one that is not good, with the same words whatever is wrong."""
    shape = SHAPE.fullmatch(text)
    held = register()["tokens"].get(shape[1]) if shape else None
    # a token that there is not takes as long as one with a wrong secret
    known = held.get("digest", "") if held else ""
    same = hmac.compare_digest(_digest(shape[2] if shape else ""), known if isinstance(known, str) else "")
    token = _token(shape[1], held) if held and same else None
    if token is None or token.state(time.time()) != "good" or token.role not in ROLES:
        raise BadTokenError("This token is not good here: it is wrong, was revoked, or has expired.")
    return Person(f"token:{token.id}", token.name, token.role)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("ascii", "replace")).hexdigest()


def _token(number: str, held: dict[str, Any]) -> Token:
    return Token(
        number,
        str(held.get("name", "")),
        str(held.get("role", "")),
        float(held.get("made", 0.0)),
        str(held.get("by", "")),
        held.get("until"),
        held.get("revoked"),
    )
