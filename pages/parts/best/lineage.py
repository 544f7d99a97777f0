"""The lineage of a run as a picture: who started from whom, each run a click away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.runs.states import known_state
from core.tracking.lineage import Node
from pages.parts.shared.text import visible

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
    function made(name, attributes, ...children) {
      const element = document.createElementNS("http://www.w3.org/2000/svg", name);
      for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
      element.append(...children);  // strings become text, never markup
      return element;
    }

    export default function (component) {
      const { data, parentElement, setTriggerValue } = component;
      const { width, height, box, tall } = data;
      const runs = data.runs.map((run) => {
        const place = `translate(${run.x},${run.y})`;
        const group = made("g", { class: run.kind, tabindex: 0, role: "treeitem", "aria-label": run.label,
                                  transform: place },
          made("title", {}, run.title),
          made("rect", { width: box, height: tall, rx: 6 }),
          made("circle", { cx: 14, cy: tall / 2, r: 5, fill: run.color }),
          made("text", { x: 28, y: 19 }, run.name),
          made("text", { class: "small", x: 28, y: 35 }, run.words));
        if (run.there) {
          group.onclick = () => setTriggerValue("chosen", run.id);
          group.onkeydown = (event) => { if (event.key === "Enter") group.onclick(); };
        }
        return group;
      });
      const edges = data.edges.map((d) => made("path", { d }));
      const svg = made("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "tree" }, ...edges, ...runs);
      const frame = parentElement.querySelector(".lineage");
      frame.replaceChildren(svg);
      frame.querySelector(".chosen")?.scrollIntoView({ block: "nearest", inline: "center" });
    }
    """,
    isolate_styles=False,
)


def lineage_view(nodes: Sequence[Node], chosen: str, key: str) -> str | None:
    """Draw a lineage; returns the id of the run that was clicked just now."""
    return _component(key=key, data=picture(nodes, chosen), on_chosen_change=lambda: None).chosen


def picture(nodes: Sequence[Node], chosen: str) -> dict[str, Any]:
    """The lineage as plain values, from which the browser builds the picture: sizes, edges as paths, and the runs."""
    by_id = {node.run_id: node for node in nodes}
    edges = []
    for node in nodes:
        if node.parent:
            above = by_id[node.parent]
            x0, y0 = above.column * WIDTH + BOX, above.row * STEP + TALL / 2 + 4
            x1, y1 = node.column * WIDTH, node.row * STEP + TALL / 2 + 4
            edges.append(f"M{x0},{y0:.1f} C{x0 + 20},{y0:.1f} {x1 - 20},{y1:.1f} {x1},{y1:.1f}")
    return {
        "width": (max(node.column for node in nodes) + 1) * WIDTH,
        "height": round((max(node.row for node in nodes) + 1) * STEP),
        "box": BOX - 4,
        "tall": TALL,
        "edges": edges,
        "runs": [_drawn(node, chosen) for node in nodes],
    }


def _drawn(node: Node, chosen: str) -> dict[str, Any]:
    name, there = visible(node.name), node.state != "deleted"
    state = known_state(node.state) if there else node.state
    return {
        "id": node.run_id,
        "there": there,
        "x": node.column * WIDTH + 2,
        "y": round(node.row * STEP + 4, 1),
        "kind": "run" + " chosen" * (node.run_id == chosen) + " deleted" * (not there),
        "label": f"{name}, {state}",
        "title": f"{name} · {visible(node.run_id)}" + (f" · along {visible(node.way, 120)}" if node.way else ""),
        "name": visible(node.name, 23),
        "words": f"{state} · {visible(node.run_id[:8])}",
        "color": COLORS.get(state, "#8b6f47"),
    }
