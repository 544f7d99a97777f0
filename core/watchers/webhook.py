"""A message to a URL: our own JSON, or the form that Slack, Mattermost or ntfy take.

The address is a secret but for its host. Redirects are not followed: the message, and the secret with it, would go
where somebody else says.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
import socket
import ssl
import time
from email.header import Header
from urllib.parse import SplitResult, quote, unquote, urlsplit

from core.plain_text import printable, shortened
from core.settings import Webhook
from core.watchers.message import LONGEST, Message, iso
from core.watchers.trying import Limit, NotTakenError, why_not

KEPT = "/%:@!$&'()*+,;=~-._"
"""Characters of a path that stand for themselves, or are percent-encoded already."""
TAGS = {"finished": "white_check_mark", "test": "bell"}
"""ntfy's names of the pictures beside a message; a warning for all other kinds."""

_SLACK = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_MATTERMOST = re.compile(r"([\\`*_\[\]()#~|<>!])")


def post(channel: Webhook, message: Message, zone: str | None, limit_s: float) -> str:
    """Tell a URL; returns the status of the answer. Raises NotTakenError."""
    address = _address(channel)
    limit, began = Limit(limit_s), time.monotonic()
    try:
        status = _status(address, *_form(channel.kind, message, zone), message.id, limit)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise why_not(error, limit) from None  # the error may hold the address
    words = f"HTTP {status} {http.client.responses.get(status, '')}".rstrip()
    if 300 <= status < 400:
        raise NotTakenError(f"It answers {words}, and redirects are not followed: give the address that it leads to.")
    if not 200 <= status < 300:
        raise NotTakenError(f"It answers {words}.")
    return f"{words}, after {time.monotonic() - began:.1f} s"


def host_of(channel: Webhook) -> str:
    """The part of an address that may be shown."""
    try:
        address = _address(channel)
    except NotTakenError:
        return "an address that can't be used"
    return f"{address.scheme}://{address.hostname}"


def _address(channel: Webhook) -> SplitResult:
    """The address in its parts. Raises NotTakenError for one without a host, or with a port that is none."""
    try:
        address = urlsplit(channel.url)
        if address.hostname and (address.port is None or address.port > 0):
            return address
    except ValueError:
        pass
    raise NotTakenError("Its address can't be used: it has no host, or a port that is none.")


def _status(address: SplitResult, body: bytes, headers: dict[str, str], key: str, limit: Limit) -> int:
    """The status of the answer; nothing of the rest of it is read. Raises OSError, HTTPException, ValueError."""
    secure = address.scheme == "https"
    host, port = address.hostname or "", address.port or (443 if secure else 80)
    connection = http.client.HTTPConnection(host, port)
    opened = socket.create_connection((host, port), timeout=limit.left())
    connection.sock = opened
    try:
        with limit.cutting(lambda: connection.sock):
            opened.settimeout(limit.left())
            if secure:
                connection.sock = ssl.create_default_context().wrap_socket(opened, server_hostname=host)
            target = quote(address.path or "/", safe=KEPT)
            if address.query:
                target += f"?{quote(address.query, safe=KEPT + '/?')}"
            named = f"[{host}]" if ":" in host else host.encode("idna").decode()
            own = {"Host": named if address.port is None else f"{named}:{port}", "Idempotency-Key": key}
            if address.username is not None:
                login = f"{unquote(address.username)}:{unquote(address.password or '')}"
                own["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
            connection.request("POST", target, body, {"User-Agent": "singularity-lab", **headers, **own})
            return connection.getresponse().status
    finally:
        connection.close()
        opened.close()


def _form(kind: str, message: Message, zone: str | None) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a message."""
    title, text = printable(message.title), shortened(printable(message.signed(zone), keep="\n"), LONGEST)
    if kind == "ntfy":
        tag = TAGS.get(message.kind, "warning")
        # a header is ASCII; ntfy reads the encoded words of mail
        named = title if title.isascii() else Header(title, "utf-8", maxlinelen=10_000).encode(linesep="")
        headers = {"Title": named, "Priority": "4" if message.urgent else "3", "Tags": tag}
        return text.encode(), {"Content-Type": "text/plain; charset=utf-8", **headers}
    if kind == "slack":
        data = {"text": f"*{title.translate(_SLACK)}*\n{text.translate(_SLACK)}"}
    elif kind == "mattermost":
        data = {"text": f"**{_unread(title)}**\n{_unread(text)}"}
    else:
        data = {
            "id": message.id,
            "kind": message.kind,
            "title": title,
            "text": shortened(printable(message.text, keep="\n"), LONGEST),
            "time": iso(message.time),
            "machine": message.machine,
            "run": message.run or None,
        }
    return json.dumps(data, ensure_ascii=False).encode(), {"Content-Type": "application/json"}


def _unread(text: str) -> str:
    """Text in which Mattermost finds no markup and nobody to call: a name of a run is no `@channel`."""
    return _MATTERMOST.sub(r"\\\1", text).replace("@", "@\u200b")
