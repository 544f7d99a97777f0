"""A lab home made by one version of this program, held against another: `python -m benchmarks.kept_home make HOME`.

`make` trains ten presets, and pauses an eleventh run half-way, by the command line alone, so that any version of the
source tree can be asked to (`--source TREE`). `compare A B` says whether the histories, weights and configs of two
homes are identical to the bit, times and memory aside. `open HOME` takes a home as an older version left it through
this one: every config and checkpoint is read, a solution exported, the paused run resumed, a run replayed and verified.
It changes the home, so give it a copy.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
RUNS = {
    "poisson2d-quick": (),
    "poisson2d": (),
    "poisson3d": (),
    "helmholtz": (),
    "wave": (),
    "heat2d": (),
    "burgers-profile": (),
    "gclm": (),
    "ccf": (),
    "ccf-1": ("problem.order=1",),
}
"""Name → settings of the preset of that name, a number at its end aside."""
PAUSED = ("poisson2d-quick", ("name=paused", "stages.0.iterations=4000", "stages.0.patience=4000"))
NOT_COMPARED = ("wall_time_s", "device_memory_mb")
INDEX = "kept-home.json"
"""In the home: name → run id."""


def core(home: Path, source: Path, *arguments: str) -> str:
    """What `python -m core …` of a source tree prints, on one thread: sums depend on how they are cut."""
    done = subprocess.run(
        [sys.executable, "-m", "core", *arguments],
        cwd=source,
        env=os.environ | {"LAB_HOME": str(home), "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def preset(name: str) -> str:
    return name.rstrip("0123456789").rstrip("-") if name not in ("poisson2d", "poisson3d", "heat2d") else name


def make(home: Path, source: Path, names: list[str]) -> None:
    """Fill a home; runs that it has already are not trained again."""
    home.mkdir(parents=True, exist_ok=True)
    index = home / INDEX
    made = json.loads(index.read_text()) if index.exists() else {}
    for name in names:
        if name in made:
            continue
        out, began = home / "out.json", time.perf_counter()
        settings = [part for setting in RUNS[name] for part in ("--set", setting)]
        core(home, source, "train", preset(name), *settings, "--json", str(out))
        report = json.loads(out.read_text())
        made[name] = report["run_id"]
        index.write_text(json.dumps(made, indent=1))
        print(f"{name}: {report['iterations']} iterations, {time.perf_counter() - began:.1f} s", flush=True)
    if "paused" not in made and len(names) == len(RUNS):
        made["paused"] = _paused(home, source)
        index.write_text(json.dumps(made, indent=1))


def _paused(home: Path, source: Path) -> str:
    name, settings = PAUSED
    chosen = [part for setting in settings for part in ("--set", setting)]
    run_id = core(home, source, "submit", name, *chosen).split()[-1]
    _wait(home, source, run_id, "%", 120)
    time.sleep(2)
    core(home, source, "pause", run_id)
    _wait(home, source, run_id, "paused", 120)
    return run_id


def _wait(home: Path, source: Path, run_id: str, word: str, most: float) -> None:
    until = time.monotonic() + most
    while word not in core(home, source, "status", run_id):
        if time.monotonic() > until:
            raise SystemExit(f"error: {run_id} did not become {word!r} within {most:.0f} s")
        time.sleep(0.5)


def compare(first: Path, second: Path) -> bool:
    """Print each run of both homes and whether it is the same to the bit."""
    import numpy as np
    import torch

    from core.runs import RunFolder

    ids = [json.loads((home / INDEX).read_text()) for home in (first, second)]
    same = True
    for name in ids[0].keys() & ids[1].keys() - {"paused"}:
        folders = [RunFolder(home / "runs" / index[name]) for home, index in zip((first, second), ids, strict=True)]
        a, b = (folder.history_columns() for folder in folders)
        differs = [key for key in a.keys() ^ b.keys() if key not in NOT_COMPARED]
        for key in a.keys() & b.keys() - {*NOT_COMPARED}:
            if not np.array_equal(a[key], b[key], equal_nan=True):
                differs.append(key)
        if folders[0].config_data() != folders[1].config_data():
            differs.append("config")
        kept = [torch.load(folder.last, weights_only=True) for folder in folders]
        for k, (one, other) in enumerate(zip(kept[0]["stages"], kept[1]["stages"], strict=True)):
            tensors = ([t for layer in stage["layers"] for t in layer] for stage in (one, other))
            if not all(x is y if x is None else torch.equal(x, y) for x, y in zip(*tensors, strict=True)):
                differs.append(f"weights of stage {k + 1}")
        if kept[0]["lambda"] != kept[1]["lambda"]:
            differs.append("λ")
        print(f"{name:<18} {len(a['iteration']):>6} rows  {'bit-identical' if not differs else f'differs: {differs}'}")
        same = same and not differs
    return same


def open_(home: Path) -> None:
    """Everything that is done with an old run, done with the runs of this home; ends with an error where one fails."""
    import numpy as np

    os.environ["LAB_HOME"] = str(home)
    from core.runs.folder import run_folder
    from core.solution.evaluate import load_solution
    from core.tracking import store

    index = json.loads((home / INDEX).read_text())
    for name, run_id in index.items():
        folder = run_folder(run_id)
        reading = store.stored_config(folder)
        loaded = load_solution(folder)
        problem = reading.config.problem
        values = loaded.evaluate(np.array([[axis[0] for axis in problem.domain()]]))
        rows = len(folder.history_columns()["iteration"])
        print(f"{name:<18} {len(values)} values, {rows} rows, config notes {list(reading.notes)}", flush=True)
    print(core(home, ROOT, "export", index["poisson2d-quick"], "-o", str(home / "solution.vtu")).strip(), flush=True)
    print(core(home, ROOT, "certificate", index["burgers-profile"]).strip(), flush=True)
    core(home, ROOT, "resume", index["paused"])
    _wait(home, ROOT, index["paused"], "finished", 300)
    print("the paused run was resumed and finished", flush=True)
    for name in ("poisson2d-quick", "burgers-profile"):
        out = home / "replay.json"
        core(home, ROOT, "replay", index[name], "--verify", "--json", str(out))  # fails where they differ
        print(f"{name}, trained again: {json.loads(out.read_text())['verify']['sentence']}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("make", "compare", "open"))
    parser.add_argument("homes", nargs="+", type=Path, metavar="HOME")
    parser.add_argument("--source", type=Path, default=ROOT, help="source tree that makes the home; this one without")
    parser.add_argument("--runs", nargs="+", choices=list(RUNS), default=list(RUNS))
    options = parser.parse_args()
    homes = [home.absolute() for home in options.homes]
    if options.what == "make":
        make(homes[0], options.source.absolute(), options.runs)
    elif options.what == "compare":
        raise SystemExit(0 if compare(*homes) else 1)
    else:
        open_(homes[0])


if __name__ == "__main__":
    main()
