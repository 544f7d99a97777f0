"""Start the dashboard's server: `python -m pages.parts.serve PORT`, or `python -m core serve`.

With a folder called `pages`, Streamlit takes an app for one of its old multi-page kind until `st.navigation` has run
once: the first deep link to a fresh server would run a page past app.py or say "Page not found". This app is of the
new kind from the start.
"""

import sys

import streamlit as st
from starlette.middleware import Middleware
from streamlit.runtime.pages_manager import PagesManager

from core.home import SOURCE
from core.plain_text import keep_secrets_out_of_logs
from pages.parts.assets import Assets, ensure_static
from pages.parts.origin_guard import OriginGuard

APP = SOURCE / "app.py"

if __name__ == "__main__":
    PagesManager.uses_pages_directory = False
    keep_secrets_out_of_logs()
    ensure_static()  # before Streamlit looks for the folder, and warns
    sys.argv[0] = str(APP)  # the folder of its configuration and of what app.py imports
    st.App(str(APP), middleware=[Middleware(OriginGuard), Middleware(Assets)]).run(
        config={"server.port": int(sys.argv[1])}
    )
