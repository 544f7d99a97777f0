"""Who acts where somebody at a browser does and nobody signs in: the one place that names them in events of runs."""

from __future__ import annotations

import os

from core.jobs.events import this_process_is
from core.people import visitors_sign_in


def name_visitors() -> None:
    """Put what this server's process does down to its visitors, once for all pages, callbacks and fragments.

    What the lab does by itself in the same process names itself (`core.jobs.events.LAB`). Visitors have no account
    here: they are the person for whom the server was started, `LAB_USER`, where that is said. Where they have one
    (`pages.parts.people`), each deed is somebody's anyway.
    """
    if visitors_sign_in():
        return
    person = os.environ.get("LAB_USER")
    this_process_is(f"{person} (browser)" if person else "browser")
