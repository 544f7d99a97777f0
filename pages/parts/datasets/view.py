"""The table of datasets, and one of them: its versions, digests, columns, and the runs that used it."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.config import parse_config
from core.datasets import Dataset, Digests, added_as, columns, is_mesh, mesh, read, since
from core.errors import LabError
from core.presets import presets
from core.tracking.dataset_inputs import Use
from pages.parts.datasets.mesh_view import mesh_view
from pages.parts.equation.draft import on_mesh
from pages.parts.equation.form import start_from
from pages.parts.launch.source import Source
from pages.parts.people.rooms import may_enter
from pages.parts.shared.data_table import data_table
from pages.parts.shared.made_download import made_download
from pages.parts.shared.text import LONGEST, Markdown, ago, code, message, plain, whole

PRESET = "burgers-inverse"
"""The run that a dataset is put into."""


def chosen_dataset(listed: list[Dataset], used: list[Use]) -> Dataset:
    """All datasets; a click shows one, else the permalink's (`?dataset=`), else the first."""
    names = [item.path for item in listed]
    rows = [
        {
            "Dataset": item.path,
            "File": item.standing(),
            "Size": size_of(item.now.size) if item.now else "–",
            "Versions": len(item.known()),
            "Runs": len({use.run_id for use in used if use.path == item.path}),
            "Changed": ago(item.changed),
        }
        for item in listed
    ]

    def open_selected() -> None:
        if picked := st.session_state["datasets.table"]["selection"]["rows"]:
            st.query_params["dataset"] = names[picked[0]]

    data_table(
        rows,
        key="datasets.table",
        on_select=open_selected,
        selection_mode="single-row",
        hide_index=True,
    )
    wanted = st.query_params.get("dataset")
    if wanted and wanted not in names:
        st.warning(f"There is no dataset {code(wanted, LONGEST)} here. This is the first of those there are.")
    return listed[names.index(wanted) if wanted in names else 0]


def dataset_view(item: Dataset, used: list[Use]) -> None:
    """One dataset."""
    known, mine = item.known(), [use for use in used if use.path == item.path]
    st.subheader(plain(item.path, LONGEST), help=whole(item.path))
    if item.now is None:
        gone = "The file was removed;" if item.removed else f"{item.trouble} But"
        st.warning(f"{message(gone)} its recorded versions are kept: download one and add it again to have it back.")
    if not known:
        return
    version = st.selectbox(
        "Version",
        known,
        format_func=lambda digests: digests.git_blob[:12] + (" · the file now" if digests == item.now else ""),
        key=f"datasets.version.{item.path}.{known[0].git_blob}",
    )
    (_mesh if is_mesh(item.path) else _content)(item, version)
    _digests(version)
    st.caption("Versions")
    data_table(_version_rows(item, mine), hide_index=True)
    if not mine:
        st.caption("No run has used this dataset yet.")
        return
    st.caption("Runs that used it")
    data_table(
        [
            {
                "Run": f"watch?run={use.run_id}#{use.run_name}",
                "State": use.state,
                "Version": use.git_blob[:12],
                "The file now": since(use.git_blob, item),
                "Started": ago(use.started),
            }
            for use in mine
        ],
        hide_index=True,
        column_config={"Run": st.column_config.LinkColumn(display_text=r"#(.*)$", width="medium")},
    )


def _content(item: Dataset, version: Digests) -> None:
    """Rows, columns, and what can be done with a version."""
    added = added_as(item.path, version.git_blob)
    mapping = added.columns if added else None
    try:
        table = columns(item.path, version.git_blob, mapping)
    except LabError as error:
        st.error(message(error))
        return
    rows, shape, size, actions = st.columns([1, 2, 1, 2], vertical_alignment="center")
    rows.metric("Rows", f"{len(next(iter(table.values()))):,}")
    names = plain(", ".join(table))
    shape.metric("Columns", names if len(table) <= 4 else len(table), help=names)
    size.metric("Size", size_of(version.size))
    if mapping:
        st.caption(f"Its columns: {plain(mapping)}")
    with actions.container(horizontal=True):
        name = Path(item.path).name
        made_download("Download", lambda: read(item.path, version.git_blob)[0], name, "application/octet-stream")
        if may_enter("launch") and st.button("Use in a run", icon=":material/rocket_launch:"):
            data = presets()[PRESET].config.model_dump(mode="json", by_alias=True)
            newest = item.now is not None and item.now == version
            chosen = {"dataset": item.path, "dataset_version": None, "dataset_columns": None}
            if not newest:
                chosen |= {"dataset_version": version.git_blob, "dataset_columns": mapping}
            config = parse_config(data | {"problem": data["problem"] | chosen})
            st.session_state["launch.upload"] = Source("dataset", item.path, config, ())
            st.switch_page("pages/launch_runs.py")


def _mesh(item: Dataset, version: Digests) -> None:
    """What a version of a mesh is, and what can be done with it."""
    try:
        found = mesh(item.path, version.git_blob)
    except LabError as error:
        st.error(message(error))
        return
    mesh_view(found, version.git_blob)
    with st.container(horizontal=True):
        made_download(
            "Download", lambda: read(item.path, version.git_blob)[0], Path(item.path).name, "application/octet-stream"
        )
        if may_enter("equation") and st.button("Use in an equation", icon=":material/function:"):
            newest = item.now is not None and item.now == version
            start_from(on_mesh(item.path, None if newest else version.git_blob, found.dimension))
            st.switch_page("pages/type_equation.py")


def _digests(version: Digests) -> None:
    lines = {
        "SHA-256": version.sha256,
        "SHA-1": version.sha1,
        "Git blob": version.git_blob,
        "MD5 (DVC)": version.md5,
    }
    st.code("\n".join(f"{name:<10} {value}" for name, value in lines.items()), language=None)


def _version_rows(item: Dataset, used: list[Use]) -> list[dict[str, object]]:
    """One row for each content and what its columns stood for, newest first."""
    recorded = [(version.digests, version) for version in reversed(item.versions)]
    unrecorded = [(digests, None) for digests in item.known() if all(digests != of for of, _ in recorded)]
    return [
        {
            "Version": digests.git_blob[:12],
            "First seen": ago(version.seen) if version else "not recorded: no run used it yet",
            "Columns": (version and version.columns) or "as the file names them",
            "Size": size_of(digests.size),
            "Runs": sum(use.git_blob == digests.git_blob for use in used),
            "The file now": since(digests.git_blob, item),
        }
        for digests, version in (*unrecorded, *recorded)
    ]


def size_of(size: int) -> Markdown:
    """Bytes as "29 kB"."""
    if size < 1000:
        return f"{size:d} B"
    return f"{size / 1000:.0f} kB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"
