"""A live run in bad weather: databases locked, a disk full or read-only, the clock set back, a history cut.

Each scene has a run at work, something that befalls it for a while, and its end: the run goes on or pauses cleanly, its
history has no gap, and the command says what is the matter. Needs root for a small disk of its own, on which it is
alone; the clock is that of libfaketime (Debian: `faketime`), for the processes of the scene alone.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.browser import ROOT
from benchmarks.control import seen
from benchmarks.control.kills import CONFIG, differs
from core.runs import run_folder

LOCKED_S = 60.0
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")


def _command(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "core", *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def _submit(**environment: str) -> str:
    config = seen.home().parent / "weather.json"
    config.write_text(CONFIG.model_copy(update={"name": "weather"}).canonical_json(), encoding="utf-8")
    done = _command("submit", str(config), **environment)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout.strip()


def _trains(run_id: str) -> bool:
    return (run_folder(run_id).progress() or {}).get("total_iterations", 0) > 100


def _state(run_id: str) -> str:
    return seen.jobs()[run_id]["state"]


def _to_its_end(run_id: str, expected: dict[str, np.ndarray]) -> list[str]:
    """Have the run finish, resuming it where it had to leave off; what is wrong then."""
    for _ in range(5):
        seen.wait(lambda: _state(run_id) not in (*seen.ACTIVE, "queued"), 300)
        if _state(run_id) == "finished":
            break
        refused = _command("resume", run_id)
        if refused.returncode:
            return [f"resume: {refused.stderr.strip()}"]
    if _state(run_id) != "finished":
        return [f"it is {_state(run_id)}: {seen.jobs()[run_id]['reason']}"]
    column = differs(expected, run_folder(run_id).history_columns())
    wrong = [f"its history differs in {column}"] if column else []
    if seen.wait(lambda: not seen.lies(), 30) is None:
        wrong += seen.lies()
    return wrong


@contextmanager
def locked(name: str, seconds: float) -> Iterator[None]:
    """Hold one of the home's databases exclusively."""
    holder = sqlite3.connect(seen.home() / name, timeout=20)
    holder.execute("BEGIN EXCLUSIVE")
    time.sleep(seconds)
    yield
    holder.rollback()
    holder.close()


def _locked(name: str, seconds: float) -> Callable[[dict[str, np.ndarray]], dict[str, Any]]:
    def scene(expected: dict[str, np.ndarray]) -> dict[str, Any]:
        run_id = _submit()
        seen.wait(lambda: _trains(run_id), 120, 0.05)
        with locked(name, seconds):
            said = _command("status", run_id)
        return {"said": (said.stdout + said.stderr).strip()[-300:], "wrong": _to_its_end(run_id, expected)}

    return scene


@contextmanager
def small_disk(megabytes: int = 400) -> Iterator[Path]:
    """A disk of its own for the lab home: ext4 in a file, which an error makes read-only as it would a real one."""
    image, place = seen.home().parent / "disk.img", seen.home().parent / "disk"
    place.mkdir(exist_ok=True)
    with image.open("wb") as file:
        file.truncate(megabytes * 2**20)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
    _mount(image, place)
    before = os.environ["LAB_HOME"]
    os.environ["LAB_HOME"] = str(place / "home")
    try:
        yield place
    finally:
        for process in seen.processes():
            if process.pid != os.getpid():
                seen.kill(process)
        time.sleep(0.5)
        os.environ["LAB_HOME"] = before
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def _mount(image: Path, place: Path) -> None:
    subprocess.run(["mount", "-o", "loop,errors=remount-ro", str(image), str(place)], check=True)


def full_disk(expected: dict[str, np.ndarray]) -> dict[str, Any]:
    """The disk is filled to the last byte while the run trains, for 15 s."""
    with small_disk() as place:
        run_id = _submit()
        seen.wait(lambda: _trains(run_id), 120, 0.05)
        with (place / "filler").open("wb") as filler:
            try:
                while True:
                    filler.write(b"\0" * 65536)
                    filler.flush()
            except OSError:
                pass
        time.sleep(15)
        said = _command("status", run_id)
        refused = _command("submit", "poisson2d-quick")
        (place / "filler").unlink()
        wrong = _to_its_end(run_id, expected)
        if refused.returncode == 0:
            wrong.append("a run was taken in on a full disk")
        return {"said": (said.stdout + said.stderr).strip()[-300:], "refusal": refused.stderr.strip(), "wrong": wrong}


def read_only(expected: dict[str, np.ndarray]) -> dict[str, Any]:
    """Every file of the home refuses to be written, the open ones too, for 15 s; then all is as before."""
    with small_disk() as place:
        run_id = _submit()
        seen.wait(lambda: _trains(run_id), 120, 0.05)
        subprocess.run(["chattr", "-R", "+i", str(place / "home")], check=True)
        time.sleep(15)
        said = _command("status", run_id)
        subprocess.run(["chattr", "-R", "-i", str(place / "home")], check=True)
        return {"said": (said.stdout + said.stderr).strip()[-300:], "wrong": _to_its_end(run_id, expected)}


def disk_failed(expected: dict[str, np.ndarray]) -> dict[str, Any]:
    """The file system meets an error and is read-only from then on; 15 s later it is checked and mounted again."""
    with small_disk() as place:
        run_id = _submit()
        seen.wait(lambda: _trains(run_id), 120, 0.05)
        device = subprocess.run(["findmnt", "-no", "SOURCE", str(place)], capture_output=True, text=True, check=True)
        Path("/sys/fs/ext4", Path(device.stdout.strip()).name, "trigger_fs_error").write_text("1", encoding="utf-8")
        time.sleep(15)
        said = _command("status", run_id)
        ended = seen.wait(lambda: not seen.processes("work"), 60)
        subprocess.run(["umount", "--lazy", str(place)], check=True)
        image = place.with_suffix(".img")
        subprocess.run(["e2fsck", "-fy", str(image)], check=False, capture_output=True)
        _mount(image, place)
        wrong = [] if ended is not None else ["the run went on writing to a disk that is gone"]
        _command("status")
        wrong += _to_its_end(run_id, expected)
        return {"said": (said.stdout + said.stderr).strip()[-300:], "wrong": wrong}


def clock_set_back(expected: dict[str, np.ndarray]) -> dict[str, Any]:
    """The clock is set back by a day while the run trains."""
    if not FAKETIME.exists():
        return {"skipped": "libfaketime is not here", "wrong": []}
    clock = seen.home().parent / "clock"
    clock.write_text("+0d\n", encoding="utf-8")
    faked = {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_NO_CACHE": "1",
    }
    run_id = _submit(**faked)
    seen.wait(lambda: _trains(run_id), 180, 0.05)
    clock.write_text("-1d\n", encoding="utf-8")
    time.sleep(6)
    said = _command("status", run_id, **faked)
    state = _state(run_id)
    wrong = [] if state in (*seen.ACTIVE, "finished") else [f"it was called {state} when the clock was set"]
    return {"said": said.stdout.strip()[-300:], "wrong": wrong + _to_its_end(run_id, expected)}


def history_cut(expected: dict[str, np.ndarray]) -> dict[str, Any]:
    """The history loses its last third while the run trains, and the run is killed then."""
    run_id = _submit()
    seen.wait(lambda: _trains(run_id), 120, 0.02)
    path = run_folder(run_id).history
    seen.wait(path.exists, 10, 0.02)
    os.kill(seen.jobs()[run_id]["pid"], 9)
    if seen.wait(lambda: _state(run_id) == "crashed", 30) is None:
        return {"said": "", "wrong": [f"it was {_state(run_id)} before anything befell it"]}
    kept = path.with_name("history.kept")
    shutil.copy2(path, kept)
    os.truncate(path, path.stat().st_size * 2 // 3)
    refused = _command("resume", run_id)
    wrong = [] if refused.returncode == 2 and "go on" in refused.stderr else [f"resume said {refused.stderr.strip()!r}"]
    kept.replace(path)
    return {"said": refused.stderr.strip()[-400:], "wrong": wrong + _to_its_end(run_id, expected)}


def measure(quick: bool = False, only: str = "") -> dict[str, Any]:
    """What was said in each scene, and what went wrong."""
    os.environ["OMP_NUM_THREADS"] = "1"
    seconds = 10.0 if quick else LOCKED_S
    seen.home().mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {}
    with seen.ended():
        reference = _submit()
        if seen.wait(lambda: _state(reference) == "finished", 600) is None:
            raise RuntimeError("The run that nothing befalls did not finish.")
        expected = run_folder(reference).history_columns()
        scenes = {
            "job table locked": _locked("jobs.db", seconds),
            "MLflow locked": _locked("mlflow.db", seconds),
            "disk full": full_disk,
            "home read-only": read_only,
            "disk failed": disk_failed,
            "clock set back": clock_set_back,
            "history cut": history_cut,
        }
        for name, scene in scenes.items():
            if only not in name:
                continue
            found[name] = scene(expected)
            print(name, found[name], file=sys.stderr, flush=True)
    return {"scenes": found, "wrong": [f"{name}: {why}" for name, scene in found.items() for why in scene["wrong"]]}
