"""Measure the parts one after the other, each in a lab home of its own, and print what they found."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pkgutil
import tempfile
import time
from pathlib import Path
from typing import Any

import benchmarks.control
from benchmarks.machine import machine

NO_PARTS = ("__main__", "queue_store", "seen")


def parts() -> list[str]:
    """Names of the modules here that measure something."""
    return [found.name for found in pkgutil.iter_modules(benchmarks.control.__path__) if found.name not in NO_PARTS]


def main() -> None:
    parser = argparse.ArgumentParser(description=benchmarks.control.__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--only", nargs="+", choices=parts(), default=parts(), metavar="PART")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, to see that it works")
    chosen = parser.parse_args()
    found: dict[str, Any] = {"machine": machine(), "quick": chosen.quick}
    before = os.environ.get("LAB_HOME")
    for part in chosen.only:
        with tempfile.TemporaryDirectory(prefix=f"lab-{part}-", ignore_cleanup_errors=True) as folder:
            os.environ["LAB_HOME"] = str(Path(folder) / "home")
            began = time.perf_counter()
            found[part] = importlib.import_module(f"benchmarks.control.{part}").measure(quick=chosen.quick)
            found[part]["took_s"] = time.perf_counter() - began
        print(json.dumps({part: found[part]}, indent=1), flush=True)
        if chosen.json:
            chosen.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    if before is not None:
        os.environ["LAB_HOME"] = before


if __name__ == "__main__":
    main()
