"""Who a browser says it is: the cookie that Streamlit sets after `st.login`, looked through anew of each request."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import HTTPConnection
from starlette.types import Scope
from streamlit.auth_util import get_cookie_with_chunks, get_origin_from_redirect_uri
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from core.people import Person
from core.people.admission import NotSignedInError, admitted


@dataclass(frozen=True)
class Session:
    """One sign-in of a browser."""

    claims: dict[str, Any]
    """What the provider said; empty where nobody signed in."""
    name: str
    """Which sign-in it is: a digest of its cookie, the same for every copy."""

    def person(self) -> Person:
        """Who it is, if they are let in now. Raises NotAllowedError, NotSignedInError, StoreError."""
        if not self.claims:
            raise NotSignedInError("This lab is for people who sign in.")
        return admitted(self.claims, self.name)


def session_of(cookies: Mapping[str, str]) -> Session:
    """The sign-in that cookies tell of; one without claims where Streamlit's cookie is not there, or not ours."""

    def signed(name: str) -> bytes | None:
        value = cookies.get(name)
        return decode_signed_value(get_cookie_secret(), name, value.encode("latin-1")) if value else None

    try:
        found = json.loads(get_cookie_with_chunks(signed, USER_COOKIE_NAME) or b"null")
    except (ValueError, RecursionError):
        found = None
    sound = isinstance(found, dict) and found.get("is_logged_in") is True
    if not sound or found.get("origin") != get_origin_from_redirect_uri():
        return Session({}, "")
    name = hashlib.sha256(cookies[USER_COOKIE_NAME].encode("latin-1")).hexdigest()
    return Session(found, name)


def cookies_of(scope: Scope) -> dict[str, str]:
    """The cookies of a request by name."""
    return dict(HTTPConnection(scope).cookies)
