"""PINNacle's equations, typed, each trained by `core train` and held against its references.

Prints a Markdown table and, with `--json FILE`, writes {"rows": [{"name", "relative_l2", "seconds", …}]}. Without
`--reference DIR`, the folder of PINNacle's tables, rows are held against exact solutions and own references alone.
With `--peer PYTHON`, an interpreter that has DeepXDE, its own figure stands beside three rows.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.machine import machine
from benchmarks.pinnacle import peer
from benchmarks.pinnacle.cases import CASES
from benchmarks.pinnacle.measuring import row
from benchmarks.pinnacle.tables import TableError


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pinnacle", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"rows; all without: {', '.join(CASES)}")
    parser.add_argument("--reference", type=Path, metavar="DIR", help="folder of PINNacle's tables")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--peer", metavar="PYTHON", help="interpreter with DeepXDE, such as .venv-peers/bin/python")
    parser.add_argument("--peer-seconds", type=float, default=900, help="for each row of DeepXDE's")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.names if name not in CASES]:
        print(f"there is no row {', '.join(unknown)}; there are {', '.join(CASES)}", file=sys.stderr)
        return 2
    if options.reference and not options.reference.is_dir():
        print(f"{options.reference} is no folder; --reference takes the folder of PINNacle's tables", file=sys.stderr)
        return 2
    print(f"{machine()}\n")
    print("| row | held against | fields | relative L2 | bar | process, s | load | published | way |")
    print("|---|---|---|---|---|---|---|---|---|")
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as lab_home:
        for name in options.names or CASES:
            rows.append(_measured(name, lab_home, options))
            print(_lines(rows[-1]), flush=True)
            if options.json:
                said = {"machine": machine(), "seed": options.seed, "rows": rows}
                options.json.write_text(json.dumps(said, indent=1))
    return 0


def _measured(name: str, lab_home: str, options: argparse.Namespace) -> dict[str, object]:
    try:
        found = row(CASES[name], lab_home, options.reference, options.seed)
        if options.peer and name in peer.ROWS and "checks" in found:
            found["deepxde"] = peer.deepxde(CASES[name], options.reference, options.peer, options.peer_seconds)
        return found
    except subprocess.CalledProcessError as error:
        print(f"{name} failed with exit status {error.returncode}", file=sys.stderr, flush=True)
        return {"name": name, "relative_l2": None, "seconds": None, "failed": error.returncode}
    except TableError as error:
        print(f"{name}: {error}", file=sys.stderr, flush=True)
        return {"name": name, "relative_l2": None, "seconds": None, "skipped": str(error)}


def _lines(found: dict[str, object]) -> str:
    if "checks" not in found:
        return f"| {found['name']} | {found.get('skipped', 'failed')} |  |  |  |  |  |  |  |"
    lines = []
    for k, check in enumerate(found["checks"]):
        bar = "" if check["bar"] is None else f"{check['bar']:.1e} {'met' if check['met'] else 'missed'}"
        run = f"{found['seconds']:.1f} | {found['load'][1]:.1f} | {found['published']:.1e} | {found['way']}"
        lines.append(
            f"| {found['name'] if k == 0 else ''} | {check['against']} | {', '.join(check['fields'])} | "
            f"{check['relative_l2']:.2e} | {bar} | {run if k == 0 else ' |  |  | '} |"
        )
    if theirs := found.get("deepxde"):
        lines.append(
            f"| {found['name']}: DeepXDE | {theirs['against']} |  | {theirs['relative_l2']:.2e} |  | "
            f"{theirs['seconds']:.1f} |  |  | {theirs['steps']} steps, {theirs['adam_steps']} of Adam |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
