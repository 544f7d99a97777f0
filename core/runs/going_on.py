"""Whether a run can go on from what is in its folder: a whole checkpoint, and the history that it counts."""

from __future__ import annotations

import itertools
from pathlib import Path

from core.errors import LabError
from core.runs.checkpoint_file import CheckpointFacts, look
from core.runs.folder import RunFolder


class DamagedHistoryError(LabError):
    """The history lacks rows that the checkpoint counts, or holds others: going on would leave a silent hole."""


def check_history(folder: RunFolder, rows: int, checksum: int | None) -> None:
    """Compare a history with the checkpoint from which the run is to go on. Raises DamagedHistoryError.

    Args:
        folder: the run's.
        rows: rows that the checkpoint counts.
        checksum: of these; None for a checkpoint of an older program.
    """
    from core.runs import history_stream

    part = history_stream.read_history(folder.history)
    if any((hole.checkpoint_rows, hole.checkpoint_checksum) == (rows, checksum) for hole in part.holes):
        return  # a person accepted it
    if part.cursor.rows < rows:
        raise DamagedHistoryError(
            f"The history of run {folder} has {part.cursor.rows:,} whole rows and its checkpoint counts {rows:,}: "
            f"what came after row {part.cursor.rows:,} is damaged or missing, and going on would leave a hole."
        )
    kept = {name: block[:rows] for name, block in part.columns.items()}
    if checksum is not None and history_stream.checksum(kept) != checksum:
        raise DamagedHistoryError(
            f"The first {rows:,} rows in the history of run {folder} are not those that its checkpoint counts: "
            "they were changed, or one of the two files is another run's."
        )


def accept_hole(folder: RunFolder, facts: CheckpointFacts) -> None:
    """Go on without the rows that are damaged or missing: the hole is noted in the history itself.

    The damaged file is kept beside it.
    """
    from core.runs import history, history_stream

    part = history_stream.read_history(folder.history)
    rows = facts.history_rows or 0
    hole = history_stream.Hole(min(part.cursor.rows, rows), rows, facts.history_checksum)
    fields = part.cursor.fields or history.schema(())
    types = dict(zip(fields.names, fields.types, strict=True))
    keep_aside(folder.history)
    kept = {name: block[:rows] for name, block in part.columns.items()}
    history.replace_history(folder.history, kept, history_stream.schema_of(types, [*part.holes, hole]))


def others(folder: RunFolder) -> list[CheckpointFacts]:
    """The whole checkpoints beside the last one, from which the run can go on without a hole; the newest first."""
    found = []
    for path in folder.checkpoints.glob("*.pt"):
        if path != folder.last:
            try:
                facts = look(path)
                if facts.history_rows is not None:
                    check_history(folder, facts.history_rows, facts.history_checksum)
            except LabError:
                continue
            found.append(facts)
    return sorted(found, key=lambda facts: (facts.iteration or 0, facts.name), reverse=True)


def put_back(folder: RunFolder, name: str) -> None:
    """Make `best` or `stage-1` the checkpoint that the run goes on from; the last one is kept aside.

    Raises LabError.
    """
    path = folder.checkpoints / f"{name}.pt"
    if path.parent != folder.checkpoints or not path.exists():
        there = ", ".join(sorted(other.stem for other in folder.checkpoints.glob("*.pt"))) or "none"
        raise LabError(f"Run {folder} has no checkpoint {name!r}; there is {there}.")
    look(path)
    if folder.last.exists():
        keep_aside(folder.last)
    temporary = folder.checkpoints / "last.pt.link"
    temporary.unlink(missing_ok=True)
    temporary.hardlink_to(path)
    temporary.replace(folder.last)


def keep_aside(path: Path) -> Path | None:
    """Rename a damaged file, so that nothing reads it and nothing is lost; its new place, None for no file."""
    if not path.exists():
        return None
    places = (path.with_name(f"{path.name}.damaged-{number}") for number in itertools.count(1))
    place = next(place for place in places if not place.exists())
    path.rename(place)
    return place
