"""A sweep as it is now: what was asked for, and what is known of its trials."""

from __future__ import annotations

from dataclasses import dataclass

from core.sweeps.folder import Known, SweepFolder
from core.sweeps.sweep import Sweep


@dataclass(frozen=True)
class Seen:
    """A sweep as it is now."""

    sweep_id: str
    sweep: Sweep
    known: Known

    @classmethod
    def of(cls, folder: SweepFolder) -> Seen:
        """The sweep of a folder. Raises LabError where what was asked for is damaged."""
        known = folder.known()
        if folder.is_open and folder.is_to_stop and not known.over:
            known = Known("stopping", known.reason, known.trials, known.importance, known.updated)
        return cls(folder.sweep_id, folder.sweep(), known)

    @property
    def sentence(self) -> str:
        """How far it is, in a line."""
        known = self.known
        parts = [f"{known.count('finished')} of {self.sweep.trials} finished"]
        for state in ("running", "queued", "pruned", "failed", "paused", "stopped"):
            if count := known.count(state):
                parts.append(f"{count} {state}")
        if known.best is not None:
            parts.append(f"best {self.sweep.metric} {known.best.value:.2e}")
        return ", ".join(parts)

    @property
    def in_full(self) -> str:
        """The same, and why it is over where it did not just finish."""
        return " ".join(filter(None, [f"{self.sentence}.", self.known.reason]))
