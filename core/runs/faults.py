"""What is damaged in a run's folder, in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.errors import LabError
from core.files import unreadable
from core.runs.checkpoint_file import look
from core.runs.folder import CERTIFICATE, FACTS, IN_FORCE, RunFolder
from core.runs.soundness import are_facts, is_certificate, is_config, is_last_word, is_progress


def faults(folder: RunFolder) -> list[str]:
    """A sentence for each file that is there and can't be used, without the history, whose curves say it."""
    found = []
    for name, sound in RECORDS.items():
        path = folder.file(name)
        if path.exists() and (why := unreadable(path, sound)):
            found.append(f"{name} can't be used: {why}.")
    for read in (folder.config, folder.funnel, folder.path_steps, lambda: folder.last.exists() and look(folder.last)):
        try:
            read()
        except LabError as error:
            found.append(str(error))
    return found


RECORDS: dict[str, Callable[[dict[str, Any]], bool]] = {
    IN_FORCE: is_config,
    FACTS: are_facts,
    "progress.json": is_progress,
    "exit.json": is_last_word,
    CERTIFICATE: is_certificate,
}
