"""Who may come in: `people` shows and keeps out, `token` is for the command line from afar."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Annotated

import typer

from core.cli.arguments import JsonOption
from core.cli.output import note, say, write_json

SubArgument = Annotated[str, typer.Argument(help="The account's `sub`, as events and `people list` name it.")]


def show(json_out: JsonOption = None) -> None:
    """How people sign in to this lab, and who is kept out."""
    from core.home import home
    from core.people import policy, register

    denied = register.register()["denied"]
    data: dict[str, object] = {"sign_in": policy.is_on(), "denied": denied}
    if policy.is_on():
        rules, vouches = policy.read(home().people_file), policy.provider()
        say(f"people sign in with {vouches['server_metadata_url']}, for {rules.max_age_hours:g} h at a time")
        for role in ("viewer", "runner", "admin"):
            say(f"{role:<7} {', '.join(getattr(rules, role)) or '–'}")
        say(f"others  {rules.everybody or 'not let in'}")
        data["policy"] = rules.model_dump(mode="json")
    else:
        say(f"nobody signs in: there is no {home().people_file}, and the dashboard listens on this machine alone")
    for sub, held in denied.items():
        say(f"kept out: {sub}, since {_day(held.get('at'))} by {held.get('by', '?')}{_because(held.get('why'))}")
    write_json(json_out, data)


def deny(sub: SubArgument, why: Annotated[str, typer.Option(help="For those who look later.")] = "") -> None:
    """Keep an account out from now on, its open tabs too."""
    from core.people import admission

    admission.deny(sub, why)
    say(f"kept out from now on: {sub}")


def allow(sub: SubArgument) -> None:
    """Let an account in again, as far as its groups do."""
    from core.people import admission

    say(f"let in again: {sub}" if admission.allow(sub) else f"{sub} was not kept out")


def make(
    name: Annotated[str, typer.Argument(help="What it is for, or whose.")],
    role: Annotated[str, typer.Option(help="viewer, runner or admin.")] = "viewer",
    days: Annotated[float, typer.Option(min=0.001, help="Until it ends by itself.")] = 90.0,
    for_ever: Annotated[bool, typer.Option("--for-ever", help="It does not end by itself.")] = False,
) -> None:
    """Make a token for the command line from afar. It is shown this once and kept as a digest alone."""
    from core.people import tokens

    token, text = tokens.make(name, role, None if for_ever else days)
    note(f"token {token.id}, {token.role}, {_ends(token.until)}; it is shown this once:")
    say(text)


def list_tokens(json_out: JsonOption = None) -> None:
    """The tokens, the newest first."""
    from core.people import tokens

    now, found = time.time(), tokens.tokens()
    for token in found:
        state = token.state(now)
        said = f"{state} since {_day(token.revoked)}" if state == "revoked" else f"{state}, {_ends(token.until)}"
        say(f"{token.id}  {token.role:<7} {token.name:<24} {said}; made {_day(token.made)} by {token.by}")
    if not found:
        note("There are no tokens: `python -m core token make NAME --role runner` makes one.")
    write_json(json_out, {"tokens": [vars(token) | {"state": token.state(now)} for token in found]})


def revoke(token: Annotated[str, typer.Argument(help="Its id, or the beginning of it.")]) -> None:
    """End a token now; it stays in the list."""
    from core.people import tokens

    ended = tokens.revoke(token)
    say(f"revoked: {ended.id}, {ended.name}")


def remove(token: Annotated[str, typer.Argument(help="Its id, or the beginning of it.")]) -> None:
    """End a token and forget it."""
    from core.people import tokens

    gone = tokens.remove(token)
    say(f"removed: {gone.id}, {gone.name}")


def _day(moment: object) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d") if isinstance(moment, int | float) else "?"


def _ends(until: float | None) -> str:
    return "for ever" if until is None else f"until {_day(until)}"


def _because(why: object) -> str:
    return f": {why}" if why else ""
