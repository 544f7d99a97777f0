"""The demo from nothing to a dashboard that answers, a second time, and pages of it that have nothing to show."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.browser import ROOT, free_port, wait_for

BAR_S, AGAIN_BAR_S = 180.0, 30.0
MOST_S = 1200
PAGES = (
    "watch_runs",
    "compare_runs",
    "best_run",
    "replay_run",
    "data_sets",
    "find_singularities",
    "solution_3d",
    "type_equation",
)


def rows() -> Iterator[dict[str, object]]:
    """Seconds of `make demo` after set-up in a fresh home and in the same one again; then its pages."""
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        home = Path(folder) / "lab"
        for what, bar in (("make demo, fresh", BAR_S), ("make demo, a second time", AGAIN_BAR_S)):
            seconds = _answers(home)
            yield {"what": what, "seconds": round(seconds, 1), "bar": bar, "holds": seconds <= bar}
        empty = _empty_pages(home)
        yield {"what": "pages of the demo with nothing to show", "pages": empty, "bar": "none", "holds": not empty}


def _answers(home: Path) -> float:
    port, began = free_port(), time.perf_counter()
    command = [sys.executable, "-m", "core", "demo", "--port", str(port), "--home", str(home)]
    shown = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"LAB_HOME": f"{home}-own"}, stdout=sys.stderr)
    try:
        wait_for(f"http://127.0.0.1:{port}/_stcore/health", MOST_S)
        return time.perf_counter() - began
    finally:
        shown.kill()
        shown.wait()


def _empty_pages(home: Path) -> list[str]:
    """Pages that only say where to begin, or fail."""
    from streamlit.testing.v1 import AppTest

    os.environ["LAB_HOME"] = str(home)
    found = []
    for name in PAGES:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run()
        app.switch_page(str(ROOT / "pages" / f"{name}.py")).run()
        if app.exception or app.error or app.info:
            found.append(name)
    return found
