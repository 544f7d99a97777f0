"""What the Launch form was filled from: a run, its next stage or order, or a config file; what was changed since."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core import jobs
from core.config import Difference, Fourier, GaussNewton, RunConfig, Stage, differences, differing, read_data
from core.migrations import Reading, read_config
from core.replay import missing_parent
from core.runs import run_folder
from core.singularity.onward import WAYS
from core.tracking.store import stored_config
from pages.parts.shared.config_words import difference_table, note_list
from pages.parts.shared.text import LONGEST, code, message, plain

LINKS = ("replay", "parent", *WAYS, "edit", "duplicate")
"""Parameters of the address that fill the form from a run."""
# A Fourier correction, whose first step is nearly undamped since it is linear.
NEXT_STAGE = Stage(optimizer=GaussNewton(damping=1e-10), iterations=10, fourier=Fourier()).model_dump(mode="json")


@dataclass(frozen=True)
class Source:
    """Where the form's values come from."""

    kind: str
    """One of `LINKS`, `file` or `dataset`."""
    name: str
    """Run id, or the name of the config file or dataset."""
    config: RunConfig
    notes: tuple[str, ...]
    """What this version reads otherwise than it was written."""
    revision: int = 0
    """Of a waiting run that is edited: `Job.revision` of this config."""

    def form_data(self) -> dict[str, Any]:
        """Plain values for the form."""
        data = self.config.model_dump(mode="json", by_alias=True)
        if self.kind == "parent":
            name = f"{self.config.name or self.name[:8]}, next stage"
            data |= {"parent": self.name, "parent_checkpoint": None, "stages": [NEXT_STAGE], "name": name}
            data.pop("continuation", None)
        elif self.kind in WAYS:
            data = WAYS[self.kind].config(self.config, self.name).model_dump(mode="json", by_alias=True)
        elif self.kind == "duplicate":
            data |= {"name": jobs.name_of_copy(self.config.name)}
        return data


def linked_source() -> Source | None:
    """What the address asks for (one of `LINKS`) or was uploaded, when the form does not hold it yet.

    Raises LabError when that can't be read; the form keeps what it has.
    """
    now = st.session_state.get("launch.source")
    uploaded = st.session_state.pop("launch.upload", None)
    if uploaded:
        return uploaded
    kind = next((key for key in LINKS if st.query_params.get(key)), None)
    held = (now.kind, now.name) if now else None
    if kind is None or held == (kind, st.query_params[kind]):
        return None
    from core.tracking.search import find_id

    run_id = find_id(st.query_params[kind])
    st.query_params[kind] = run_id
    if held == (kind, run_id):
        return None
    folder = run_folder(run_id)
    if kind == "edit":
        return waiting_source(run_id)
    if kind == "parent" or kind in WAYS:
        from core.tracking.best import require_checkpoint

        require_checkpoint(folder)
    reading = stored_config(folder)
    if kind in WAYS:
        WAYS[kind].config(reading.config, run_id)  # refused here, while the form still holds something else
    return Source(kind, run_id, reading.config, reading.notes)


def waiting_source(run_id: str) -> Source:
    """A waiting run's config, to be edited. Raises LabError for a run that has begun."""
    revision = jobs.check_editable(run_id)
    reading = stored_config(run_folder(run_id))
    return Source("edit", run_id, reading.config, reading.notes, revision)


def uploaded_source(raw: bytes, name: str) -> Source:
    """A config file as the form's source. Raises ConfigError."""
    reading: Reading = read_config(read_data(raw, name))
    return Source("file", name, reading.config, reading.notes)


def forget_source() -> None:
    """The form is filled with something else from now on."""
    st.session_state.pop("launch.source", None)
    for kind in LINKS:
        st.query_params.pop(kind, None)


def source_notes(source: Source) -> None:
    """Where the form came from, above the form, with all that was not read as it was written."""
    if source.kind == "parent":
        st.caption(f":material/account_tree: Starts from the frozen solution of run {code(source.name[:12])}.")
    elif source.kind in WAYS:
        way = plain(WAYS[source.kind].words, LONGEST)
        st.caption(f":material/stairs: {way} from the solution of run {code(source.name[:12])}.")
    elif source.kind == "replay":
        st.caption(
            f":material/replay: Replay of {plain(source.config.name or 'run', LONGEST)} {code(source.name[:12])}"
        )
    elif source.kind == "duplicate":
        name = plain(source.config.name or "run", LONGEST)
        st.caption(f":material/content_copy: A copy of {name} {code(source.name[:12])}")
    elif source.kind == "edit":
        st.caption(
            f":material/edit: Changes the waiting run {plain(source.config.name, LONGEST)} {code(source.name[:12])}. "
            "Nothing is changed until you save it. Its place, its priority and what it starts after are changed in its "
            "menu (⋮) in the list on Watch."
        )
    elif source.kind == "dataset":
        st.caption(f":material/dataset: Learns from the dataset {code(source.name, LONGEST)}")
    else:
        st.caption(f":material/description: From the file {code(source.name, LONGEST)}")
    note_list(source.notes)
    if source.kind != "edit" and (missing := missing_parent(source.config)):
        st.error(message(missing))


def source_changes(source: Source, config: RunConfig, restore: Callable[[Source], None]) -> None:
    """The fields changed since, in a table, and a button that has `restore` fill the form from the source again."""
    if source.kind == "parent" or source.kind in WAYS:
        return
    whose = "the queued run" if source.kind == "edit" else "the source"
    changed = differences(source.config, config)
    if source.kind == "edit":  # rules and tries, too, are saved with it
        changed = differing(*(each.model_dump(mode="json", by_alias=True) for each in (source.config, config)))
    if source.kind == "edit" and source.config.name != config.name:
        changed = (Difference("name", source.config.name, config.name), *changed)
    if not changed:
        st.caption(f":material/equal: Every field as in {whose}.")
        return
    st.caption(f":material/difference: {len(changed)} changed against {whose}:")
    difference_table(changed, "now queued" if source.kind == "edit" else "source", "here")
    st.button(
        f"Back to the values of {whose}", on_click=restore, args=(source,), icon=":material/undo:", width="stretch"
    )
