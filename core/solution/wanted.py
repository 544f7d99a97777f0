"""What of a run is to be sampled beside its newest fields: another checkpoint, some of its stages, typed formulas."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from core.errors import LabError
from core.runs import RunFolder
from core.runs.checkpoint_file import look
from core.tracking.store import run_config

LAST, BEST = "last", "best"


@dataclass(frozen=True)
class Wanted:
    """What is evaluated; the default is all that the newest checkpoint knows."""

    checkpoint: str = LAST
    """`last`, `best` or `stage-1`, as `checkpoints_of` names them."""
    stages: int | None = None
    """Only the first so many terms of the sum; 0 is the ansatz alone, None all."""
    alone: bool = False
    """What the last of these terms adds, in the place of the sum: fields with it less fields without."""
    formulas: tuple[str, ...] = ()
    """Further values, typed: `u_x + v_y`."""
    streamfunction: bool = False
    """Of a plane flow on a grid, also its stream function."""
    residuals: bool = True
    """Whether residuals are evaluated too, which takes several times as long as fields, exact values and errors."""

    @property
    def digest(self) -> str:
        """Tells apart what is computed and what is said of it; empty for all there is of the newest checkpoint."""
        if self == Wanted():
            return ""
        plain = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(plain.encode()).hexdigest()[:12]

    @property
    def said(self) -> dict[str, object]:
        """What a sampled file says of it, beside the run."""
        found: dict[str, object] = {} if self.checkpoint == LAST else {"checkpoint": self.checkpoint}
        if self.stages is not None:
            found["stages"] = self.stages
        if self.alone:
            found["correction_alone"] = 1
        return found


ALL = Wanted()


def checkpoints_of(folder: RunFolder) -> dict[str, Path]:
    """Name → file of a run's checkpoints on this machine: the newest, the best, then the end of each stage."""
    stages = sorted(folder.checkpoints.glob("stage-*.pt"), key=lambda path: (len(path.name), path.name))
    return {path.stem: path for path in (folder.last, folder.best, *stages) if path.exists()}


def stages_at(folder: RunFolder, name: str) -> int:
    """Stages in the sum of one of a run's checkpoints; those of its config where an older program noted none."""
    noted = look(checkpoint_path(folder, name)).stages
    return len(run_config(folder).stages) if noted is None else noted


def checkpoint_path(folder: RunFolder, name: str) -> Path:
    """The file of one of `checkpoints_of`. Raises LabError, which names those that are there."""
    found = checkpoints_of(folder)
    if not found:
        raise LabError(f"Run {folder} has no checkpoint yet; the first one is written while it trains.")
    if name not in found:
        raise LabError(f"Run {folder} has no checkpoint {name!r:.40} here; it has {', '.join(found)}.")
    return found[name]
