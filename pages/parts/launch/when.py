"""When a run starts and how often: after which other run, with which priority, held, and once for each varied value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from core import jobs
from core.config import UNCOUNTED, RunConfig
from core.config.differences import field_words
from core.errors import LabError
from core.jobs.batch import configs_of, read_values, table_of
from core.jobs.engines.cluster_engine import cluster_engines
from core.jobs.engines.contract import AUTO, LOCAL
from core.jobs.engines.kept_view import kept_view
from core.jobs.queueing import MOST_PRIORITY
from core.runs.states import ACTIVE
from core.settings import settings
from pages.parts.shared.engine_state import PLACES
from pages.parts.shared.text import LONGEST, Markdown, message, plain, visible

MOST_CHOICES = 200
"""Runs among which the one to wait for is chosen, the newest."""
MOST_FIELDS = 4
"""That can be varied at once."""
LEFT_OUT = ("version", "parent", "parent_checkpoint", *UNCOUNTED)
"""Fields that are not varied."""
LIST_HEIGHT = 150
"""Pixels of the list of a batch's runs; more of them are scrolled."""


@dataclass(frozen=True)
class When:
    """What was asked for beside the config."""

    after: jobs.Job | None
    from_after: bool
    after_any: bool
    priority: int
    held: bool
    rows: list[dict[str, Any]]
    """For each run of a batch what is changed; empty for a single run."""
    fault: str = ""
    """Why the batch can't be queued; empty where it can."""
    engine: str | None = None
    """Where it goes; None where the lab has this machine alone."""

    def options(self) -> dict[str, Any]:
        """The arguments of `jobs.submit` that it stands for."""
        return {
            "after": self.after.run_id if self.after else None,
            "from_after": self.from_after,
            "after_any": self.after_any,
            "priority": self.priority,
            "held": self.held,
            "engine": self.engine,
        }

    def start(self, slots: list[jobs.Slot]) -> Markdown:
        """When the run starts, or all of a batch, in a sentence."""
        several = len(self.rows) > 1
        if self.held:
            return "They wait until somebody releases them." if several else "It waits until somebody releases it."
        begins = "They start" if several else "It starts"
        if self.after:
            start = ", from its best checkpoint" if self.from_after else ""
            end = "has ended" if self.after_any else "has finished"
            return f"{begins} once {_name(self.after)} {end}{start}."
        where = self.engine or LOCAL
        slots = [slot for slot in slots if where in (slot.engine, AUTO)]
        if where not in (LOCAL, AUTO) and (view := kept_view(where)) is not None and view.trouble:
            return f"{begins} once {plain(where)} can be asked: {message(view.trouble)}"
        if where != LOCAL and not slots:
            return f"{begins} once {plain(where)} has a node."
        if all(slot.busy for slot in slots):
            return f"All slots are busy: {'they wait' if several else 'it waits'} in the queue."
        return f"A slot is free: {'the first' if several else 'it'} starts at once."


def _name(job: jobs.Job) -> Markdown:
    return plain(job.name or job.run_id[:8], LONGEST)


def when_and_how_often(config: RunConfig | None, batch: str, first: str | None) -> When:
    """The folded part of the form beside the config.

    Args:
        config: what the form holds, None while that is not valid.
        batch: name of a batch.
        first: run that is chosen to be waited for at first.
    """
    engine = where_to()
    with st.expander("When and how often", icon=":material/schedule:"):
        after, from_after, after_any = _after(first)
        left, right = st.columns(2, vertical_alignment="bottom")
        with left:
            priority = st.number_input(
                "Priority", -MOST_PRIORITY, MOST_PRIORITY, 0, key="launch.priority", help="Higher ones go first."
            )
        with right:
            held = st.toggle("Hold", key="launch.hold", help="It waits until somebody releases it.")
        rows, fault = _batch(config, batch)
    return When(after, from_after, after_any, int(priority), held, rows, fault, engine)


def where_to() -> str | None:
    """Where the run goes, in a lab with clusters; None in one without."""
    if not (clusters := cluster_engines()):
        return None
    names = [LOCAL, *(cluster.name for cluster in clusters), AUTO]
    return st.selectbox(
        "Where",
        names,
        names.index(settings().engine),
        format_func=lambda name: PLACES.get(name, name),
        key="launch.engine",
        help="This machine, or a cluster of the lab's settings; System says how each is.",
    )


def _after(first: str | None) -> tuple[jobs.Job | None, bool, bool]:
    key = f"launch.after.{first}"
    runs = {job.run_id: job for job in jobs.queue(MOST_CHOICES, ("queued", "paused", *ACTIVE))}
    if (kept := st.session_state.get(key, first)) and kept not in runs:
        runs[kept] = jobs.status(kept)  # it has ended since it was chosen
    choices = [None, *runs]
    chosen = st.selectbox(
        "Start after",
        choices,
        index=choices.index(first),
        format_func=lambda run_id: "no other run" if run_id is None else _choice(runs[run_id]),
        key=key,
        help="Another run that has to finish first.",
    )
    if chosen is None:
        return None, False, False
    from_after = st.checkbox("from its best checkpoint", key="launch.from_after", help="It becomes the parent.")
    after_any = st.checkbox("however it ends", key="launch.after_any", help="Else this one is held if it fails.")
    return runs[chosen], from_after, after_any


def _choice(job: jobs.Job) -> str:
    return visible(f"{job.name or job.problem} · {job.state} · {job.run_id[:8]}")


def _batch(config: RunConfig | None, batch: str) -> tuple[list[dict[str, Any]], str]:
    """The varied fields, and the runs that come of them; why they can't be run."""
    st.markdown(
        "**Repeat with other values**",
        help="A run for each value; with several fields, for each combination, or row by row.",
    )
    fields = [] if config is None else sorted(filter(_can_vary, config.flat()), key=lambda path: path != "seed")
    varied, fault = {}, ""
    for number in range(MOST_FIELDS):
        field, text = _varied(number, [path for path in fields if path not in varied])
        if field is None:
            break
        if text.strip():
            try:
                varied[field] = read_values(text)
            except LabError as error:
                fault = str(error)
        else:
            break
    if not varied or config is None or fault:
        if fault:
            st.error(message(fault))
        return [], fault
    paired = len(varied) > 1 and st.toggle(
        "Row by row",
        key="launch.paired",
        help="The first value of each field together, then the second ones, in place of each combination.",
    )
    try:
        rows = table_of(varied, paired)
        names = [made.name for made in configs_of(config, rows, batch)]
    except LabError as error:
        st.error(message(error))
        return [], str(error)
    st.caption(f"{len(names)} runs:" if len(names) > 1 else "One run:")
    st.code(
        "\n".join(visible(name) for name in names), language=None, height=LIST_HEIGHT if len(names) > 5 else "content"
    )
    return rows, ""


def _can_vary(path: str) -> bool:
    return path.partition(".")[0] not in LEFT_OUT and path.rpartition(".")[2] != "kind"


def _varied(number: int, fields: list[str]) -> tuple[str | None, str]:
    field = st.selectbox(
        "Field",
        fields,
        index=None,
        format_func=lambda path: visible(field_words(path)),
        key=f"launch.vary.{number}",
        placeholder="Field" if number == 0 else "Another field",
        label_visibility="collapsed",
    )
    if field is None:
        return None, ""
    text = st.text_input(
        "Values",
        key=f"launch.values.{field}",
        placeholder="0..9, or 16, 32, 64, or [16, 16], [32, 32]",
        label_visibility="collapsed",
    )
    return field, text
