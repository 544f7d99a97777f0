"""`python -m benchmarks.solution [PART …] [--json OUT]`: parts by name, all of them where none is named."""

from __future__ import annotations

import argparse
import json
from importlib import import_module
from pathlib import Path

PARTS = ("views", "exports", "renders", "reports", "demo")
"""Modules beside this one, each with `rows()`: what was measured, as plain data, one row after another."""

parser = argparse.ArgumentParser(prog="python -m benchmarks.solution")
parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
parser.add_argument("--json", type=Path, metavar="OUT")
arguments = parser.parse_args()
if unknown := set(arguments.parts) - set(PARTS):
    parser.error(f"there is no part {min(unknown)}; there are {', '.join(PARTS)}")
measured = []
for part in arguments.parts or PARTS:
    for row in import_module(f"benchmarks.solution.{part}").rows():
        measured.append({"part": part} | row)
        print("  ".join(f"{key} {value}" for key, value in measured[-1].items()), flush=True)
if arguments.json:
    arguments.json.write_text(json.dumps(measured, indent=1) + "\n")
raise SystemExit(0 if all(row["holds"] for row in measured) else 1)
