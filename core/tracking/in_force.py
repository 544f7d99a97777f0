"""The config in force: what a run's process really used, compared with what it was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.config import Difference, RunConfig, differing, read_data
from core.errors import LabError
from core.migrations import read_config
from core.runs import RunFolder
from core.runs.folder import CONFIG, IN_FORCE
from core.runs.soundness import is_config
from core.tracking import store
from core.tracking.tags import AS_ASKED

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
    resolved = tuple(item for item in found if _was_left_open(item) or _has_grown(item, asked))
    return InForce(resolved, tuple(item for item in found if item not in resolved))


def _was_left_open(item: Difference) -> bool:
    name = item.field.rpartition(".")[2]
    return item.before in LEFT_OPEN.get(name, ())


def _has_grown(item: Difference, asked: dict[str, Any]) -> bool:
    """Whether it belongs to a stage that growth has added, or is growth itself, which is over then."""
    if asked.get("growth") is None:
        return False
    part, _, rest = item.field.partition(".")
    return part == "growth" or (part == "stages" and int(rest.partition(".")[0]) >= len(asked["stages"]))


def settled(folder: RunFolder) -> RunConfig | None:
    """The config of a run that has grown, as it grew: trained again, it searches for nothing. None for all others."""
    if _asked(folder).get("growth") is None or (raw := store.artifact(folder, IN_FORCE)) is None:
        return None
    effective = read_data(raw, IN_FORCE)
    if not is_config(effective) or effective.get("growth") is not None:
        return None
    return read_config(effective).config


def record(folder: RunFolder, effective: dict[str, Any]) -> InForce:
    """Write down the config in force: in the run's folder, and for the store, with a tag that says if it matches."""
    folder.write_in_force(effective)
    found = compare(_asked(folder), effective)
    folder.outbox.put(artifacts=[(IN_FORCE, "")])
    folder.outbox.put(tags={AS_ASKED: "matches" if found.matches else "differs"})
    return found


def in_force(folder: RunFolder, *, local: bool = False) -> InForce | None:
    """The comparison for a run; None while it has not begun to train. Raises LabError.

    Args:
        folder: the run's.
        local: look into the run's own folder alone, which costs no time.
    """
    if local and not folder.file(IN_FORCE).exists():
        return None
    raw = store.artifact(folder, IN_FORCE)
    if raw is None:
        return None
    effective = read_data(raw, IN_FORCE)
    if not is_config(effective):
        raise LabError(f"{IN_FORCE} of run {folder} can't be used: it is no config.")
    return compare(_asked(folder), effective)


def _asked(folder: RunFolder) -> dict[str, Any]:
    raw = store.artifact(folder, CONFIG)
    if raw is None:
        raise LabError(f"Run {folder} has no {CONFIG}.")
    return read_data(raw, CONFIG)
