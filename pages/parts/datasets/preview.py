"""A file before it is added: its first rows, what its columns are taken for, and a plot of what runs would learn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from core.datasets import NOTHING, Column, Preview, bare, checked_name, is_mesh, mesh_of_bytes, preview, roles
from core.domains import Mesh
from core.errors import LabError
from core.problems.base import digits
from pages.parts.datasets.preview_figure import fields_drawn, preview_figure
from pages.parts.shared.data_table import data_table
from pages.parts.shared.live_plotly import live_plotly
from pages.parts.shared.text import LONGEST, message, plain, visible

AT_ONCE = 12
"""Columns whose meaning is asked at once; further ones are folded away."""
MOST = 60
"""Columns whose meaning is asked at all; for more there is the command line."""

WIDTHS = (4, 3, 2)


def previewed(file: Any, name: str, cancel: Callable[[], None]) -> Preview | Mesh:
    """The uploaded file as it was read, once for each file and format, with progress and a button to end it.

    Raises LabError: what it has instead of a table or a mesh, or a name that is none.
    """
    name = checked_name(name)
    key = (file.file_id, Path(name).suffix.lower())
    kept = st.session_state.get("datasets.preview")
    if kept and kept[0] == key:
        return kept[1]
    space = st.empty()
    with space.container(horizontal=True, vertical_alignment="center"):
        bar = st.progress(0.0, text="Reading the file …")
        st.button("Cancel", on_click=cancel, key=f"datasets.cancel.{file.file_id}")
    # a click ends this script where it next tells the browser something, and with it the child that reads
    try:
        if is_mesh(name):
            found = mesh_of_bytes(name, file.getvalue(), told=lambda part: bar.progress(0.5, text="Reading the mesh …"))
        else:
            found = preview(
                name, file.getvalue(), lambda part: bar.progress(part, text=f"Reading the file: {part:.0%}")
            )
    except LabError:
        space.empty()
        raise
    space.empty()
    st.session_state["datasets.preview"] = (key, found)
    return found


def columns_of(found: Preview, key: str) -> list[Column] | None:
    """The preview, and what the visitor says the columns are; None where that can't be."""
    st.subheader("Preview")
    for note in (*found.table.notes, *found.guess.notes):
        st.caption(message(note))
    _left_out(found)
    rows = found.first_rows()
    digits = {name: st.column_config.NumberColumn(format="%.6g") for name in rows}
    data_table(rows, hide_index=True, height="content", column_config=digits)
    title = found.guess.title
    st.markdown(f"**What the columns are** · guessed for {plain(title)}" if title else "**What the columns are**")
    columns = _asked(found, key)
    try:
        values, said = found.result(columns)
    except LabError as error:
        st.error(message(error))
        return None
    st.caption(f"{len(next(iter(values.values()))):,} rows. {message(said)}")
    if caution := found.caution(values):
        st.warning(f"No run can learn from it as it is: {message(caution)}")
    drawn = fields_drawn(values)
    if drawn:
        field = drawn[0]
        if len(drawn) > 1:
            field = st.selectbox("Drawn", drawn, format_func=visible, key=f"datasets.drawn.{key}")
        live_plotly(preview_figure(values, field), key=f"datasets.plot.{key}", height=340)
    return columns


def _left_out(found: Preview) -> None:
    refused = list(found.table.refused.values())
    for reason in refused[:3]:
        st.caption(f"Left out: {message(reason)}")
    if len(refused) > 3:
        st.caption(f"{len(refused) - 3:,} further columns hold no numbers and are left out.")


def _asked(found: Preview, key: str) -> list[Column]:
    what, role, factor = st.columns(WIDTHS)
    what.caption("Column")
    role.caption("stands for")
    factor.caption("times")
    guessed = {column.column: column for column in found.guess.columns}
    names = sorted(found.table.columns, key=lambda name: name not in guessed)
    answers = [_row(found, name, guessed.get(name), f"{key}.{i}") for i, name in enumerate(names[:AT_ONCE])]
    if rest := names[AT_ONCE:MOST]:
        with st.expander(f"{len(rest)} further columns"):
            answers += [_row(found, name, guessed.get(name), f"{key}.{i}") for i, name in enumerate(rest, AT_ONCE)]
    if len(names) > MOST:
        st.caption("Of more columns than these, `python -m core dataset add FILE --map COLUMN=ROLE` asks nothing.")
        answers += [guessed[name] for name in names[MOST:] if name in guessed]
    return answers


def _row(found: Preview, name: str, guessed: Column | None, key: str) -> Column:
    """One column: its name and range, what it stands for, and the factor to the problem's units."""
    what, role, factor = st.columns(WIDTHS, vertical_alignment="center")
    low, high = found.range_of(name)
    what.markdown(f"{plain(name, LONGEST)}  \n:gray[{plain(digits(low))} to {plain(digits(high))}]")
    own = [bare(name)] if bare(name).isidentifier() else []
    options = list(dict.fromkeys([NOTHING, *roles(), *own, *([guessed.role] if guessed else [])]))
    chosen = role.selectbox(
        f"{plain(name, LONGEST)} is",
        options,
        index=options.index(guessed.role) if guessed else 0,
        format_func=visible,
        key=f"datasets.role.{key}",
        label_visibility="collapsed",
    )
    times = factor.number_input(
        f"{plain(name, LONGEST)} times",
        value=1.0,
        format="%g",
        key=f"datasets.factor.{key}",
        label_visibility="collapsed",
        disabled=chosen == NOTHING,
        help="Factor that takes it into the problem's units, such as 0.001 for mm.",
    )
    return Column(name, chosen, times)
