"""What a run has for MLflow: files in its folder, each taken away once it is delivered.

The run's process writes here alone and never waits for a store. Whoever delivers (`core.tracking.store.delivery`) may
be cut off anywhere: delivering an entry twice does no harm.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.files import read_object, write_whole
from core.locks import one_at_a_time
from core.runs.soundness import is_entry, is_refusal

Metric = tuple[str, float, int, int]
"""Name, value, Unix time in ms, step."""

LOCK_S = 2.0
"""Seconds to wait for another process that delivers."""


@dataclass(frozen=True)
class Entry:
    """One file of an outbox."""

    path: Path
    metrics: list[Metric] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    artifacts: list[tuple[str, str]] = field(default_factory=list)
    """Each a file of the run's folder and the artifact folder it goes to."""

    def take_away(self) -> None:
        """It is delivered."""
        self.path.unlink(missing_ok=True)


@dataclass(frozen=True)
class Outbox:
    """A run's folder `outbox`, made with the first entry."""

    path: Path

    def put(
        self,
        *,
        metrics: Sequence[Metric] = (),
        tags: Mapping[str, str] | None = None,
        artifacts: Sequence[tuple[str, str]] = (),
        durable: bool = True,
    ) -> None:
        """Add an entry. Raises OSError.

        Args:
            metrics: points of curves.
            tags: later ones replace earlier ones of the same name.
            artifacts: files of the run's folder, sent as they are when they are sent, and where they go.
            durable: it is on disk before this returns, which an iteration should not wait for.
        """
        data = json.dumps({"metrics": metrics, "tags": dict(tags or {}), "artifacts": artifacts})
        self.path.mkdir(exist_ok=True)
        place = self.path / f"{time.time_ns():020d}.json"
        if durable:
            write_whole(place, data)
        else:
            temporary = place.with_suffix(".tmp")
            temporary.write_text(data)
            temporary.replace(place)

    def entries(self) -> list[Entry]:
        """All that waits, in the order in which it came; a damaged entry is renamed, and waits no longer."""
        found = []
        for path in sorted(self._waiting()):
            data = read_object(path, is_entry)
            if data is not None:
                artifacts = [(name, place) for name, place in data["artifacts"]]
                found.append(Entry(path, [tuple(point) for point in data["metrics"]], data["tags"], artifacts))
            elif path.exists():  # else another process has delivered it
                path.replace(path.with_suffix(".damaged"))
        return found

    def count(self) -> int:
        """Entries that wait."""
        return len(self._waiting())

    def _waiting(self) -> list[Path]:
        try:
            return [path for path in self.path.iterdir() if path.suffix == ".json" and path.stem.isdigit()]
        except FileNotFoundError:
            return []

    # -- how delivery goes --------------------------------------------------------------------------------------------

    @contextmanager
    def delivering(self) -> Iterator[bool]:
        """Whether this process may deliver: one at a time, so that no older tag overtakes a newer one."""
        if not self.path.is_dir():
            yield True
            return
        with ExitStack() as held:
            try:
                held.enter_context(one_at_a_time(self.path / "lock", LOCK_S))
            except TimeoutError:
                yield False
                return
            yield True

    @property
    def trouble(self) -> str:
        """Why the last try did not deliver everything, in one sentence; empty when it did, or nobody has tried."""
        return str((read_object(self.path / "trouble") or {}).get("reason", ""))

    def note_trouble(self, reason: str) -> None:
        """Keep why not everything was delivered; an empty reason takes the note away. A full disk keeps no note."""
        note = self.path / "trouble"
        try:
            if not reason:
                note.unlink(missing_ok=True)
            elif reason != self.trouble:
                self.path.mkdir(exist_ok=True)
                write_whole(note, json.dumps({"reason": reason, "since": time.time()}))
        except OSError:
            return

    def set_aside(self, what: Any, reason: str) -> None:
        """Keep what MLflow refuses for good, with its reason, out of the way of the rest. Raises OSError."""
        with (self.path / "refused.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"refused": what, "reason": reason}) + "\n")

    def refused(self) -> list[dict[str, Any]]:
        """What MLflow refused for good, each with its reason; lines that a crash cut off are not among it."""
        path = self.path / "refused.jsonl"
        lines = path.read_text("utf-8", "replace").splitlines() if path.exists() else []
        return [data for line in lines if is_refusal(data := _parsed(line))]


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None
