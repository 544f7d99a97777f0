"""Clusters as a form: what was last seen of each, its fields, and one question that tries it as the form has it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.background import Background, Known
from core.cluster_settings import RayEngine, SlurmEngine
from core.errors import LabError
from core.jobs.engines.contract import LOCAL
from core.jobs.engines.states import EngineState, engine_states
from core.jobs.engines.trying import Tried, begin_trial
from core.settings import Settings
from pages.parts.shared.engine_state import PLACES, ask_engines, engine_state
from pages.parts.shared.model_form import Path, fields_form
from pages.parts.shared.text import LONGEST, LONGEST_MESSAGE, Markdown, described, message, plain, visible

KINDS = {"slurm": "SLURM", "ray": "Ray"}
MODELS = {"slurm": SlurmEngine, "ray": RayEngine}
TRIALS = "settings.trials"
"""Key of the session's state: name of a cluster → (its settings as they were tried, the trial)."""
TRYING_S, STATE_S = 1.0, 5.0
"""Seconds after which what is said of a cluster is drawn again, while it is tried and else."""


def engines_form(
    engines: list[dict[str, Any]], errors: dict[Path, str], key: str
) -> tuple[list[dict[str, Any]], bool, int | None]:
    """Clusters as they are in the form, whether one was added or removed, and which is to be tried.

    Args:
        engines: plain data to start from.
        errors: messages by field path within the engines, (0, "name").
        key: prefix of the widgets' keys; a new one is needed where one was added or removed.
    """
    ask_engines()
    found, tried, states = [], None, _states()
    for index, engine in enumerate(engines):
        own = {path[1:]: line for path, line in errors.items() if path[:1] == (index,)}
        with st.container(border=True):
            filled, asked = _engine(engine, own, states.get(engine["name"]), f"{key}.{index}")
        if filled is not None:
            found.append(filled)
            tried = index if asked else tried
    kind = st.pills("Add a cluster", list(KINDS), format_func=lambda kind: plain(KINDS[kind]), key=f"{key}.add")
    if kind:
        return [*found, _fresh(kind, {engine["name"] for engine in found})], True, None
    return found, len(found) < len(engines), tried


def default_engine(chosen: str, engines: list[dict[str, Any]], error: str | None, key: str) -> str:
    """Where runs go that don't say; this machine alone in a lab without clusters."""
    if not engines and chosen == LOCAL:
        return chosen
    places = list(dict.fromkeys([*PLACES, *(engine["name"] for engine in engines), chosen]))
    about = Settings.model_fields["engine"]
    picked = st.selectbox(
        plain(about.title),
        places,
        places.index(chosen),
        format_func=lambda place: PLACES.get(place) or visible(place, LONGEST),
        key=f"{key}.engine",
        help=described(about.description),
    )
    if error:
        st.markdown(f":red[{plain(error, LONGEST_MESSAGE)}]")
    return picked


def _engine(
    engine: dict[str, Any], errors: dict[Path, str], state: EngineState | None, key: str
) -> tuple[dict[str, Any] | None, bool]:
    """One cluster, None when it is removed; and whether it is to be tried."""
    kind, head, below = engine["kind"], st.container(horizontal=True, vertical_alignment="center"), st.container()
    filled = {"kind": kind} | fields_form(MODELS[kind], _fields(kind), engine, errors, key)
    with head:
        st.markdown(f"**{plain(KINDS[kind])}**", width="stretch", help=_about(kind))
        tried = st.button(
            "Try",
            icon=":material/network_check:",
            type="tertiary",
            key=f"{key}.try",
            disabled=bool(errors) or _trial(filled).busy,
            help="Ask it once, as it stands here. Nothing is saved, and no run is handed over.",
        )
        with st.popover("Remove", icon=":material/close:", type="tertiary", key=f"{key}.removal"):
            removed = _removal(filled["name"], state, f"{key}.remove")
    for path, line in errors.items():
        if not path:
            st.markdown(f":red[{plain(line, LONGEST_MESSAGE)}]")
    busy = _trial(filled).busy
    with below:
        st.fragment(_standing, run_every=TRYING_S if busy else STATE_S)(filled, busy)
    return (None if removed else filled), tried


def _removal(name: str, state: EngineState | None, key: str) -> bool:
    """Say what it means that a cluster is removed; whether it shall be."""
    runs = state.at_work + state.pending if state is not None else 0
    if runs:
        st.markdown(
            f"It has {runs:,} run{'s' * (runs > 1)}, and nobody would look after them. Stop them, or wait until they "
            "have ended."
        )
    else:
        st.markdown("It is removed from the lab's settings with *Save*. The cluster itself is left as it is.")
        if state is not None and state.waiting:
            st.markdown(
                f"Runs that wait for it: {state.waiting:,}. They go on waiting until somebody sends them elsewhere."
            )
    return st.button(f"Remove {plain(name, LONGEST)}", type="primary", disabled=bool(runs), key=key)


def _fields(kind: str) -> tuple[str, ...]:
    """Its fields, those of its kind behind its name."""
    names = list(MODELS[kind].model_fields)
    at = names.index("kind")
    return (names[0], *names[at + 1 :], *names[1:at])


def _about(kind: str) -> Markdown | None:
    return described(MODELS[kind].__doc__)


def _fresh(kind: str, names: set[str]) -> dict[str, Any]:
    """A new cluster with a name that none has; what has no default is empty, and validation asks for it."""
    name = next(name for k in range(1, 100) if (name := kind if k == 1 else f"{kind}-{k}") not in names)
    return {"name": name} | MODELS[kind].model_construct().model_dump(mode="json")


def try_engine(engine: dict[str, Any]) -> None:
    """Begin to ask a cluster as the form has it; what comes of it is told beside it. Raises LabError."""
    trial = begin_trial(engine)
    st.session_state[TRIALS] = st.session_state.get(TRIALS, {}) | {engine["name"]: (engine, trial)}


# -- what is known of it ----------------------------------------------------------------------------------------------


def _states() -> dict[str, EngineState]:
    """What was last seen of the clusters that are saved, by name; what keeps it from being known is said."""
    try:
        return {state.name: state for state in engine_states()}
    except LabError as error:
        st.warning(message(error), icon=":material/error:")
        return {}


def _trial(engine: dict[str, Any]) -> Known[Tried]:
    """What came of the last trial of a cluster as it stands now; an answer to other settings counts for nothing."""
    trial: Background[Tried]
    tried, trial = st.session_state.get(TRIALS, {}).get(engine["name"], (None, None))
    return trial.ask() if trial is not None and tried == engine else Known(None, 0.0, "", False, 0.0, None)


def _standing(engine: dict[str, Any], was_busy: bool) -> None:
    """What was last seen of a cluster, where it is saved, and what came of trying it; drawn again by itself."""
    state, known = _states().get(engine["name"]), _trial(engine)
    if known.busy != was_busy:
        st.rerun()  # by the whole page, which knows how soon this is to be drawn again
    if state is not None:
        engine_state(state)
    if known.busy:
        st.caption(":material/hourglass_top: It is being asked …")
    elif known.error:
        st.error(message(f"Tried: {known.error}"), icon=":material/error:")
    elif known.value is not None and known.value.usable:
        st.success(message(f"Tried: {known.value.line}"), icon=":material/check:")
    elif known.value is not None:
        st.warning(message(f"Tried: {known.value.line}"), icon=":material/warning:")
