"""Figures of a lab that is larger than one machine, case by case, each in a process of its own.

Prints a Markdown table. `--json FILE` also writes {"machine": …, "cases": [{"name", "figures": […], …}]} after each
case; `--json` alone prints that, and the table goes to stderr. A case whose programs can't be had here is skipped with
the reason. Exits with 1 where a bar is missed or a case failed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.machine import machine
from benchmarks.scale.case import Case, NotHereError
from benchmarks.scale.registry import cases


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    known = cases()
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"cases; all without: {', '.join(known)}")
    parser.add_argument("--json", nargs="?", const="-", metavar="FILE")
    parser.add_argument("--list", action="store_true", help="say what there is, and measure nothing")
    parser.add_argument("--alone", metavar="FILE", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.names if name not in known]:
        print(f"there is no case {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    chosen = [known[name] for name in options.names] or list(known.values())
    if options.list:
        for case in chosen:
            print(f"{case.name}: {case.what}" + (f" (needs {', '.join(case.needs)})" if case.needs else ""))
        return 0
    if options.alone:
        Path(options.alone).write_text(json.dumps(_measured(chosen[0])))
        return 0
    return _all(chosen, options.json)


def _all(chosen: list[Case], file: str | None) -> int:
    table = sys.stderr if file == "-" else sys.stdout
    print(f"{machine()}, load {os.getloadavg()[0]:.1f}\n", file=table)
    print("| case | figure | value | bar | seconds of the case |\n|---|---|---|---|---|", file=table)
    rows, said = [], ""
    for case in chosen:
        rows.append(_in_a_process(case))
        print("\n".join(_lines(rows[-1])), file=table, flush=True)
        said = json.dumps({"machine": machine(), "cases": rows}, indent=1)
        if file not in (None, "-"):
            Path(file).write_text(said)
    if file == "-":
        print(said)
    return int(any(row["failed"] or any(figure["met"] is False for figure in row["figures"]) for row in rows))


def _in_a_process(case: Case) -> dict[str, Any]:
    """A case's row; what it leaves in memory, or in this process's environment, is no other case's."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.scale", case.name, "--alone", str(answer)], check=False
        )
        if answer.exists():
            return json.loads(answer.read_text())
        return _row(case, failed=f"its process ended with exit status {done.returncode}")


def _measured(case: Case) -> dict[str, Any]:
    began, load = time.monotonic(), os.getloadavg()[0]
    try:
        figures = [asdict(figure) | {"met": figure.met} for figure in case.measure()]
    except NotHereError as why:
        return _row(case, skipped=str(why))
    return _row(case, figures=figures, seconds=round(time.monotonic() - began, 2), load=round(load, 2))


def _row(case: Case, **known: Any) -> dict[str, Any]:
    empty = {"figures": [], "seconds": None, "load": None, "skipped": "", "failed": ""}
    return {"name": case.name, "what": case.what, **empty, **known}


def _lines(row: dict[str, Any]) -> list[str]:
    if row["skipped"] or row["failed"]:
        return [
            f"| {row['name']} | {'skipped' if row['skipped'] else 'failed'}: {row['skipped'] or row['failed']} | | | |"
        ]
    lines = []
    for k, figure in enumerate(row["figures"]):
        value = figure["value"]
        shown = f"{value:.4g}" if isinstance(value, float) else str(value)
        bar = f"{figure['holds']} {figure['bar']}: {'met' if figure['met'] else 'missed'}" if figure["holds"] else ""
        first, last = (row["name"], row["seconds"]) if k == 0 else ("", "")
        lines.append(f"| {first} | {figure['what']} | {shown} {figure['unit']} | {bar} | {last} |")
    return lines


if __name__ == "__main__":
    sys.exit(main())
