"""A Plotly chart that keeps its zoom, camera and hidden curves while its data changes.

`st.plotly_chart` hashes the whole figure into its identity, so each change mounts a new chart and throws the visitor's
view away. This component keeps one chart and hands it new data through `Plotly.react`; its `uirevision` does the rest.
plotly.js comes from the installed wheel (`pages.parts.assets`): no internet is needed.

Plotly reads links, line breaks and colours in names, titles, ticks and annotations. All of them are escaped here, at
the door, so that builders of figures take people's text as it is. Markup of our own stands in hover templates alone.
"""

from __future__ import annotations

from hashlib import sha1
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.parts.shared.text import LONGEST, LONGEST_TITLE, visible

if TYPE_CHECKING:
    import plotly.graph_objects as go

DRAWING = """
function plotly() { // once for all components of the page, each of which has this text
  if (window.Plotly) return Promise.resolve(window.Plotly);
  return window.singularityLabPlotly ??= idle().then(() => new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL("app/static/plotly.min.js?VERSION", document.baseURI).href;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      window.singularityLabPlotly = undefined;
      reject(new Error("plotly.min.js could not be loaded"));
    };
    document.head.appendChild(script);
  }));
}

// plotly.js holds the page up for a second while it is compiled: what stands beside the first chart is drawn first.
function idle() {
  return new Promise((resolve) => requestIdleCallback(resolve, { timeout: 1500 }));
}

function themed(layout, element) {
  const style = getComputedStyle(element);
  const color = style.getPropertyValue("--st-text-color").trim() || "#333";
  const line = style.getPropertyValue("--st-border-color").trim() || "#ccc";
  const background = style.getPropertyValue("--st-background-color").trim() || "#fff";
  const axis = { gridcolor: line, zerolinecolor: line, linecolor: line };
  const result = { ...layout, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", autosize: true,
    font: { family: style.getPropertyValue("--st-font").trim() || "sans-serif", size: 12, ...layout.font, color },
    hoverlabel: { bgcolor: background, bordercolor: line, font: { color } },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: "rgba(128,136,144,0.7)", activecolor: color } };
  for (const key of Object.keys(result)) {
    if (/^[xy]axis[0-9]*$/.test(key)) result[key] = { ...axis, ...result[key] };
    if (/^scene[0-9]*$/.test(key)) {
      const scene = { ...result[key] };
      for (const name of ["xaxis", "yaxis", "zaxis"])
        scene[name] = { ...axis, backgroundcolor: "rgba(0,0,0,0)", color, ...scene[name] };
      result[key] = scene;
    }
  }
  return result;
}

// The same figure for who sits further away: type, lines and margins larger; the lines of `data` are changed.
function enlarged(layout, data, height = window.innerHeight) {
  const times = Math.max(1, height / 640);
  const grown = { ...layout, font: { ...layout.font, size: times * (layout.font?.size || 12) } };
  grown.margin = Object.fromEntries(Object.entries(layout.margin || {}).map(([side, room]) => [side, times * room]));
  grown.annotations = (layout.annotations || []).map((note) => ({ ...note,
    yshift: times * (note.yshift || 0), font: { ...note.font, size: times * (note.font?.size || 12) } }));
  grown.shapes = (layout.shapes || []).map((shape) => ({ ...shape,
    line: { ...shape.line, width: times * (shape.line?.width || 1) } }));
  for (const key of Object.keys(grown).filter((key) => /^scene[0-9]*$/.test(key))) { // WebGL's ticks are large already
    grown[key] = { ...grown[key] };
    for (const name of ["xaxis", "yaxis", "zaxis"]) grown[key][name] = { ...grown[key][name], tickfont: { size: 12 } };
  }
  for (const trace of data) if (trace.line) trace.line = { ...trace.line, width: times * (trace.line.width || 2) };
  return grown;
}

const SLIDE = { width: 1920, height: 1080, name: "Save as a slide (PNG, 1920 × 1080)",
  icon: { width: 24, height: 24, path: "M2 3h20v2h-1v11h-8v2l4 3-1 1-4-3-4 3-1-1 4-3v-2H3V5H2zM5 5v9h14V5z" } };

// What the chart shows now, its zoom and camera too, as a picture of a slide's size on the page's own background.
function slide(Plotly, chart, name) {
  const { width, height } = SLIDE;
  const background = getComputedStyle(chart).getPropertyValue("--st-background-color").trim() || "#fff";
  const data = chart.data.map((trace) => ({ ...trace }));
  const layout = { ...enlarged(chart.layout, data, height), width, height, autosize: false,
    paper_bgcolor: background, plot_bgcolor: background };
  layout.font.family = "Arial, sans-serif"; // a picture has none of the page's own, and is laid out for what it has
  for (const side of ["l", "r", "t", "b"]) layout.margin[side] = (layout.margin[side] || 0) + 40;
  return Plotly.downloadImage({ data, layout }, { format: "png", width, height, filename: `${name}-slide` });
}

// One and the same for all charts and drawings: for a config with another function Plotly forgets the visitor's zoom.
const SLIDE_BUTTON = { name: "slide", title: SLIDE.name, icon: SLIDE.icon,
  click: (chart) => plotly().then((Plotly) => slide(Plotly, chart, chart._context.toImageButtonOptions.filename)) };

function chartConfig(name) {
  return {
    modeBarButtonsToAdd: [SLIDE_BUTTON],
    responsive: true, displaylogo: false, scrollZoom: false,
    modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d", "sendChartToCloud", "resetCameraLastSave3d"],
    toImageButtonOptions: { format: "svg", filename: name },
  };
}
""".replace("VERSION", version("plotly"))
"""For scripts of components: `plotly()` gives plotly.js once it is there, `themed` a layout in the page's colours."""

_SCRIPT = """
export default function (component) {
  const { data, parentElement } = component;
  const element = parentElement.querySelector(".chart");
  const message = parentElement.querySelector(".message");
  if (data.height) element.style.height = data.height + "px";
  element.classList.toggle("chart-large", data.large);
  const turn = element.turn = {};
  let gone = false;
  plotly().then(async (Plotly) => {
    await untouched(element);
    if (gone || element.turn !== turn) return; // of what came while a pointer was down only the last is drawn
    const figure = JSON.parse(data.figure);
    message.hidden = true;
    element.hidden = false;
    const plain = themed(figure.layout, parentElement);
    const layout = data.large ? enlarged(plain, figure.data) : plain;
    const config = { ...chartConfig(data.name), ...(data.large && { displayModeBar: false }) };
    if (figure.layout.scene) {
      if (!webgl()) throw new Error(
        "this browser has no WebGL, which 3D needs. Curves, numbers and downloads are there all the same.");
      config.modeBarButtonsToAdd = SCENE_BUTTONS;
    }
    return Plotly.react(element, { data: figure.data, layout, config, frames: figure.frames });
  }).catch((error) => {
    message.hidden = false;
    element.hidden = true; // it is as high as its place: the words would stand below, where nobody sees them
    message.textContent = "This chart could not be drawn: " + error.message;
  });
  return () => { gone = true; if (window.Plotly) window.Plotly.purge(element); };
}
"""

_SCENES = Path(__file__).with_name("scenes.js").read_text(encoding="utf-8")

TEXTS = {"name", "text", "hovertext", "title", "label", "ticktext"}
TEXTS |= {"prefix", "suffix", "tickprefix", "ticksuffix"}
"""Keys of a figure whose strings are drawn."""

_component = st.components.v2.component(
    "singularity_lab_chart",
    html='<div class="chart"></div><p class="message" hidden></p>',
    css=".chart { width: 100%; } .message { color: var(--st-red-color); } "
    ".chart:fullscreen { height: 100vh !important; background: var(--st-background-color); }",
    js=DRAWING + _SCENES + _SCRIPT,
    isolate_styles=False,
)

_AHEAD = """
export default function ({ data }) {
  if (data.soon) plotly().catch(() => {}); // the chart itself says what went wrong
  const near = (event) => {
    if (event.target.closest?.('[data-testid="stBaseButton-primary"]')) plotly().catch(() => {});
  };
  for (const kind of ["pointerover", "focusin"]) document.addEventListener(kind, near);
  return () => { for (const kind of ["pointerover", "focusin"]) document.removeEventListener(kind, near); };
}
"""
_ahead = st.components.v2.component("singularity_lab_plotly_ahead", js=DRAWING + _AHEAD, isolate_styles=False)


def plotly_ahead(soon: bool = False) -> None:
    """On a page whose main button leads to a chart: plotly.js is loaded once somebody is about to press it.

    `soon`: on one that draws a chart as soon as the server has made it: loaded now, while it does.
    """
    _ahead(key="plotly.ahead", height=1, data={"soon": soon})


def live_plotly(figure: go.Figure, *, key: str, height: int | None, large: bool = False) -> None:
    """Draw a figure, or hand the chart of the same key its new data.

    Args:
        figure: its `layout.uirevision` says as long as it stays the same that the visitor's view is kept.
        key: identity of the chart on its page.
        height: in pixels; None where the page's styles say it.
        large: for a projector: larger type and lines, no buttons.
    """
    key = component_key(key)
    data = {"figure": as_json(figure), "height": height, "name": key, "large": large}
    _component(key=key, data=data, height=height or "content")


def component_key(key: str) -> str:
    """A key with people's text in it as Streamlit takes it for a component: it refuses two underscores in a row."""
    return sha1(key.encode(errors="replace")).hexdigest() if "__" in key else key


def as_json(figure: go.Figure) -> str:
    """The figure for plotly.js, every text in it shown as it is."""
    from plotly.io.json import to_json_plotly

    return to_json_plotly(_escaped(figure.to_dict()))


def as_data(figure: go.Figure) -> dict[str, Any]:
    """The figure's `data` and `layout` for plotly.js, texts as they are; x and y of its traces are arrays (n,)."""
    plain = _escaped(figure.to_dict())  # its arrays are in base64
    for trace, drawn in zip(plain["data"], figure.data, strict=True):
        trace |= {"x": drawn.x, "y": drawn.y}
    return plain


def _escaped(part: Any, longest: int | None = None, in_scene: bool = False) -> Any:
    """A part of a figure, its strings escaped where `longest` says how long a text may be there."""
    if isinstance(part, str):
        if longest is None:
            return part
        # on a 3D scene's canvas &lt; stays &lt;, and a tag is none with a joint in it that takes no room
        shown = visible(part, longest)
        return shown.replace("<", "<\u200b") if in_scene else escape(shown, quote=False)
    if isinstance(part, dict):
        made = {
            key: _escaped(value, _longest(key, longest), in_scene or key.startswith("scene"))
            for key, value in part.items()
        }
        if {"ticktext", "values"} <= part.keys():  # parallel coordinates write their ticks as they are
            made["ticktext"] = [visible(text, LONGEST) for text in part["ticktext"]]
        return made
    if isinstance(part, list | tuple) or (longest and hasattr(part, "tolist")):
        return [_escaped(item, longest, in_scene) for item in part]
    return part


def _longest(key: str, around: int | None) -> int | None:
    return (LONGEST_TITLE if key == "title" else around or LONGEST) if key in TEXTS else None
