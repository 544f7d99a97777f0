"""`remote …`: a lab on another machine, by its address and a token; nothing of this machine's own lab is touched."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

import typer

from core.cli.arguments import ConfigArgument, JsonOption, SetOption
from core.cli.output import note, print_error, say, write_json
from core.errors import LabError
from core.plain_text import printable

SERVER, TOKEN = "LAB_SERVER", "LAB_TOKEN"
"""Variables: the lab's address, such as https://lab.example.org, and a token of it."""
LIMIT_S = 60.0
TRIES, WAIT_S = 3, 2.0
LARGEST = 64_000_000
"""Bytes of an answer."""

RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="Run id there; its first characters are enough.")]
RunsArgument = Annotated[list[str], typer.Argument(metavar="RUN...", help="Run ids there.")]


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A token goes to the address that was typed and no further."""

    def redirect_request(self, *_: Any) -> None:
        return None


def whoami(json_out: JsonOption = None) -> None:
    """Who this machine is there, and what it may do."""
    answer = ask("GET", "whoami")
    say(f"{answer['name']}: {answer['role']} at {_server()}")
    write_json(json_out, answer)


def status(
    run: Annotated[str | None, typer.Argument(metavar="RUN", help="One run, with what happened to it.")] = None,
    json_out: JsonOption = None,
) -> None:
    """The runs there, or one run."""
    answer = ask("GET", f"runs/{_id(run)}" if run else "runs")
    for row in [answer] if run else answer["runs"]:
        residual = f"max residual {row['max_residual']:.2e}" if row["max_residual"] is not None else ""
        rest = "  ".join(text for text in (row["when"], residual, row["reason"]) if text)
        say(f"{row['run']}  {row['state']:<9} {row['problem']:<16} {row['name']:<24} {rest}")
    for event in answer.get("events", []):
        when = datetime.fromtimestamp(event["time"], UTC).strftime("%Y-%m-%d %H:%M:%S")
        change = " → ".join(text for text in (event["before"], event["after"]) if text)
        say(f"  {when}  {event['what']:<10} {change:<20} {event['who']}")
    if not run and not answer["runs"]:
        note("There are no runs.")
    write_json(json_out, answer)


def submit(
    config: ConfigArgument,
    settings: SetOption = None,
    priority: Annotated[int, typer.Option("--priority", metavar="N", help="Higher ones go first.")] = 0,
    after: Annotated[str | None, typer.Option("--after", metavar="RUN", help="Run there to wait for.")] = None,
    held: Annotated[bool, typer.Option("--hold", help="Wait until somebody releases it.")] = False,
) -> None:
    """Queue a run there; its id."""
    from core.config import override
    from core.presets import resolve

    chosen = override(resolve(config), settings or [])
    told = {"config": json.loads(chosen.canonical_json()), "key": secrets.token_hex(16)}
    options = {"priority": priority, "after": after, "held": held}
    say(ask("POST", "runs", told | {name: value for name, value in options.items() if value})["run"])


def stop(runs: RunsArgument) -> None:
    """Stop runs there; each leaves a checkpoint."""
    _each("stop", runs)


def pause(runs: RunsArgument) -> None:
    """Pause runs there."""
    _each("pause", runs)


def resume(runs: RunsArgument) -> None:
    """Queue paused, stopped or crashed runs there again, from their checkpoints."""
    _each("resume", runs)


def retry(runs: RunsArgument) -> None:
    """Queue ended runs there again, from the beginning."""
    _each("retry", runs)


def hold(runs: RunsArgument) -> None:
    """Hold waiting runs there."""
    _each("hold", runs)


def release(runs: RunsArgument) -> None:
    """Release held runs there."""
    _each("release", runs)


def delete(runs: RunsArgument) -> None:
    """Put runs there into the bin."""
    _each("delete", runs)


def logs(
    run: RunArgument, follow: Annotated[bool, typer.Option("-f", "--follow", help="Until the run ends.")] = False
) -> None:
    """What a run there has printed."""
    offset = 0
    while True:
        part = ask("GET", f"runs/{_id(run)}/log?offset={offset}")
        sys.stdout.write(printable(part["text"], keep="\n\t"))
        sys.stdout.flush()
        grew, offset = part["offset"] > offset, part["offset"]
        if part["ended"] or not (follow or grew):
            return
        if not grew:
            time.sleep(1.0)


def fetch(
    run: RunArgument,
    name: Annotated[str, typer.Argument(help="history.arrows, checkpoints/best.pt, config.json, …")],
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Where to; beside you by default.")] = None,
) -> None:
    """A file of a run there."""
    place = out or Path(Path(name).name)
    try:
        with _answer("GET", f"runs/{_id(run)}/file?name={quote(name)}") as answer:
            from core.files import written_beside

            with written_beside(place) as temporary, temporary.open("wb") as file:
                while data := answer.read(1 << 20):
                    file.write(data)
    except http.client.IncompleteRead:
        raise LabError(f"{name} broke off on its way; nothing was written. Try again.") from None
    except OSError as error:
        raise LabError(f"{place} can't be written: {error.strerror or error}.") from None
    say(str(place))


def _each(action: str, runs: list[str]) -> None:
    refused = 0
    for run in runs:
        try:
            answer = ask("POST", f"runs/{_id(run)}/{action}", {})
            say(f"{answer['run']}  {answer['done']}, now {answer['state']}")
        except LabError as error:
            if len(runs) == 1:
                raise
            print_error(error)
            refused += 1
    if refused:
        raise typer.Exit(2)


def ask(method: str, path: str, told: dict[str, Any] | None = None) -> dict[str, Any]:
    """An answer of the lab there. Raises LabError with its sentence, or why it could not be asked."""
    with _answer(method, path, told) as answer:
        try:
            found = json.loads(answer.read(LARGEST))
        except (ValueError, http.client.HTTPException):
            raise LabError(f"{_server()} does not answer as a lab does. Is it the address of one?") from None
    if not isinstance(found, dict):
        raise LabError(f"{_server()} does not answer as a lab does. Is it the address of one?")
    return found


def _answer(method: str, path: str, told: dict[str, Any] | None = None) -> Any:
    server, token = _server(), os.environ.get(TOKEN, "")
    if not token:
        raise LabError(
            f"Set {TOKEN} to a token of that lab; an admin makes one there: `python -m core token make NAME`."
        )
    body = None if told is None else json.dumps(told).encode()
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    opener = urllib.request.build_opener(_NoRedirect)
    for left in reversed(range(TRIES)):  # what is asked again is done once: a new run has its key, a stop stays a stop
        try:
            request = urllib.request.Request(f"{server}/api/{path}", body, headers, method=method)
            return opener.open(request, timeout=LIMIT_S)
        except urllib.error.HTTPError as error:
            if error.code in (502, 504) and left:
                time.sleep(WAIT_S)
                continue
            raise LabError(_sentence(error, server)) from None
        except (OSError, http.client.HTTPException) as error:
            if left:
                time.sleep(WAIT_S)
                continue
            why = getattr(error, "reason", None) or error
            raise LabError(f"{server} can't be reached: {why}.") from None
    raise AssertionError("each try returns or raises")


def _sentence(error: urllib.error.HTTPError, server: str) -> str:
    try:
        said = json.loads(error.read(1_000_000))["error"]
    except (ValueError, KeyError, TypeError, OSError, http.client.HTTPException):
        return f"{server} answers {error.code} {error.reason}. Is it the address of a lab to which people sign in?"
    return str(said)


def _server() -> str:
    """The lab's address. Raises LabError for none, and for one on whose way the token could be read."""
    from core.people.policy import is_loopback

    server = os.environ.get(SERVER, "").rstrip("/")
    parts = urlsplit(server)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise LabError(f"Set {SERVER} to the lab's address, such as https://lab.example.org.")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise LabError(f"{SERVER} has to begin with https://, or whoever listens on the way has the token.")
    return server


def _id(text: str) -> str:
    if not text or set(text) - set("0123456789abcdef"):
        raise LabError(f"{text!r} is no run id.")
    return text
