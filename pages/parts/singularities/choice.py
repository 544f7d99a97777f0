"""Which equation and which of its runs the Singularities page shows; both are in its address."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core import jobs
from core.presets import presets
from core.singularity.found import Found
from core.singularity.similarity import EQUATIONS
from pages.parts.people.rooms import may_enter, way_to
from pages.parts.shared.text import LONGEST, code, described, duration, plain, visible

KEY = "singularities"


def choose_run(runs: Sequence[Found]) -> Found | None:
    """The run of the address, else the newest of the equation, else the newest of all; None where there is none."""
    wanted = st.query_params.get("run")
    named = next((run for run in runs if wanted and run.run_id.startswith(wanted)), None)
    if wanted and named is None:
        st.warning(
            f"There is no run {code(wanted[:12])} that looks for a singularity. This is the newest one that does."
        )
    asked = st.query_params.get("equation")
    kind = named.kind if named else asked if asked in EQUATIONS else runs[0].kind
    left, right = st.columns([3, 5], vertical_alignment="bottom")
    with left:
        st.segmented_control(
            "Equation",
            list(EQUATIONS),
            default=kind,
            format_func=EQUATIONS.get,
            key=(key := f"{KEY}.equation.{kind}"),
            on_change=lambda: _go(equation=st.session_state[key] or kind),
        )
    of_kind = [run for run in runs if run.kind == kind]
    if not of_kind:
        return _none_yet(kind)
    ids = [run.run_id for run in of_kind]
    shown = named or of_kind[0]
    with right:
        st.selectbox(
            "Run",
            ids,
            index=ids.index(shown.run_id),
            format_func={run.run_id: _title(run) for run in of_kind}.get,
            key=(box := f"{KEY}.run.{shown.run_id}.{len(ids)}"),
            on_change=lambda: _go(run=st.session_state[box]),
        )
    if st.query_params.get("run") != shown.run_id:
        st.query_params.from_dict({"run": shown.run_id})
    return shown


def invitation(kinds: Sequence[str]) -> None:
    """Presets of these kinds of problems, launched by one click and then watched here."""
    if not may_enter("launch"):
        return
    with st.container(horizontal=True):
        for preset in presets().values():
            if preset.kind in kinds and st.button(
                f"{plain(preset.title)} · {duration(preset.expected_seconds)}",
                key=f"{KEY}.preset.{preset.name}",
                icon=":material/rocket_launch:",
                help=described(preset.description),
            ):
                _go(run=jobs.submit(preset.config))
                st.rerun()
    way_to("launch", "Launch with settings of your own", ":material/tune:")


def _none_yet(kind: str) -> None:
    st.info(f"No run of {EQUATIONS[kind]} yet. Launch one, and watch its λ settle here.", icon=":material/info:")
    invitation([kind])


def _go(**query: str) -> None:
    st.query_params.from_dict(query)


def _title(run: Found) -> str:
    parameter = f"a = {run.parameter:g}" if run.kind == "gclm" else f"n = {run.parameter:g}"
    return f"{parameter} · {visible(run.name, LONGEST)} · {run.state} · {run.run_id[:6]}"
