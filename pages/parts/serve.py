"""Start the dashboard's server: `python -m pages.parts.serve PORT`, or `python -m core serve`.

With a folder called `pages`, Streamlit takes an app for one of its old multi-page kind until `st.navigation` has run
once: the first deep link to a fresh server would run a page past app.py or say "Page not found". This app is of the
new kind from the start.
"""

import sys
from pathlib import Path

from streamlit.runtime.pages_manager import PagesManager
from streamlit.web import cli

APP = Path(__file__).parents[2] / "app.py"

if __name__ == "__main__":
    PagesManager.uses_pages_directory = False
    sys.exit(cli.main(["run", str(APP), "--server.port", sys.argv[1]], prog_name="streamlit"))
