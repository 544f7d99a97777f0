"""How fast this source tree is beside another one, side by side: `python -m benchmarks.against OTHER_TREE`.

Each round measures one tree after the other, in turn which comes first; printed are the medians and the median of the
rounds' ratios. Both trees run on this interpreter, their servers on one store of 1,000 runs.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.machine import machine

ROOT = Path(__file__).parents[1]
SECOND_ORDER = ["warmup.iterations=0", "iterations=250", "target_residual=1e-30", "patience=10000"]


def adam(tree: Path) -> float:
    """Adam steps a second of `benchmarks.peers.lab_poisson`, history and checkpoints included."""
    command = [sys.executable, "-m", "benchmarks.peers.lab_poisson", "--steps", "4000"]
    done = subprocess.run(command, cwd=tree, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.strip().splitlines()[-1])["steps_per_second"]


def second_order(tree: Path) -> float:
    """Levenberg–Marquardt iterations a second of the preset poisson2d-quick, as `core train` runs it."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        settings = [part for setting in SECOND_ORDER for part in ("--set", f"stages.0.{setting}")]
        subprocess.run(
            [sys.executable, "-m", "core", "train", "poisson2d-quick", *settings, "--json", str(out)],
            cwd=tree,
            env=os.environ | {"LAB_HOME": folder},
            check=True,
            stdout=subprocess.DEVNULL,
        )
        report = json.loads(out.read_text())
    return report["iterations"] / report["wall_time_s"]


def pages(tree: Path, browser) -> dict[str, float]:
    """Seconds until a fresh server answers, until its first page is painted, and until Compare's table is drawn."""
    from benchmarks.browser import free_port, start_dashboard
    from benchmarks.dashboard import CANVAS, VIEW, opened

    port = free_port()
    server, answers = start_dashboard(port, tree)
    try:
        context = browser.new_context(viewport=VIEW)
        paint = opened(context, f"http://127.0.0.1:{port}/", "h1")
        time.sleep(8)  # the warm-up imports mlflow meanwhile
        opened(context, f"http://127.0.0.1:{port}/compare", CANVAS)
        compare = statistics.median(opened(context, f"http://127.0.0.1:{port}/compare", CANVAS) for _ in range(5))
        context.close()
    finally:
        server.kill()
        server.wait()
    return {"server answers, s": answers, "first paint, s": paint, "Compare at 1,000 runs, s": compare}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("other", type=Path, help="source tree to measure beside this one")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    trees = {"this": ROOT, "other": options.other.absolute()}
    found: dict[str, dict[str, list[float]]] = {}

    def keep(tree: str, what: str, value: float) -> None:
        found.setdefault(what, {}).setdefault(tree, []).append(value)

    print(f"{machine()}\n", flush=True)
    for k in range(options.rounds):
        for name in list(trees)[:: 1 if k % 2 else -1]:
            keep(name, "Adam steps a second", adam(trees[name]))
        for name in list(trees)[:: 1 if k % 2 else -1]:
            keep(name, "second-order iterations a second", second_order(trees[name]))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as lab_home:
        os.environ["LAB_HOME"] = lab_home
        from playwright.sync_api import sync_playwright

        from benchmarks.browser import FLAGS, chromium
        from benchmarks.bulk_store import bulk

        bulk(1000)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
            for k in range(options.rounds):
                for name in list(trees)[:: 1 if k % 2 else -1]:
                    for what, seconds in pages(trees[name], browser).items():
                        keep(name, what, seconds)
            browser.close()
    print("| what | this tree | other tree | this over other, rounds (smallest to largest) |\n|---|---|---|---|")
    for what, by_tree in found.items():
        ratios = sorted(a / b for a, b in zip(by_tree["this"], by_tree["other"], strict=True))
        medians = " | ".join(f"{statistics.median(by_tree[name]):.3g}" for name in trees)
        print(f"| {what} | {medians} | {statistics.median(ratios):.3f} ({ratios[0]:.3f} to {ratios[-1]:.3f}) |")
    if options.json:
        options.json.write_text(json.dumps({"machine": machine(), "found": found}, indent=1))


if __name__ == "__main__":
    main()
