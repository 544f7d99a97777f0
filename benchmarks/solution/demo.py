"""How long the demo takes from nothing to a dashboard that answers, and what its pages then show."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.browser import ROOT, free_port, wait_for

MOST_S = 1200


def demo(home: Path | None = None) -> dict[str, float]:
    """Seconds of `make demo` after set-up, in a fresh home and a second time in the same one.

    Args:
        home: where the demo's lab is made, and kept; a folder that is deleted again without one.
    """
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        chosen = home or Path(folder) / "lab"
        return {"demo_s": _answers(chosen), "demo_again_s": _answers(chosen)}


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


if __name__ == "__main__":
    print(demo(Path(sys.argv[1]) if len(sys.argv) > 1 else None))
