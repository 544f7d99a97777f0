"""A sweep's folder in the lab home, `sweeps/ID`: what was asked for, Optuna's journal, and what is known of the trials.

The id is that of the run in the store under which its trials are filed.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from core.config import RunConfig
from core.errors import ConfigError, LabError
from core.files import read_object, write_quickly, write_whole
from core.home import RUN_ID, home
from core.jobs.sweep_bin import ASKED, note_of
from core.jobs.sweeping import OPEN
from core.runs.folder import config_of
from core.sweeps.sweep import Sweep

CONFIG, JOURNAL, KNOWN = "config.json", "journal.log", "known.json"
STOP = "stop"
"""Note that a sweep is to stop; that it goes on says `OPEN` (`core.jobs.sweeping` keeps its process alive)."""
OVER = ("finished", "stopped", "failed")
"""States in which nothing more happens unless somebody asks."""


@dataclass(frozen=True)
class Trial:
    """One trial as pages and the command line see it."""

    number: int
    state: str
    """`waiting`, `queued`, `running`, `paused`, `finished`, `pruned`, `failed` or `stopped`."""
    values: dict[str, str]
    """Path → value, as `--set` takes it."""
    run_id: str | None = None
    value: float | None = None
    """Of the figure that trials are compared by; None unless finished."""
    best_residual: float | None = None
    """The least of the largest residuals so far."""
    share: float | None = None
    """How far its run has come, 0 to 1."""
    reason: str = ""
    ended: float | None = None
    """Unix time in seconds."""


@dataclass(frozen=True)
class Known:
    """What is known of a sweep, written by its process and read by everybody else."""

    state: str
    """`running`, `stopping`, `finished`, `stopped` or `failed`."""
    reason: str = ""
    trials: tuple[Trial, ...] = ()
    importance: dict[str, float] = field(default_factory=dict)
    """Path → share of the figure's variance that the field explains, 0 to 1; empty while too few have finished."""
    updated: float = 0.0
    """Unix time in seconds."""

    @property
    def over(self) -> bool:
        """Whether nothing more happens unless somebody asks."""
        return self.state in OVER

    @property
    def best(self) -> Trial | None:
        """The finished trial with the least figure, the earlier of equal ones."""
        done = [trial for trial in self.trials if trial.state == "finished" and trial.value is not None]
        return min(done, key=lambda trial: (trial.value, trial.number), default=None)

    def count(self, *states: str) -> int:
        """How many trials are in any of the states."""
        return sum(trial.state in states for trial in self.trials)


@dataclass(frozen=True)
class SweepFolder:
    """Paths and files of one sweep."""

    path: Path

    @property
    def sweep_id(self) -> str:
        """Its id."""
        return self.path.name

    @property
    def journal(self) -> Path:
        """Optuna's journal."""
        return self.path / JOURNAL

    def create(self, sweep: Sweep, config: RunConfig) -> None:
        """Write down what was asked for. Raises OSError."""
        self.path.mkdir(parents=True)
        write_whole(self.path / CONFIG, config.canonical_json() + "\n")
        write_whole(self.path / ASKED, sweep.model_dump_json(indent=1) + "\n")

    def sweep(self) -> Sweep:
        """What was asked for. Raises LabError where that is damaged."""
        try:
            return Sweep.model_validate_json((self.path / ASKED).read_bytes())
        except (OSError, ValidationError) as error:
            raise LabError(f"{ASKED} of sweep {self.sweep_id[:8]} can't be read: {type(error).__name__}.") from error

    def config(self) -> RunConfig:
        """What all trials have in common. Raises LabError where that is damaged."""
        try:
            return config_of((self.path / CONFIG).read_bytes(), f"of sweep {self.sweep_id}").config
        except (OSError, ConfigError) as error:
            raise LabError(f"{CONFIG} of sweep {self.sweep_id[:8]} can't be read: {error}") from error

    def known(self) -> Known:
        """What is known of it."""
        data = read_object(self.path / KNOWN, _is_known)
        if data is None:
            return Known("running" if self.is_open else "failed", "" if self.is_open else "It never began.")
        trials = tuple(Trial(**trial) for trial in data.pop("trials"))
        return Known(**data, trials=trials)

    def write_known(self, known: Known) -> None:
        """Say what is known. Raises OSError."""
        write_quickly(self.path / KNOWN, json.dumps(asdict(known)))

    @property
    def is_open(self) -> bool:
        """Whether it is to go on."""
        return (self.path / OPEN).exists()

    @property
    def opened(self) -> float:
        """When it was last started or resumed, in Unix seconds."""
        with contextlib.suppress(OSError, ValueError):
            return float((self.path / OPEN).read_text())
        return 0.0

    def open(self) -> None:
        """Have it go on. Raises OSError."""
        (self.path / STOP).unlink(missing_ok=True)
        write_whole(self.path / OPEN, f"{time.time()}\n")

    def close(self) -> None:
        """It goes on no more."""
        (self.path / STOP).unlink(missing_ok=True)
        (self.path / OPEN).unlink(missing_ok=True)

    @property
    def is_binned(self) -> bool:
        """Whether it is in the bin."""
        return note_of(self.path) is not None

    @property
    def is_to_stop(self) -> bool:
        """Whether somebody asked for its end."""
        return (self.path / STOP).exists()

    def ask_to_stop(self, who: str) -> None:
        """Ask for its end. Raises OSError."""
        write_whole(self.path / STOP, who)

    @property
    def stopped_by(self) -> str:
        """Who asked for its end."""
        with contextlib.suppress(OSError):
            return (self.path / STOP).read_text(encoding="utf-8", errors="replace")
        return ""


def _is_known(data: Mapping[str, Any]) -> bool:
    trials = data.get("trials")
    whole = isinstance(data.get("state"), str) and isinstance(data.get("importance"), dict)
    return whole and isinstance(trials, list) and all(isinstance(trial, dict) for trial in trials)


def sweep_folder(sweep_id: str) -> SweepFolder:
    """The folder of a sweep. Raises LabError for what is none, or is in the bin."""
    folder = _folder(sweep_id)
    if folder.is_binned:
        back = f"Restore it first: `python -m core sweep restore {sweep_id[:8]}`."
        raise LabError(f"The sweep {sweep_id[:8]} is in the bin. {back}")
    return folder


def binned_folder(sweep_id: str) -> SweepFolder:
    """The folder of a sweep in the bin. Raises LabError for what is none, or is not there."""
    folder = _folder(sweep_id)
    if not folder.is_binned:
        raise LabError(f"The sweep {sweep_id[:8]} is not in the bin: there is nothing to restore.")
    return folder


def _folder(sweep_id: str) -> SweepFolder:
    folder = SweepFolder(home().sweeps / sweep_id)
    if not RUN_ID.fullmatch(sweep_id) or not (folder.path / ASKED).exists():
        raise LabError(f"There is no sweep {sweep_id[:40]!r} here; `python -m core sweep list` lists them.")
    return folder


def all_sweeps(only: Collection[str] | None = None, *, binned: bool = False) -> list[SweepFolder]:
    """All sweeps of this lab home, or those of some ids, the newest first: those in the bin, or the others."""
    if not home().sweeps.is_dir():
        return []
    there = [SweepFolder(path) for path in home().sweeps.iterdir() if RUN_ID.fullmatch(path.name)]
    there = [each for each in there if (only is None or each.sweep_id in only) and (each.path / ASKED).exists()]
    there = [each for each in there if each.is_binned == binned]
    return sorted(there, key=lambda folder: (folder.path / ASKED).stat().st_mtime, reverse=True)


def whole_id(beginning: str, *, binned: bool = False) -> str:
    """The id of the sweep, or of the one in the bin, that begins with a text; whole ones are given back as they are.

    Raises LabError where none or several do.
    """
    if RUN_ID.fullmatch(beginning):
        return _folder(beginning).sweep_id
    found = [each.sweep_id for each in all_sweeps(binned=binned) if beginning and each.sweep_id.startswith(beginning)]
    if len(found) != 1:
        lists, place = ("bin", "in the bin") if binned else ("sweep list", "here")
        fits = f"fits {len(found)} sweeps; write more of the id" if found else f"is no sweep {place}"
        raise LabError(f"{beginning[:40]!r} {fits}. `python -m core {lists}` lists them.")
    return found[0]
