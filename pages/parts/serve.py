"""Start the dashboard's server: `python -m pages.parts.serve PORT`, or `python -m core serve`.

With a folder called `pages`, Streamlit takes an app for one of its old multi-page kind until `st.navigation` has run
once: the first deep link to a fresh server would run a page past app.py or say "Page not found". This app is of the
new kind from the start.

It listens on 127.0.0.1 (.streamlit/config.toml), and what may talk to it is decided in `pages.parts.origin_guard`.
"""

import contextlib
import os
import socket
import sys
import threading
import time

import streamlit as st
from starlette.middleware import Middleware
from streamlit.runtime.pages_manager import PagesManager
from streamlit.web.server.starlette import starlette_server

from core import jobs
from core.home import SOURCE
from core.jobs import warm
from core.plain_text import keep_secrets_out_of_logs
from core.runs.folder import all_folders
from pages.parts.assets import Assets, ensure_static
from pages.parts.live.route import Live
from pages.parts.origin_guard import OriginGuard

APP = SOURCE / "app.py"

OWN_NAMES = ("localhost", "127.0.0.1")
"""Host names that the server answers to."""


def names_of_a_proxy() -> list[str]:
    """Further names, from `LAB_HOSTS`: those by which a proxy on this machine is called, separated by commas."""
    return [name.strip() for name in os.environ.get("LAB_HOSTS", "").split(",") if name.strip()]


def _without_delay(address: str, port: int, backlog: int) -> socket.socket:
    """Streamlit's own socket, whose connections send at once.

    asyncio sees to that for sockets that it makes itself alone. Without it the second of two short writes, which every
    small answer is, waits until the browser has confirmed the first: 40 ms.
    """
    bound = _BIND(address, port, backlog)
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # what is accepted inherits it
    return bound


_BIND = starlette_server._bind_socket


SETTLED_S = 1.0
"""Seconds after its start in which a server has its processor for the first page."""


def _expect_a_look() -> None:
    """Have what Solution 3D needs imported, here and in its children, where there is a run to look at."""
    time.sleep(SETTLED_S)
    if not any(folder.has_checkpoint for folder in all_folders()):
        return
    from core.solution import children

    children.prepare("to_show")
    from pages.parts.solution import beside, downloads, figures, form, scene_form  # noqa: F401


if __name__ == "__main__":
    starlette_server._bind_socket = _without_delay
    PagesManager.uses_pages_directory = False
    keep_secrets_out_of_logs()
    ensure_static()  # before Streamlit looks for the folder, and warns
    sys.argv[0] = str(APP)  # the folder of its configuration and of what app.py imports
    threading.Thread(target=jobs.keep_looking, name="look", daemon=True).start()
    threading.Thread(target=_expect_a_look, name="look-ahead", daemon=True).start()
    threading.Thread(target=warm.keep_warm, name="warm", daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C is how a person ends it
        st.App(str(APP), middleware=[Middleware(OriginGuard), Middleware(Live), Middleware(Assets)]).run(
            config={"server.port": int(sys.argv[1]), "server.allowedHosts": [*OWN_NAMES, *names_of_a_proxy()]}
        )
