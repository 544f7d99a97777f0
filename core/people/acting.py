"""Who acts now, and what that takes.

A process is the machine's own (a command, a worker, a dashboard for one person), which may do everything; or it serves
people who signed in (`visitors_are`), and then each deed is somebody's: a visitor's, a token's, or the lab's own where
the code says so (`acting_as`). A deed that is nobody's is refused there.
"""

from __future__ import annotations

import functools
import getpass
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

from core.errors import LabError
from core.plain_text import fit_to_show, printable, shortened

VIEWER, RUNNER, ADMIN = ROLES = ("viewer", "runner", "admin")
"""Look; start, change and end runs; what concerns the lab as a whole. Each may do what those before it may."""

LONGEST = 120
"""Characters of a person's name in events."""

Deed = TypeVar("Deed", bound=Callable[..., Any])


class NotAllowedError(LabError):
    """Whoever acts may not do this."""


@dataclass(frozen=True)
class Person:
    """Somebody who was let in."""

    sub: str
    """Who it is for good: the provider's name for the account, or `token:ID`."""
    name: str
    """What people call them: an address or a name, as the provider says it."""
    role: str
    """One of `ROLES`."""

    @property
    def who(self) -> str:
        """As events name them: both names, since the one that is read can be anybody's."""
        shown = self.sub if self.name in ("", self.sub) else f"{self.name} ({self.sub})"
        return shortened(printable(shown), LONGEST)


_acting: ContextVar[Person | str | None] = ContextVar("acting", default=None)
_process = ""
_visitor: Callable[[], Person | None] | None = None


@contextmanager
def acting_as(who: Person | str) -> Iterator[None]:
    """What is done in this block is put down to a person, who needs the role for it, or to a part of the program."""
    token = _acting.set(who)
    try:
        yield
    finally:
        _acting.reset(token)


def this_process_is(who: str) -> None:
    """From now on this process's events are put down to `who`, where nobody else is named: a worker, the courier."""
    global _process
    _process = who


def process_name() -> str:
    """What this process is, as said by `this_process_is`; empty for any that looks."""
    return _process


def visitors_are(ask: Callable[[], Person | None] | None) -> None:
    """From now on what this process does is somebody's who signed in, and refused where it is nobody's.

    Args:
        ask: who acts on this thread; None for nobody. It raises NotAllowedError for those who are not let in any more.
            None in its place: the process is the machine's own again.
    """
    global _visitor
    _visitor = ask


def visitors_sign_in() -> bool:
    """Whether this process serves people who sign in."""
    return _visitor is not None


def actor() -> str:
    """Who acts now, in words for events."""
    who = _acting.get()
    if who is None and _visitor is not None:
        who = _visitor()
    if isinstance(who, Person):
        return who.who
    return fit_to_show(who or _process or os.environ.get("LAB_USER") or _user())


def require(role: str) -> None:
    """Raise NotAllowedError unless whoever acts has at least this role, or if there is no such role."""
    if role not in ROLES:
        raise NotAllowedError(f"There is no role {role!r}; it is {', '.join(ROLES[:-1])} or {ROLES[-1]}.")
    who = _acting.get()
    if isinstance(who, str) or (who is None and _visitor is None):
        return  # a part of the program by itself; whoever has a shell on this machine
    person = who if who is not None else _visitor()
    if person is None:
        raise NotAllowedError("Nobody who signed in asks for this, so it is not done.")
    if ROLES.index(person.role) < ROLES.index(role):
        raise NotAllowedError(
            f"This takes the role {role}, and {person.name or person.sub} has {person.role} here. "
            "An admin of the lab says who has which."
        )


def may(role: str) -> bool:
    """Whether whoever acts has at least this role: for what pages offer."""
    try:
        require(role)
    except NotAllowedError:
        return False
    return True


def needs(role: str) -> Callable[[Deed], Deed]:
    """Mark a function that changes something: it raises NotAllowedError for whoever has not at least this role."""

    def marked(deed: Deed) -> Deed:
        @functools.wraps(deed)
        def checked(*args: Any, **kwargs: Any) -> Any:
            require(role)
            return deed(*args, **kwargs)

        checked.needs = role
        return checked

    return marked


def carried(work: Callable[..., Any]) -> Callable[..., Any]:
    """`work` for another thread, put down to whoever acts now."""
    who = _acting.get()
    if who is None and _visitor is not None:
        who = _visitor()
    if who is None:
        return work

    @functools.wraps(work)
    def there(*args: Any, **kwargs: Any) -> Any:
        with acting_as(who):
            return work(*args, **kwargs)

    return there


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without a name for its user
        return f"user {os.getuid()}"
