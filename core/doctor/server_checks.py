"""What a lab needs that others reach: how people sign in, who vouches for them, what stands open.

`python -m core doctor --server` looks; nothing of it is looked at where the dashboard is for one person.
"""

from __future__ import annotations

import http.client
import json
import os
import ssl
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from core.doctor.finding import Finding
from core.errors import LabError
from core.home import home
from core.people import ADMIN, policy, tokens
from core.people.admission import SKEW_S
from core.people.register import register

LIMIT_S = 10.0
LARGEST = 1_000_000
"""Bytes of an answer that are read."""
SOON_S = 14 * 86_400.0
"""A certificate that ends so soon is told of."""
SHUT = ("/", "/live/board", "/media/none.png", "/app/static/plotly.min.js", "/_stcore/host-config")
"""What nobody gets who has not signed in."""


def server_findings() -> Iterator[Finding]:
    """All of it, one after another; what can only be asked once something else is well comes after it."""
    found = signing_in()
    yield found
    if not found.ok:
        return
    auth = policy.provider()
    yield secrets_kept()
    yield names(auth)
    yield from vouches(auth)
    yield open_tokens()
    yield from reached(auth)


def signing_in() -> Finding:
    """Whether both files are there and valid."""
    try:
        policy.check()
    except LabError as error:
        return Finding("signing in", False, str(error), "docs/how-to/server.md has both files to start from.")
    rules = policy.read(home().people_file)
    groups = sum(len(getattr(rules, role)) for role in ("viewer", "runner", "admin"))
    others = f", others are {rules.everybody}" if rules.everybody else ""
    detail = f"{groups} groups{others}, for {rules.max_age_hours:g} h at a time, {len(register()['denied'])} kept out"
    if not rules.admin and rules.everybody != ADMIN:
        return Finding("signing in", True, detail, "Nobody is an admin in the browser: name groups under admin.")
    return Finding("signing in", True, detail)


def secrets_kept() -> Finding:
    """Whether others of this machine can read who vouches for people, or change who may what."""
    lab = home()
    opened = [
        (path, mode)
        for path, bad in ((lab.sign_in_file, 0o077), (lab.people_register, 0o077), (lab.people_file, 0o022))
        if path.exists() and (mode := path.stat().st_mode & 0o777) & bad
    ]
    if opened and lab.root.stat().st_mode & 0o077:
        said = ", ".join(f"{path} has mode {mode:03o}" for path, mode in opened)
        files = " ".join(f"'{path}'" for path, _ in opened)
        return Finding("secrets", False, f"others of this machine reach them: {said}", f"`chmod 600 {files}`")
    return Finding("secrets", True, "the owner's alone")


def names(auth: dict[str, Any]) -> Finding:
    """Whether the dashboard answers to the name that people are led back to."""
    name = urlsplit(auth["redirect_uri"]).hostname or ""
    known = [each.strip() for each in os.environ.get("LAB_HOSTS", "").split(",") if each.strip()]
    if policy.is_loopback(name) or name in known:
        return Finding("its name", True, name)
    remedy = f"Start it with LAB_HOSTS={','.join([*known, name])}; for a service that is a line of its environment."
    return Finding("its name", False, f"people are led back to {name}, which LAB_HOSTS here does not name", remedy)


def vouches(auth: dict[str, Any]) -> Iterator[Finding]:
    """Whether the sign-in service answers, and agrees with this machine about the time."""
    address = auth["server_metadata_url"]
    try:
        status, headers, body = _asked(address)
        data = json.loads(body) if status == 200 else None
        said = data if isinstance(data, dict) else {}
        missing = {"authorization_endpoint", "token_endpoint", "jwks_uri"} - set(said)
        if status != 200 or missing:
            why = f"it answers {status}" if status != 200 else f"its answer lacks {', '.join(sorted(missing))}"
            raise LabError(why)
    except (OSError, http.client.HTTPException, ValueError, LabError) as error:
        remedy = "server_metadata_url in sign-in.toml has to lead to its openid-configuration, from this machine too."
        yield Finding("sign-in service", False, f"{address} can't be used: {_why(error)}", remedy)
        return
    yield Finding("sign-in service", True, str(said.get("issuer", address)))
    try:
        ahead = parsedate_to_datetime(headers["date"]).timestamp() - time.time()
    except (KeyError, ValueError, TypeError):
        return  # it does not say what time it is
    if abs(ahead) > SKEW_S / 2:
        detail = f"{abs(ahead):.0f} s {'behind' if ahead > 0 else 'ahead of'} the sign-in service"
        yield Finding("clocks", False, detail, "`timedatectl set-ntp true` keeps this machine's right.")
    else:
        yield Finding("clocks", True, f"within {max(1.0, abs(ahead)):.0f} s of the sign-in service")


def open_tokens() -> Finding:
    """Which tokens are good, and which of them are so for ever."""
    now = time.time()
    good = [token for token in tokens.tokens() if token.state(now) == "good"]
    lasting = [token for token in good if token.until is None and token.role == ADMIN]
    detail = f"{len(good)} good, {sum(token.role == ADMIN for token in good)} of them an admin's"
    if lasting:
        named = ", ".join(f"{token.id} ({token.name})" for token in lasting[:3])
        return Finding("tokens", True, detail, f"For ever, and an admin's: {named}. `python -m core token revoke ID`.")
    return Finding("tokens", True, detail)


def reached(auth: dict[str, Any]) -> Iterator[Finding]:
    """What the lab's own address gives to somebody who has not signed in, and how long its certificate is good."""
    parts = urlsplit(auth["redirect_uri"])
    address = f"{parts.scheme}://{parts.netloc}"
    try:
        answers = {path: _asked(address + path)[0] for path in ("/_stcore/health", *SHUT)}
    except (OSError, http.client.HTTPException) as error:
        remedy = "Start the lab and its proxy, then look again; DNS and firewall have to lead this machine there too."
        yield Finding("from outside", False, f"{address} can't be reached from here: {_why(error)}", remedy)
        return
    standing_open = [path for path in SHUT if answers[path] not in (401, 403)]
    if answers["/_stcore/health"] != 200:
        detail = f"{address} answers {answers['/_stcore/health']}: the proxy runs, and no lab behind it"
        yield Finding("from outside", False, detail, "Start the lab; the proxy has to lead to its port.")
    elif standing_open:
        detail = f"without a sign-in {address} gives {', '.join(standing_open)}"
        yield Finding("from outside", False, detail, "The lab there asks nobody to sign in, or another one answers.")
    else:
        yield Finding("from outside", True, f"{address}: nothing without a sign-in")
    if parts.scheme == "https":
        yield _certificate(parts.hostname or "", parts.port or 443)


def _certificate(name: str, port: int) -> Finding:
    import socket

    with (
        socket.create_connection((name, port), timeout=LIMIT_S) as line,
        _context().wrap_socket(line, server_hostname=name) as secure,
    ):
        until = ssl.cert_time_to_seconds(secure.getpeercert()["notAfter"])
    days = (until - time.time()) / 86_400
    if until - time.time() < SOON_S:
        return Finding("certificate", False, f"it ends in {days:.0f} days", "Have it renewed; Caddy does by itself.")
    return Finding("certificate", True, f"good for {days:.0f} days")


def _context() -> ssl.SSLContext:
    return ssl.create_default_context()


def _asked(address: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of an address; no redirect is followed, and no proxy of the environment asked."""
    parts = urlsplit(address)
    if parts.scheme == "https":
        line = http.client.HTTPSConnection(parts.hostname or "", parts.port, timeout=LIMIT_S, context=_context())
    else:
        line = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=LIMIT_S)
    try:
        line.request("GET", parts.path or "/", headers={"Accept": "application/json"})
        answer = line.getresponse()
        return answer.status, {key.lower(): value for key, value in answer.getheaders()}, answer.read(LARGEST)
    finally:
        line.close()


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return str(getattr(error, "strerror", None) or error or type(error).__name__)
