"""A run's folder: the names and formats of all files in it, whole reads and writes, and what is there.

Functions that work on a run are given this in place of an id. Nobody else spells a file's name. The names under which
MLflow has a run's artifacts are the same.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from core.errors import LabError
from core.files import read_bounded, read_object, sync_folder, write_quickly, write_whole
from core.home import RUN_ID, home
from core.problem_source import KEPT, keep_source
from core.runs.funnel import FunnelPoint
from core.runs.outbox import Outbox
from core.runs.path import PathStep
from core.runs.soundness import (
    are_facts,
    is_funnel_point,
    is_heartbeat,
    is_last_word,
    is_path_step,
    is_progress,
    is_stage,
    is_window_step,
)
from core.runs.stages import StageDone
from core.runs.windows import WindowStep

if TYPE_CHECKING:
    import numpy as np

    from core.config import RunConfig
    from core.migrations import Reading
    from core.runs.history_stream import HistoryPart

CONFIG, IN_FORCE = "config.json", "effective_config.json"
FACTS, DIFF, PACKAGES = "provenance.json", "uncommitted.diff", "environment.txt"
HISTORY, CHECKPOINTS = "history.arrows", "checkpoints"
CERTIFICATE, FUNNEL, PATH, WINDOWS = "certificate.json", "funnel.json", "path.json", "windows.json"
STAGES = "stages.json"
EVENTS, MACHINE = "events.jsonl", "machine.csv"
SUMMARY, RESIDUALS = "summary.md", "residuals.png"
HEARTBEAT_ROOM = 1024
"""Bytes of a heartbeat, filled up with blanks."""
LAST_WORD, ROOM = "exit.json", "exit.room"
WORD_ROOM, REASON = 4096, 600
"""Bytes that are taken beforehand for a run's last word, and characters of its reason that surely fit in."""
LARGEST = 64_000_000
"""Bytes of a file that is read at once: an uncommitted diff may be long."""


@dataclass(frozen=True)
class RunFolder:
    """One run's directory. Nothing is created but by the methods that write."""

    path: Path

    @property
    def run_id(self) -> str:
        """Id of the run."""
        return self.path.name

    def __str__(self) -> str:
        return self.run_id[:8]

    # -- what is there ------------------------------------------------------------------------------------------------

    @property
    def exists(self) -> bool:
        """Whether the run has a folder on this machine."""
        return self.path.is_dir()

    @property
    def has_checkpoint(self) -> bool:
        """Whether there is a solution to look at, to continue from, or to start a next stage from."""
        return self.last.exists()

    def file(self, name: str) -> Path:
        """Where a file of this name is or would be."""
        return self.path / name

    def fetched(self, name: str) -> Path:
        """Where the copy of an artifact of this name is or would be, for a run that was trained elsewhere."""
        return home().fetched / self.run_id / name

    def found(self, name: str) -> Path | None:
        """A file of the run itself, else the copy that was fetched; None where neither is here."""
        return next((path for path in (self.file(name), self.fetched(name)) if path.exists()), None)

    def artifacts(self) -> list[tuple[str, str]]:
        """Files that the store gets at a run's end, each with the artifact folder it belongs to."""
        own = [name for name in (RESIDUALS, SUMMARY, HISTORY, CERTIFICATE, PATH, WINDOWS, STAGES, MACHINE)
               if self.file(name).exists()]  # fmt: skip
        kept = sorted(path.name for path in self.checkpoints.glob("*.pt"))
        return [(name, "") for name in own] + [(f"{CHECKPOINTS}/{name}", CHECKPOINTS) for name in kept]

    # -- before the run begins ----------------------------------------------------------------------------------------

    def create(self, config: RunConfig) -> None:
        """Make the folder of a new run: its config, and its problem's file if that is from outside. Raises OSError."""
        self.path.mkdir(parents=True)
        write_whole(self.file(CONFIG), config.canonical_json() + "\n")
        keep_source(config.problem, self.problem_source)

    def change_config(self, config: RunConfig, revision: int) -> None:
        """Replace the config of a run that has trained nothing; the former one is kept under its revision.

        Raises OSError.
        """
        former = self._former_config(revision)
        former.unlink(missing_ok=True)
        former.hardlink_to(self.file(CONFIG))
        write_whole(self.file(CONFIG), config.canonical_json() + "\n")

    def undo_change(self, revision: int) -> None:
        """Put the config of this revision back where a change of it came to nothing; nothing where there was none."""
        former = self._former_config(revision)
        if former.exists():
            former.replace(self.file(CONFIG))
            sync_folder(self.path)

    def _former_config(self, revision: int) -> Path:
        return self.file(f"config.{revision}.json")

    def start_over(self) -> None:
        """Forget what an earlier attempt left, so that the next one starts at the beginning."""
        listed = (CERTIFICATE, FUNNEL, PATH, WINDOWS, STAGES)
        left = [self.history, self.progress_file, *map(self.file, listed)]
        for path in (*left, *self.checkpoints.glob("*.pt")):
            path.unlink(missing_ok=True)

    def write_asked_tags(self, tags: Mapping[str, str]) -> None:
        """Keep the tags that the run was submitted with. Raises OSError."""
        write_whole(self.file("tags.json"), json.dumps(dict(tags)))

    def asked_tags(self) -> dict[str, str]:
        """The tags that the run was submitted with; none are known of runs of older versions."""
        return read_object(self.file("tags.json"), are_facts) or {}

    # -- config and provenance ----------------------------------------------------------------------------------------

    def config(self) -> Reading | None:
        """The config that the run was made from, as this version reads it; None where it has none here.

        Raises ConfigError.
        """
        raw = self._found_bytes(CONFIG)
        return None if raw is None else config_of(raw, str(self))

    def config_data(self) -> dict[str, Any] | None:
        """The config as it was written, unread by this version; None where there is none here."""
        from core.config import read_data

        raw = self._found_bytes(CONFIG)
        return None if raw is None else read_data(raw, f"{CONFIG} of run {self}")

    @property
    def problem_source(self) -> Path:
        """The copy of the file of a problem from outside this package."""
        return self.file(KEPT)

    def write_in_force(self, data: Mapping[str, Any]) -> None:
        """Keep the config in force."""
        write_whole(self.file(IN_FORCE), json.dumps(data, sort_keys=True, ensure_ascii=False) + "\n")

    def write_provenance(self, facts: Mapping[str, str], diff: str, packages: str) -> list[Path]:
        """Keep where the run's result comes from; returns the files, without those that would be empty."""
        texts = {FACTS: json.dumps(facts, indent=2), DIFF: diff, PACKAGES: packages}
        written = []
        for name, text in texts.items():
            if text:
                write_whole(self.file(name), text)
                written.append(self.file(name))
        return written

    def facts(self) -> dict[str, str]:
        """Where the result comes from, as the last attempt that trained noted it; empty where none did."""
        return read_object(self.file(FACTS), are_facts) or {}

    # -- training -----------------------------------------------------------------------------------------------------

    @property
    def history(self) -> Path:
        """Every iteration's numbers, an Arrow stream (`core.runs.history`)."""
        return self.file(HISTORY)

    def whole_history(self) -> HistoryPart | None:
        """The whole history, of the fetched copy where there is no other; None without one."""
        from core.runs.history_stream import read_history

        path = self.found(HISTORY)
        return None if path is None else read_history(path)

    def history_columns(self) -> dict[str, np.ndarray]:
        """Columns (n,) of the history as far as it is sound; empty without one."""
        history = self.whole_history()
        return {} if history is None else history.columns

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints, whose format `core.training.checkpoint` owns."""
        return self.file(CHECKPOINTS)

    @property
    def last(self) -> Path:
        """The newest checkpoint: replaced by rename, never rewritten."""
        return self.checkpoints / "last.pt"

    def of_stage(self, number: int) -> Path:
        """The checkpoint of the end of a stage, the first being 1."""
        return self.checkpoints / f"stage-{number}.pt"

    @property
    def best(self) -> Path:
        """The checkpoint with the least largest residual."""
        return self.checkpoints / "best.pt"

    def keep(self, checkpoint: Path, path: Path) -> None:
        """Hard-link a checkpoint under another name, of which there may be one."""
        temporary = path.with_name(f"{path.name}.link")
        temporary.unlink(missing_ok=True)
        temporary.hardlink_to(checkpoint)
        temporary.replace(path)

    @property
    def progress_file(self) -> Path:
        """Where the run stands, written by rename twice a second."""
        return self.file("progress.json")

    def progress(self) -> dict[str, Any] | None:
        """Where the run stands, as it last wrote it; None before it began, or where that is damaged."""
        return read_object(self.progress_file, is_progress)

    def write_progress(self, data: Mapping[str, Any]) -> None:
        """Say where the run stands; a reader sees the old file or the new one, and no write waits for the disk."""
        with contextlib.suppress(OSError):  # a full disk: a checkpoint that does not fit is what ends a run
            write_quickly(self.progress_file, json.dumps(data))

    def funnel(self) -> list[FunnelPoint]:
        """Every λ that the run's funnel tried, in order; empty where it has none. Raises LabError for a damaged one."""
        return [FunnelPoint(**point) for point in self._listed(FUNNEL, is_funnel_point, "a funnel's points")]

    def write_funnel(self, points: list[FunnelPoint]) -> None:
        """Keep all points of the funnel."""
        write_whole(self.file(FUNNEL), json.dumps([asdict(point) for point in points], indent=1))

    def path_steps(self) -> list[PathStep]:
        """Every step of its continuation, in order; empty where there is none. Raises LabError for a damaged file."""
        return [PathStep(**step) for step in self._listed(PATH, is_path_step, "a path's steps")]

    def write_path(self, steps: list[PathStep]) -> None:
        """Keep all steps of the continuation."""
        write_whole(self.file(PATH), json.dumps([asdict(step) for step in steps], indent=1))

    def windows(self) -> list[WindowStep]:
        """Every window of time that was trained, in order; empty where there is none. Raises LabError likewise."""
        return [WindowStep(**step) for step in self._listed(WINDOWS, is_window_step, "a run's windows")]

    def write_windows(self, steps: list[WindowStep]) -> None:
        """Keep all windows of time that were trained."""
        write_whole(self.file(WINDOWS), json.dumps([asdict(step) for step in steps], indent=1))

    def stages(self) -> list[StageDone]:
        """What each stage did, in order; empty where the run left no such file. Raises LabError likewise."""
        return [StageDone(**stage) for stage in self._listed(STAGES, is_stage, "a run's stages")]

    def write_stages(self, stages: list[StageDone]) -> None:
        """Keep what each stage did."""
        write_whole(self.file(STAGES), json.dumps([asdict(stage) for stage in stages], indent=1))

    def _listed(self, name: str, fits: Callable[[Any], bool], what: str) -> list[dict[str, Any]]:
        """The entries of a file that holds a list; none where it is not there. Raises LabError."""
        raw = self._found_bytes(name)
        if raw is None:
            return []
        try:
            entries = json.loads(raw)
        except (ValueError, RecursionError):
            entries = None
        if not isinstance(entries, list) or not all(map(fits, entries)):
            raise LabError(f"{name} of run {self} can't be used: it is no list of {what}.")
        return entries

    # -- the process --------------------------------------------------------------------------------------------------

    def open_log(self) -> BinaryIO:
        """The log, to be appended to."""
        return self.file("log.txt").open("ab")

    def log(self, offset: int, limit: int) -> tuple[bytes, int]:
        """What the run has printed from a byte offset on, at most `limit` bytes, and the offset to continue from."""
        path = self.file("log.txt")
        if not path.exists():
            return b"", offset
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read(limit)
        return data, offset + len(data)

    def log_size(self) -> int:
        """Bytes of the log."""
        path = self.file("log.txt")
        return path.stat().st_size if path.exists() else 0

    def beat(self, data: Mapping[str, Any]) -> None:
        """Say that the process is alive, and what was left of memory and disk.

        Into the same room each time: a full disk takes it, too, once the file is there. Raises OSError.
        """
        path = self.file("heartbeat")
        with path.open("r+b" if path.exists() else "w+b", buffering=0) as file:
            file.write(json.dumps(data).encode().ljust(HEARTBEAT_ROOM))

    def heartbeat(self) -> dict[str, Any] | None:
        """What the process said last while it lived; None where it said nothing."""
        return read_object(self.file("heartbeat"), is_heartbeat)

    def keep_job(self, row: Mapping[str, Any]) -> None:
        """Keep the run's row of the job table, from which the table can be made again. Raises OSError."""
        write_quickly(self.file("job.json"), json.dumps(row))

    def job(self) -> dict[str, Any] | None:
        """The run's row of the job table as it was kept last; None where none was."""
        return read_object(self.file("job.json"))

    def begin_attempt(self, attempt: int, facts: Mapping[str, Any]) -> bool:
        """Begin an attempt on a machine that does not have the job table; False where another process has begun it.

        The file is made only where there is none, also on a shared disk (NFS 3 and later). Raises OSError.
        """
        try:
            handle = os.open(self.file(f"begun.{attempt}"), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileExistsError:
            return False
        with os.fdopen(handle, "w") as file:
            file.write(json.dumps(dict(facts)))
            file.flush()
            os.fsync(file.fileno())
        return True

    def begun(self, attempt: int) -> dict[str, Any] | None:
        """Where and when such an attempt began; None where it has not. An empty object while that is being written."""
        path = self.file(f"begun.{attempt}")
        return read_object(path) or ({} if path.exists() else None)

    def write_order(self, attempt: int, facts: Mapping[str, Any]) -> None:
        """Keep what an attempt was handed to an engine with. Raises OSError."""
        write_whole(self.file(f"order.{attempt}.json"), json.dumps(dict(facts)))

    def order(self, attempt: int) -> dict[str, Any] | None:
        """What an attempt was handed to an engine with."""
        return read_object(self.file(f"order.{attempt}.json"))

    def refuse_attempt(self, attempt: int, why: str) -> None:
        """Say why an attempt was not begun by the machine that it was given to. Raises OSError."""
        write_whole(self.file(f"refused.{attempt}.json"), json.dumps({"why": why}))

    def refusal(self, attempt: int) -> str:
        """Why an attempt was not begun; empty where no machine refused it."""
        return str((read_object(self.file(f"refused.{attempt}.json")) or {}).get("why", ""))

    @property
    def machine(self) -> Path:
        """What the machine did while the run was active (`core.runs.machine_readings`)."""
        return self.file(MACHINE)

    def add_event(self, data: Mapping[str, Any]) -> None:
        """Add a line to the run's events (`core.jobs.events`). Raises OSError."""
        with self.file(EVENTS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(data) + "\n")

    def events_length(self) -> int:
        """Bytes of the run's events."""
        path = self.file(EVENTS)
        return path.stat().st_size if path.exists() else 0

    def event_lines(self) -> list[str]:
        """The lines of the run's events, the oldest first, of the fetched copy where there is no other."""
        raw = self._found_bytes(EVENTS)
        return [] if raw is None else raw.decode("utf-8", "replace").splitlines()

    def take_room(self) -> None:
        """Take the room for a last word while there is some, so that a full disk can be the reason. Raises OSError."""
        write_whole(self.file(ROOM), b" " * WORD_ROOM)

    def leave_room(self) -> None:
        """The last word is said: its room is not needed any more."""
        with contextlib.suppress(OSError):
            self.file(ROOM).unlink(missing_ok=True)

    def write_exit(self, attempt: int, state: str, reason: str) -> None:
        """The run's last word; on a full disk in the room that was taken for it. Raises OSError."""
        word = {"state": state, "reason": reason, "attempt": attempt}
        try:
            write_whole(self.file(LAST_WORD), json.dumps(word))
        except OSError:
            short = json.dumps(word | {"reason": reason[:REASON]}).encode()
            with self.file(ROOM).open("r+b", buffering=0) as file:
                file.write(short.ljust(WORD_ROOM))
                os.fsync(file.fileno())
            self.file(ROOM).replace(self.file(LAST_WORD))

    def exit(self, attempt: int) -> dict[str, Any] | None:
        """What the run itself said at its end, if this attempt got to say it."""
        record = self.last_word()
        return record if record is not None and record["attempt"] == attempt else None

    def last_word(self) -> dict[str, Any] | None:
        """What the newest attempt that got to say something said at its end."""
        return read_object(self.file(LAST_WORD), is_last_word)

    @property
    def outbox(self) -> Outbox:
        """What the run has for MLflow and has not been delivered."""
        return Outbox(self.file("outbox"))

    # -- results ------------------------------------------------------------------------------------------------------

    def write_certificate(self, data: Mapping[str, Any]) -> Path:
        """Keep the certificate's data; returns its file."""
        path = self.file(CERTIFICATE)
        write_whole(path, json.dumps(data, indent=2, ensure_ascii=False) + "\n")
        return path

    @property
    def summary(self) -> Path:
        """The Markdown summary."""
        return self.file(SUMMARY)

    @property
    def residuals_picture(self) -> Path:
        """The residual tracker's picture."""
        return self.file(RESIDUALS)

    @property
    def samples(self) -> Path:
        """Folder of the sampled solutions."""
        return self.file("solution")

    def read(self, name: str) -> bytes | None:
        """A file of the run itself; None where it is not there. Raises LabError where it can't be read."""
        return _bytes(self.file(name), str(self))

    def _found_bytes(self, name: str) -> bytes | None:
        path = self.found(name)
        return None if path is None else _bytes(path, str(self))


def _bytes(path: Path, run: str) -> bytes | None:
    try:
        return read_bounded(path, LARGEST)
    except FileNotFoundError:
        return None
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise LabError(f"{path.name} of run {run} can't be read: {why}.") from error


def run_folder(run_id: str) -> RunFolder:
    """The folder of a run in this process's lab home. Raises RunNotFoundError for what is no run id."""
    return RunFolder(home().run_dir(run_id))


def parent_folder(config: RunConfig) -> RunFolder | None:
    """The folder of the run whose solution a config starts from; None where it starts from none."""
    return None if config.parent is None else run_folder(config.parent)


def all_folders() -> list[RunFolder]:
    """The folders of all runs on this machine, in no order."""
    runs = home().runs
    return [RunFolder(path) for path in runs.iterdir() if RUN_ID.fullmatch(path.name)] if runs.is_dir() else []


def config_of(raw: bytes, run: str) -> Reading:
    """The config in the bytes of a run's `config.json`, as this version reads it. Raises ConfigError."""
    from core.config import read_data
    from core.migrations import read_config

    return read_config(read_data(raw, f"{CONFIG} of run {run}"), complete=True)
