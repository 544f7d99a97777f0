"""The doctor in a process of its own, for servers: it imports torch and tries VTK, which would stay in theirs.

The process, `python -m core.doctor`, writes each finding as a line of JSON as soon as it has it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable

from core.doctor.finding import Finding
from core.errors import LabError
from core.home import SOURCE, home
from core.plain_text import fit_to_show

LIMIT_S = 180.0
"""Seconds; a store that hangs is given up in one minute, and so is VTK."""


def examined_apart(found: Callable[[list[Finding]], None] = lambda findings: None) -> list[Finding]:
    """What `examine` finds. Raises LabError where the process does not come to its end.

    Args:
        found: is given all findings so far after each one.
    """
    try:
        child = subprocess.Popen(
            [sys.executable, "-m", "core.doctor"],
            cwd=SOURCE,
            env=os.environ | {"LAB_HOME": str(home().root)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
    except OSError as error:
        raise LabError(f"The doctor could not be started: {error}.") from error
    limit = threading.Timer(LIMIT_S, child.kill)
    limit.start()
    answers: list[Finding] = []
    with child:
        for line in child.stdout:
            try:
                answers.append(Finding(**json.loads(line)))
            except (ValueError, TypeError):
                continue  # a library has printed something
            found(list(answers))
    limit.cancel()
    if child.returncode:
        after = f" after it had looked at {answers[-1].what}" if answers else ""
        raise LabError(
            f"The doctor's process ended with exit code {child.returncode}{fit_to_show(after)}. In a terminal "
            "`python -m core doctor` says more."
        )
    return answers
