"""The doctor in a process of its own, for servers: it imports torch and tries VTK, which would stay in theirs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from core.doctor.finding import Finding
from core.errors import LabError
from core.home import SOURCE, home
from core.plain_text import fit_to_show

LIMIT_S = 180.0
"""Seconds; a store that hangs is given up in one minute, and so is VTK."""


def examined_apart() -> list[Finding]:
    """The findings of `python -m core doctor`. Raises LabError where it gives none."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "findings.json"
        try:
            done = subprocess.run(
                [sys.executable, "-m", "core", "doctor", "--json", str(answer)],
                cwd=SOURCE,
                env=os.environ | {"LAB_HOME": str(home().root)},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise LabError(f"`python -m core doctor` did not end within {LIMIT_S:.0f} s.") from None
        except OSError as error:
            raise LabError(f"`python -m core doctor` could not be started: {error}.") from error
        try:
            return [Finding(**finding) for finding in json.loads(answer.read_text())["findings"]]
        except (OSError, ValueError, KeyError, TypeError):
            last = (done.stderr.strip().splitlines() or ["nothing was said"])[-1]
            raise LabError(f"`python -m core doctor` gave no findings: {fit_to_show(last)}") from None
