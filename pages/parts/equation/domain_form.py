"""The fields of a domain: its kind, and below it what that kind needs. They stand for one text, which is the domain."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.data_folder import names_of_files
from core.datasets import MESHES, add, is_mesh, mesh
from core.errors import LabError
from pages.parts.equation.polygon_canvas import MOST, polygon_canvas
from pages.parts.equation.shapes import (
    BOX,
    DIMENSIONS,
    FIELDS,
    JOINED,
    KINDS,
    MESH,
    POLYGON,
    boundaries_of,
    fields_of,
    kind_of,
    lines_of,
    text_of,
    understood,
    vertices_in,
)
from pages.parts.shared.text import LONGEST, message, plain, visible

JOINED_HELP = """`box((0, 0), (2, 1))`, `disk((0, 0), 1)`, `ellipse((0, 0), (2, 1), 30)`, `annulus((0, 0), 0.5, 1)`,
`polygon((0, 0), (1, 0), (0, 1))`, `ball((0, 0, 0), 1)`; + joins them, − takes away, & keeps what both have; brackets
as in arithmetic. Boundaries are called `outer`, `hole 1` …, or `name="pipe"`; a box has `sides=("left", "right",
"floor", "lid")`."""


def domain_form(text: str, key: str, on_dimension: Callable[[int], None]) -> str:
    """Draw the fields; returns the domain as text, empty for the box of the coordinates' limits.

    Args:
        text: of the domain that the form began with.
        key: prefix of the widgets' keys.
        on_dimension: is told how many dimensions the chosen domain has, before the fields of coordinates are drawn.
    """
    chosen = f"{key}.shape"
    kind = st.selectbox(
        "Domain",
        list(KINDS),
        list(KINDS).index(kind_of(text)),
        format_func=lambda each: KINDS[each],
        key=chosen,
        on_change=lambda: on_dimension(DIMENSIONS.get(st.session_state[chosen], 0)),
    )
    if kind == BOX:
        return ""
    held = st.session_state.get(f"{key}.domain", text)
    if kind == JOINED:
        first = held if held.strip() else fields_of(JOINED, "")["text"]
        st.session_state.setdefault(f"{key}.joined", first)
        fields = {"text": st.text_area("Shapes", height=80, key=f"{key}.joined", help=JOINED_HELP)}
    elif kind == POLYGON:
        fields = {"vertices": _polygon(fields_of(kind, text)["vertices"], key)}
    elif kind == MESH:
        fields = _mesh(fields_of(kind, text), key, on_dimension)
    else:
        fields = _line(kind, fields_of(kind, text), key)
    st.session_state[f"{key}.domain"] = found = text_of(kind, fields)
    if names := boundaries_of(found):
        st.caption(f"Boundaries for conditions: {plain(', '.join(names), LONGEST)}")
    return found


def _line(kind: str, first: dict[str, str], key: str) -> dict[str, str]:
    found = {}
    for part, (name, label, _) in zip(st.columns(len(FIELDS[kind]), gap="small"), FIELDS[kind], strict=True):
        with part:
            found[name] = st.text_input(label, first[name], key=f"{key}.{kind}.{name}")
    return found


def _polygon(first: str, key: str) -> str:
    field = f"{key}.vertices"
    st.session_state.setdefault(field, first)
    typing, drawing = st.columns([2, 3], gap="small")
    with typing:
        text = st.text_area(
            "Vertices, one a line",
            key=field,
            height=280,
            help="`x, y`, and after a comma the name of the side that begins there, for conditions: `0, 0, floor`.",
        )
    vertices = _numbers(text)
    with drawing:
        if vertices is not None:
            st.caption("Click to add a vertex, drag to move one, double-click to remove it.")
            polygon_canvas(vertices, f"{key}.canvas", lambda drawn: _take(drawn, field))
    return text


def _numbers(text: str) -> list[tuple[float, float, str]] | None:
    """Vertices as numbers, to be drawn; None where one is none, or there are too many to be drawn."""
    domain, _ = understood(text_of(POLYGON, {"vertices": text}))
    typed = vertices_in(text)
    if domain is not None:
        pairs = domain.vertices
    else:
        try:
            pairs = [(float(x), float(y)) for x, y, _ in typed]
        except ValueError:
            return None
    if len(typed) > MOST:
        return None
    return [(float(x), float(y), name) for (x, y), (_, _, name) in zip(pairs, typed, strict=True)]


def _take(drawn: list[tuple[float, float, str]], field: str) -> None:
    st.session_state[field] = lines_of([vertex[:2] for vertex in drawn], [name for *_, name in drawn])


def _mesh(first: dict[str, str], key: str, on_dimension: Callable[[int], None]) -> dict[str, str]:
    files = [name for name in names_of_files() if is_mesh(name)]
    if first["file"] and first["file"] not in files:
        files.insert(0, first["file"])
    field = f"{key}.mesh"
    if (added := st.session_state.pop(f"{key}.added", None)) is not None:
        st.session_state[field] = added
    choosing, uploading = st.columns([1, 1], gap="small")
    with uploading:
        _upload(key, on_dimension)
    with choosing:
        chosen = st.selectbox(
            "Mesh",
            files,
            files.index(first["file"]) if first["file"] in files else 0,
            format_func=visible,
            key=field,
            placeholder="upload one first",
            on_change=lambda: on_dimension(_dimension(st.session_state[field])),
            disabled=not files,
        )
    if chosen is None:
        return {"file": "", "version": ""}
    return {"file": chosen, "version": first["version"] if chosen == first["file"] else ""}


def _dimension(file: str | None) -> int:
    """Of a mesh; 0 where it can't be read, which is said below it."""
    try:
        return mesh(file).dimension if file else 0
    except LabError:
        return 0


def _upload(key: str, on_dimension: Callable[[int], None]) -> None:
    """A mesh from the visitor's computer, added to the datasets and chosen; why not, where it can't be."""
    uploads = st.session_state.get(f"{key}.uploads", 0)
    file = st.file_uploader("Upload a mesh", type=list(MESHES), key=f"{key}.upload.{uploads}",
                            help="It becomes a dataset, with versions; see Datasets.")  # fmt: skip
    if file is None:
        return
    try:
        with st.spinner("Reading the mesh …"):
            added = add(file.name, file.getvalue())
    except LabError as error:
        st.error(message(error))
        return
    st.session_state[f"{key}.uploads"] = uploads + 1
    st.session_state[f"{key}.added"] = added.version.path
    on_dimension(_dimension(added.version.path))
    st.rerun()
