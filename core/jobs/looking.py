"""A process that lives for long looks after the lab by the way: its runs, what is to be deleted for good."""

from __future__ import annotations

import sys
import time

from core import exchange
from core.errors import LabError
from core.jobs.actions import refresh

FIRST_S, EVERY_S = 2.0, 10.0
"""Seconds until the first look, when a server has started, and between two looks."""


def keep_looking() -> None:
    """Look at the jobs again and again, for as long as this process lives: for a server that nobody looks at."""
    if exchange.wanted():
        exchange.Pulling().start()
    time.sleep(FIRST_S)
    from core.jobs.retention import tidy  # settings cost a fifth of a second to import

    while True:
        try:
            refresh()
            tidy()
        except (LabError, OSError) as error:  # a home that is gone for a while must not end the looking
            print(error, file=sys.stderr, flush=True)
        time.sleep(EVERY_S)
