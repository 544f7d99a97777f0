"""The config in force: what a run's process really used, compared with what it was asked for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from core.config import Difference, differing, read_data
from core.errors import LabError
from core.home import home
from core.jobs.files import write_whole
from core.tracking import store

FILE = "effective_config.json"
TAG = "lab.in_force"
LEFT_OPEN = {
    "device": ("auto",),
    "precision": ("auto",),
    "sigma": ("measured", "search"),
    "start": (None,),
    "kind": ("auto",),
}
"""Fields by the last part of their path → the values that leave the choice to the run."""


@dataclass(frozen=True)
class InForce:
    """How the config in force stands to the one that was asked for."""

    resolved: tuple[Difference, ...]
    """What was left to the run, and what it chose: device auto → cpu."""
    differing: tuple[Difference, ...]
    """What it did otherwise than asked."""

    @property
    def matches(self) -> bool:
        """Whether the run does what it was asked for."""
        return not self.differing


def compare(asked: dict[str, Any], effective: dict[str, Any]) -> InForce:
    """Plain data of the config that was asked for, against the config in force."""
    found = differing(asked, effective)
    resolved = tuple(item for item in found if _was_left_open(item))
    return InForce(resolved, tuple(item for item in found if item not in resolved))


def _was_left_open(item: Difference) -> bool:
    name = item.field.rpartition(".")[2]
    return item.before in LEFT_OPEN.get(name, ())


def record(run_id: str, effective: dict[str, Any]) -> InForce:
    """Write down the config in force: in the run's folder, as an artifact, and as tag whether it matches."""
    text = json.dumps(effective, sort_keys=True, ensure_ascii=False)
    write_whole(home().run_dir(run_id) / FILE, text + "\n")
    found = compare(_asked(run_id), effective)
    client = store.client()
    client.log_text(run_id, text, FILE)
    client.set_tag(run_id, TAG, "matches" if found.matches else "differs")
    return found


def in_force(run_id: str, *, local: bool = False) -> InForce | None:
    """The comparison for a run; None while it has not begun to train. Raises LabError.

    Args:
        run_id: the run.
        local: look into the run's own folder alone, which costs no time.
    """
    if local and not (home().run_dir(run_id) / FILE).exists():
        return None
    raw = store.artifact(run_id, FILE)
    return None if raw is None else compare(_asked(run_id), read_data(raw, FILE))


def _asked(run_id: str) -> dict[str, Any]:
    raw = store.artifact(run_id, "config.json")
    if raw is None:
        raise LabError(f"Run {run_id[:8]} has no config.json.")
    return read_data(raw, "config.json")
