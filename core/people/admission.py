"""Whether somebody who signed in is let in: asked anew of everything that they do."""

from __future__ import annotations

import math
import time
from typing import Any

from core.people.acting import ADMIN, NotAllowedError, Person, actor, needs
from core.people.policy import policy
from core.people.register import changing, register
from core.plain_text import printable, shortened

SKEW_S = 300.0
"""Seconds that a provider's clock may be ahead of this machine's."""
FORGOTTEN_S = 32 * 86_400.0
"""An ended session is remembered for so long: longer than a browser keeps its cookie, or any policy believes it."""
LONGEST_SUB = 255
"""Characters, as OpenID Connect has it."""


class NotSignedInError(NotAllowedError):
    """Nobody signed in, or too long ago: signing in (again) helps."""


def admitted(claims: dict[str, Any], session: str = "") -> Person:
    """The person whom a provider vouched for.

    Args:
        claims: of the ID token; `sub` and `iat` are needed.
        session: which sign-in it is, where that is known (`end`).

    Raises:
        NotSignedInError: nobody did, too long ago, or that session has ended.
        NotAllowedError: they are kept out, or have no role here.
        StoreError: it is not known who is kept out.
    """
    sub, issued = claims.get("sub"), claims.get("iat")
    if not isinstance(sub, str) or not 0 < len(sub) <= LONGEST_SUB:
        raise NotSignedInError("This lab is for people who sign in.")
    rules, held = policy(), register()
    if sub in held["denied"]:
        raise NotAllowedError("This account is kept out of the lab. An admin of the lab can let it in again.")
    if isinstance(issued, bool) or not isinstance(issued, int | float) or not math.isfinite(issued):
        raise NotSignedInError("The sign-in service does not say when you signed in. Sign in again.")
    age = time.time() - issued
    if not -SKEW_S <= age <= 3600.0 * rules.max_age_hours:
        raise NotSignedInError("You signed in too long ago. Sign in again.")
    if session and session in held["ended"]:
        raise NotSignedInError("You signed out. Sign in again.")
    role = rules.role_of(claims)
    if role is None:
        raise NotAllowedError(
            "You are signed in, but in no group that has a role in this lab. Ask an admin of the lab for one."
        )
    return Person(sub, _name(claims) or sub, role)


def _name(claims: dict[str, Any]) -> str:
    names = (claims.get(key) for key in ("email", "preferred_username", "name"))
    return next((shortened(printable(name), 100) for name in names if isinstance(name, str) and name.strip()), "")


def end(session: str) -> None:
    """A session is over, for every copy of its cookie."""
    now = time.time()
    with changing() as held:
        held["ended"] = {key: until for key, until in held["ended"].items() if until > now}
        held["ended"][session] = now + FORGOTTEN_S


@needs(ADMIN)
def deny(sub: str, why: str = "") -> None:
    """Keep an account out from now on, open tabs and sessions included. Raises StoreError."""
    with changing() as held:
        held["denied"][sub] = {"at": time.time(), "by": actor(), "why": shortened(printable(why), 300)}


@needs(ADMIN)
def allow(sub: str) -> bool:
    """Let an account in again, as far as its groups do; whether it was kept out. Raises StoreError."""
    with changing() as held:
        return held["denied"].pop(sub, None) is not None
