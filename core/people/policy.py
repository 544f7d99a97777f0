"""How people sign in: `people.yaml` in the lab home says who may what, `sign-in.toml` beside it who vouches for them.

`sign-in.toml` is Streamlit's `secrets.toml` (a section `[auth]`), apart since it holds secrets.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import threading
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, ValidationError

from core.documents import DocumentError, plain_data
from core.errors import LabError
from core.files import read_bounded
from core.frozen import Frozen, shaped
from core.home import home
from core.people.acting import ROLES

LARGEST = 200_000
"""Bytes of either file."""
CALLBACK = "/oauth2callback"
SECRETS = ("redirect_uri", "cookie_secret", "client_id", "client_secret", "server_metadata_url")
"""What `[auth]` has to say."""
LEAST_SECRET = 32
"""Characters of `cookie_secret`: whoever guesses it is anybody."""

Group = Annotated[str, Field(min_length=1, max_length=200)]


class Policy(Frozen):
    """`people.yaml`: roles by what the provider says of a person, and for how long that is believed."""

    claim: Annotated[str, shaped(r"[^\s]+", "the name of a claim, such as groups")] = Field("groups", max_length=100)
    viewer: tuple[Group, ...] = Field((), max_length=200, description="Groups whose members may look.")
    runner: tuple[Group, ...] = Field((), max_length=200, description="Groups whose members may start and stop runs.")
    admin: tuple[Group, ...] = Field((), max_length=200, description="Groups whose members may change the lab itself.")
    everybody: Annotated[str, shaped("viewer|runner|admin", "viewer, runner or admin")] | None = Field(
        None, description="The role of whoever signs in and is in none of these groups; empty: they are not let in."
    )
    max_age_hours: float = Field(12.0, gt=0, le=720, description="Hours after which one signs in anew.")

    def role_of(self, claims: dict[str, Any]) -> str | None:
        """The highest role that somebody's groups give; None where they give none.

        Args:
            claims: what the provider says of them. `claim` may be a path with dots (`realm_access.roles`), a list of
                names or one name.
        """
        groups = claims.get(self.claim)
        if groups is None:
            groups = claims
            for part in self.claim.split("."):
                groups = groups.get(part) if isinstance(groups, dict) else None
        listed = groups if isinstance(groups, list | tuple) else (groups,)
        given = {group for group in listed if isinstance(group, str)}
        for role in reversed(ROLES):
            if not given.isdisjoint(getattr(self, role)):
                return role
        return self.everybody


_lock = threading.Lock()
_known: dict[Path, tuple[Any, Policy]] = {}


def is_on() -> bool:
    """Whether people sign in to this lab: it has a `people.yaml`."""
    return home().people_file.exists()


def policy() -> Policy:
    """The policy in force: the file's, or what it said when it was valid last in this process.

    Raises LabError where it never was.
    """
    path = home().people_file
    with _lock:
        known = _known.get(path)
        try:
            found = path.stat()
            mark = found.st_mtime_ns, found.st_size, found.st_ino
            if known is None or known[0] != mark:
                known = _known[path] = (mark, read(path))
        except (LabError, OSError):
            if known is None:
                raise LabError(f"{path} says who may sign in, and can't be used.") from None
        return known[1]


def read(path: Path) -> Policy:
    """The policy of a file. Raises LabError, one line, naming each field at fault."""
    try:
        data = plain_data(read_bounded(path, LARGEST).decode("utf-8"))
    except OSError as error:
        raise LabError(f"{path} can't be read: {(error.strerror or str(error)).lower()}.") from None
    except (UnicodeDecodeError, DocumentError) as error:
        raise LabError(f"{path} is no YAML: {error}") from None
    try:
        found = Policy.model_validate({} if data is None else data)
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, each['loc'])) or 'it'}: {each['msg']}" for each in error.errors()[:5]]
        raise LabError(f"{path} is not valid: {'; '.join(lines)}") from None
    if not (found.viewer or found.runner or found.admin or found.everybody):
        raise LabError(f"{path} gives nobody a role: name groups under viewer, runner or admin.")
    return found


def provider(path: Path | None = None) -> dict[str, Any]:
    """The section `[auth]` of `sign-in.toml`, looked through. Raises LabError, one line."""
    path = path or home().sign_in_file
    try:
        data = tomllib.loads(read_bounded(path, LARGEST).decode("utf-8"))
    except FileNotFoundError:
        raise LabError(
            f"There is no {path}, which says who vouches for people: docs/how-to/server.md shows one."
        ) from None
    except OSError as error:
        raise LabError(f"{path} can't be read: {(error.strerror or str(error)).lower()}.") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise LabError(f"{path} is no TOML: {error}") from None
    auth = data.get("auth")
    if not isinstance(auth, dict):
        raise LabError(f"{path} has no section [auth].")
    missing = [name for name in SECRETS if not isinstance(auth.get(name), str) or not auth[name]]
    if missing:
        raise LabError(f"{path} lacks {', '.join(missing)} in [auth].")
    if not auth["redirect_uri"].endswith(CALLBACK) or urlsplit(auth["redirect_uri"]).scheme not in ("http", "https"):
        raise LabError(f"{path}: redirect_uri is the lab's own address with {CALLBACK} behind it.")
    if len(auth["cookie_secret"]) < LEAST_SECRET:
        raise LabError(
            f"{path}: cookie_secret has fewer than {LEAST_SECRET} characters; `openssl rand -hex 32` makes one."
        )
    for name in ("redirect_uri", "server_metadata_url"):
        parts = urlsplit(auth[name])
        if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
            raise LabError(f"{path}: {name} has to begin with https://, or whoever listens on the way signs in too.")
    return auth


def check() -> None:
    """Raise LabError, one line, unless people can sign in: both files are there and valid, and so is what they need."""
    if not is_on():
        raise LabError(
            f"Nobody can sign in here: there is no {home().people_file}. docs/how-to/server.md says what to write."
        )
    read(home().people_file)
    provider()
    missing = [name for name in ("authlib", "httpx") if find_spec(name) is None]
    if missing:
        raise LabError(f"Signing in needs {' and '.join(missing)}: `pip install -r requirements.txt` brings them.")


def check_address(host: str) -> None:
    """Raise LabError for an address where the dashboard must not listen: one that others reach, while all may come in.

    Args:
        host: an IP address of this machine, or a name of it.
    """
    if not re.fullmatch(r"[0-9A-Za-z:._%-]{1,253}", host):
        raise LabError(f"{host!r} is no address of this machine.")
    if is_loopback(host):
        if is_on():
            check()
        return
    try:
        check()
    except LabError as error:
        raise LabError(
            f"The dashboard listens on {host}, where others reach it, only once they sign in. {error}"
        ) from None


def is_loopback(host: str) -> bool:
    """Whether an address, or all that a name stands for, is this machine's own and nobody else's."""
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        pass
    if host == "localhost":
        return True
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    return bool(found) and all(ipaddress.ip_address(address.partition("%")[0]).is_loopback for address in found)
