"""What people change of runs in the store: tags and notes, without anyone overwriting what another wrote meanwhile."""

from __future__ import annotations

import re

from core.errors import LabError
from core.home import home
from core.locks import one_at_a_time
from core.people import RUNNER, needs
from core.tracking import store
from core.tracking.tags import NOTE, PROGRAMS

TAG_NAME = re.compile(r"[\w][\w .:/-]{0,99}")
LONGEST_NOTE = 5000
"""Characters; what every MLflow store takes."""


class ConflictError(LabError):
    """Somebody else changed the same thing since it was read; `current` is what they wrote."""

    def __init__(self, what: str, current: str):
        self.current = current
        super().__init__(f"{what} was changed by someone else meanwhile; yours is still in the box and is not saved.")


def note_of(run_id: str) -> str:
    """The note of a run, empty when it has none. Raises RunNotFoundError."""
    return store.get_run(run_id).tags.get(NOTE, "")


@needs(RUNNER)
def set_note(run_id: str, text: str, expected: str) -> None:
    """Write a run's note.

    Args:
        run_id: the run.
        text: Markdown, as MLflow's own UI shows it.
        expected: the note that the writer saw when beginning.

    Raises:
        ConflictError: the note is no longer `expected`, nor `text` already.
        LabError: it is too long.
        RunNotFoundError: the run is gone.
    """
    if len(text) > LONGEST_NOTE:
        raise LabError(f"A note has at most {LONGEST_NOTE:,} characters; this one has {len(text):,}.")
    with one_at_a_time(home().ensure().root / "annotations.lock"):
        current = note_of(run_id)
        if current == text:
            return
        if current != expected:
            raise ConflictError("The note", current)
        store.set_tag(run_id, NOTE, text)


@needs(RUNNER)
def add_tag(run_ids: list[str], name: str, value: str) -> None:
    """Give runs a tag. Raises LabError for a name that programs use or MLflow does not take."""
    name = name.strip()
    if not TAG_NAME.fullmatch(name):
        raise LabError(
            "A tag's name begins with a letter or digit; letters, digits, spaces and . _ : / - may follow, 100 in all."
        )
    if name.startswith(PROGRAMS):
        raise LabError(f"Tags that begin with {', '.join(PROGRAMS)} are set by programs; choose another name.")
    if len(value) > LONGEST_NOTE:
        raise LabError(f"A tag's value has at most {LONGEST_NOTE:,} characters.")
    for run_id in run_ids:
        store.set_tag(run_id, name, value.strip())


@needs(RUNNER)
def remove_tag(run_ids: list[str], name: str) -> None:
    """Take a people's tag off the runs that have it."""
    if name.startswith(PROGRAMS):
        raise LabError(f"The tag {name} was set by a program and stays.")
    for run_id in run_ids:
        if name in store.get_run(run_id).tags:
            store.delete_tag(run_id, name)


@needs(RUNNER)
def bring_back(run_id: str) -> None:
    """Restore a run that was deleted in MLflow's own pages. Raises RunNotFoundError where it is gone for good."""
    store.restore_run(run_id)
