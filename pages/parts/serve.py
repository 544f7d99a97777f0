"""Start the dashboard's server: `python -m pages.parts.serve PORT [ADDRESS]`, or `python -m core serve`.

With a folder called `pages`, Streamlit takes an app for one of its old multi-page kind until `st.navigation` has run
once: the first deep link to a fresh server would run a page past app.py or say "Page not found". This app is of the
new kind from the start.

It listens on 127.0.0.1 unless it is told otherwise and people sign in. What may talk to it is decided in
`pages.parts.origin_guard`, who may in `pages.parts.people`.
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

from core import jobs, people
from core.errors import LabError
from core.home import SOURCE, home
from core.jobs import warm
from core.jobs.events import LAB
from core.people import policy
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


def main(port: int, address: str) -> None:
    """Serve until Ctrl-C. Raises LabError for an address that others reach while nobody has to sign in."""
    policy.check_address(address)
    options = {
        "server.port": port,
        "server.address": address,
        "server.allowedHosts": [*OWN_NAMES, *names_of_a_proxy()],
    }
    middleware = [Middleware(OriginGuard)]
    if policy.is_on():
        from pages.parts.people.api import Api
        from pages.parts.people.gate import Gate
        from pages.parts.people.visitor import visitor

        people.visitors_are(visitor)
        people.this_process_is(LAB)  # what nobody asked for
        options["secrets.files"] = [str(home().sign_in_file)]
        middleware += [Middleware(Gate), Middleware(Api)]
    middleware += [Middleware(Live), Middleware(Assets)]
    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C is how a person ends it
        st.App(str(APP), middleware=middleware).run(config=options)


if __name__ == "__main__":
    starlette_server._bind_socket = _without_delay
    PagesManager.uses_pages_directory = False
    keep_secrets_out_of_logs()
    ensure_static()  # before Streamlit looks for the folder, and warns
    asked_port, asked_address = int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1"
    sys.argv[0] = str(APP)  # the folder of its configuration and of what app.py imports
    threading.Thread(target=jobs.keep_looking, name="look", daemon=True).start()
    threading.Thread(target=_expect_a_look, name="look-ahead", daemon=True).start()
    threading.Thread(target=warm.keep_warm, name="warm", daemon=True).start()
    try:
        main(asked_port, asked_address)
    except LabError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
