"""The lineage of a run as a picture: who started from whom, each run a click away."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from core.tracking.lineage import Node

WIDTH, STEP, BOX, TALL = 230, 64, 190, 44
COLORS = {
    "finished": "#3a86c8",
    "running": "#6a994e",
    "failed": "#c1436d",
    "crashed": "#c1436d",
    "deleted": "#94a3b8",
}

_component = st.components.v2.component(
    "singularity_lab_lineage",
    html='<div class="lineage"></div>',
    css="""
    .lineage { overflow: auto; max-height: 420px; }
    .lineage .run { cursor: pointer; }
    .lineage .run rect { fill: var(--st-secondary-background-color); stroke: var(--st-border-color); }
    .lineage .run:hover rect, .lineage .run:focus rect { stroke: var(--st-primary-color); stroke-width: 2; }
    .lineage .run.chosen rect { stroke: var(--st-primary-color); stroke-width: 2.5; }
    .lineage .run.deleted { cursor: default; } .lineage .run.deleted rect { stroke-dasharray: 4 3; }
    .lineage text { fill: var(--st-text-color); font: 13px var(--st-font); }
    .lineage text.small { font-size: 11px; opacity: 0.7; }
    .lineage path { fill: none; stroke: var(--st-border-color); stroke-width: 1.5; }
    .lineage :focus { outline: none; }
    """,
    js="""
    export default function (component) {
      const { data, parentElement, setTriggerValue } = component;
      const box = parentElement.querySelector(".lineage");
      box.innerHTML = data.svg;
      for (const run of box.querySelectorAll(".run:not(.deleted)")) {
        const choose = () => setTriggerValue("chosen", run.dataset.run);
        run.onclick = choose;
        run.onkeydown = (event) => { if (event.key === "Enter") choose(); };
      }
      box.querySelector(".chosen")?.scrollIntoView({ block: "nearest", inline: "center" });
    }
    """,
    isolate_styles=False,
)


def lineage_view(nodes: Sequence[Node], chosen: str, key: str) -> str | None:
    """Draw a lineage; returns the id of the run that was clicked just now."""
    result = _component(key=key, data={"svg": picture(nodes, chosen)}, on_chosen_change=lambda: None)
    return result.chosen


def picture(nodes: Sequence[Node], chosen: str) -> str:
    """The lineage as SVG; names are escaped, since people type them."""
    by_id = {node.run_id: node for node in nodes}
    width = (max(node.column for node in nodes) + 1) * WIDTH
    height = (max(node.row for node in nodes) + 1) * STEP
    parts = [f'<svg width="{width}" height="{height:.0f}" viewBox="0 0 {width} {height:.0f}" role="tree">']
    for node in nodes:
        if node.parent:
            above = by_id[node.parent]
            x0, y0 = above.column * WIDTH + BOX, above.row * STEP + TALL / 2 + 4
            x1, y1 = node.column * WIDTH, node.row * STEP + TALL / 2 + 4
            parts.append(f'<path d="M{x0},{y0:.1f} C{x0 + 20},{y0:.1f} {x1 - 20},{y1:.1f} {x1},{y1:.1f}"/>')
    for node in nodes:
        x, y = node.column * WIDTH + 2, node.row * STEP + 4
        kind = "run" + " chosen" * (node.run_id == chosen) + " deleted" * (node.state == "deleted")
        name = node.name if len(node.name) <= 23 else node.name[:22] + "…"
        color = COLORS.get(node.state, "#8b6f47")
        parts.append(
            f'<g class="{kind}" data-run="{node.run_id}" tabindex="0" role="treeitem" '
            f'aria-label="{escape(node.name)}, {node.state}" transform="translate({x},{y:.1f})">'
            f"<title>{escape(node.name)} · {node.run_id}</title>"
            f'<rect width="{BOX - 4}" height="{TALL}" rx="6"/>'
            f'<circle cx="14" cy="{TALL / 2}" r="5" fill="{color}"/>'
            f'<text x="28" y="19">{escape(name)}</text>'
            f'<text class="small" x="28" y="35">{node.state} · {node.run_id[:8]}</text></g>'
        )
    return "".join(parts) + "</svg>"
