"""Malformed configs, commands, files, addresses and store contents against the whole program.

`python -m benchmarks.hostile [--only SUITE …] [--json FILE]`: counts inputs tried and faults. A fault is a traceback, a
wrong value, a script that ran, a request that left the machine, a page out of its frame, an answer without words, or
more time or memory than the input may take. Each suite runs in a process of its own, so that one that dies costs one
input.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.browser import ROOT
from benchmarks.hostile.tried import Outcome, tried
from benchmarks.machine import machine

SUITES = ("configs", "commands", "files", "names", "addresses", "contents")
SHOWN = 40
"""Faults that are printed of each suite."""


def run_suite(name: str, first: int, report: Path) -> None:
    """Try a suite's inputs from `first` on in this process, a line of JSON before and after each."""
    suite = importlib.import_module(f"benchmarks.hostile.{name}")
    with report.open("a", buffering=1) as file:
        for k, case in enumerate(suite.inputs()):
            if k < first:
                continue
            file.write(json.dumps({"begins": k, "label": case.label}) + "\n")
            outcome = tried(case)
            file.write(json.dumps({"ended": k} | asdict(outcome)) + "\n")


def watched(name: str) -> list[tuple[str, Outcome]]:
    """(label, outcome) of a whole suite; a process that died is a fault of the input it had begun."""
    outcomes: list[tuple[str, Outcome]] = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        report, said = Path(folder) / "report.jsonl", Path(folder) / "said.txt"
        first = 0
        while True:
            report.write_text("")
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as lab, said.open("w") as words:
                environment = os.environ | {"LAB_HOME": f"{lab}/lab", "PYTHONPATH": str(ROOT)}
                environment.pop("MLFLOW_TRACKING_URI", None)
                child = subprocess.run(
                    [sys.executable, "-m", "benchmarks.hostile", "--suite", name, str(first), str(report)],
                    cwd=lab, env=environment, stdout=words, stderr=words, check=False,
                )  # fmt: skip
            begun: dict[str, Any] | None = None
            for line in map(json.loads, report.read_text().splitlines()):
                if "begins" in line:
                    begun = line
                else:
                    first = line.pop("ended") + 1
                    outcomes.append((begun["label"], Outcome(**line)))
                    begun = None
            if child.returncode == 0:
                return outcomes
            last_words = said.read_text()[-600:]
            if begun is None:
                raise SystemExit(f"The suite {name} can't be run:\n{last_words}")
            fault = f"traceback: its process ended with {child.returncode}: {last_words}"
            outcomes.append((begun["label"], Outcome(fault, "traceback", False, 0.0, 0.0)))
            first = begun["begins"] + 1


def main() -> None:
    """Run suites, print and keep what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", nargs="+", choices=SUITES, default=list(SUITES))
    parser.add_argument("--suite", nargs=3, metavar=("NAME", "FIRST", "REPORT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.suite:
        run_suite(options.suite[0], int(options.suite[1]), Path(options.suite[2]))
        return
    found: dict[str, Any] = {"machine": machine(), "suites": {}}
    print(found["machine"], flush=True)
    for name in options.only:
        began = time.perf_counter()
        outcomes = watched(name)
        kinds = Counter(outcome.kind for _, outcome in outcomes if outcome.fault)
        found["suites"][name] = {
            "inputs": len(outcomes),
            "refused in words": sum(outcome.refused for _, outcome in outcomes),
            "faults": sum(kinds.values()),
            "kinds": dict(kinds),
            "slowest_s": max(outcome.seconds for _, outcome in outcomes),
            "most_megabytes": max(outcome.megabytes for _, outcome in outcomes),
            "seconds": time.perf_counter() - began,
            "at fault": [{"input": label, "fault": o.fault} for label, o in outcomes if o.fault],
        }
        shown = {key: value for key, value in found["suites"][name].items() if key != "at fault"}
        print(f"\n{name}: {json.dumps(shown)}")
        for fault in found["suites"][name]["at fault"][:SHOWN]:
            print(f"  {fault['input']!r}\n      {fault['fault']}")
        sys.stdout.flush()
        if options.json:
            options.json.write_text(json.dumps(found, indent=1, ensure_ascii=False))
    inputs = sum(suite["inputs"] for suite in found["suites"].values())
    faults = sum(suite["faults"] for suite in found["suites"].values())
    print(f"\n{inputs:,} inputs, {faults} faults")


if __name__ == "__main__":
    main()
