"""The machine now and in the last minutes."""

from __future__ import annotations

import math

import numpy as np
import streamlit as st

from core.home import home
from core.machine import Recent
from core.machine.recent import KEPT, UNSEEN_S, Moment
from core.runs.machine_readings import Placed
from pages.parts.shared.live_plotly import live_plotly
from pages.parts.shared.machine_figure import MB_IN_GB, Row, machine_figure
from pages.parts.shared.palette import PALETTE
from pages.parts.shared.text import Markdown, message, plain

ROW_HEIGHT = 90
"""Of a row of the chart, in pixels."""
SPANS = (60, 120, KEPT)
"""Seconds that the chart shows: the shortest that holds what was read, in steps, so that its axis does not creep."""
MB, GB = 2**20, 2**30


@st.cache_resource(show_spinner=False)
def _recent(root: str) -> Recent:
    return Recent(home().root)


def now_view() -> None:
    """Figures of this moment, and a chart of the last minutes; all visitors share one sampler."""
    st.subheader("Machine")
    home().ensure()
    recent = _recent(str(home().root))
    moments = recent.look()
    if recent.error:
        st.warning(message(f"The machine can't be read: {recent.error}"))
    if not moments:
        st.caption("Looking at the machine …")
        st.container(height=340, border=False)  # nothing below jumps when the chart comes
        return
    now = moments[-1]
    machine = now.machine
    used, whole = machine.memory_used / GB, machine.memory_total / GB
    cells = {
        "CPU": percent(machine.cpu),
        "memory": f"{used:.1f} of {whole:.1f} GB",
        "disk free": gigabytes(machine.disk_free),
    }
    for column, (label, value) in zip(st.columns(len(cells)), cells.items(), strict=True):
        column.metric(plain(label), plain(value))
    for k, gpu in enumerate(now.gpus):
        parts = [percent(gpu.load), f"{gpu.memory_used / GB:.1f} of {gpu.memory_total / GB:.1f} GB"]
        parts += [f"{gpu.temperature:.0f} °C", f"{gpu.power:.0f} W"]
        st.caption(plain(f"GPU {k}, {gpu.name}: {', '.join(part for part in parts if 'nan' not in part)}"))
    if recent.trouble:
        st.caption(f":material/warning: {message(recent.trouble)}")
    rows, colors = _rows(now)
    placed = _placed(moments)
    figure = machine_figure(
        placed, x_title="seconds from now", revision="system", rows=rows, colors=colors, row_height=ROW_HEIGHT
    )
    span = next((span for span in SPANS if placed.x[0] >= -span), KEPT)
    figure.update_layout(xaxis_range=[-span, 0], showlegend=bool(now.gpus))
    live_plotly(figure, key="system.now", height=figure.layout.height or 200)


def percent(value: float) -> Markdown:
    """A share in percent, a dash where it is not known yet."""
    return "–" if math.isnan(value) else f"{value:.0f} %"


def gigabytes(count: float) -> Markdown:
    """Bytes in GB, a dash where they are not known."""
    return "–" if math.isnan(count) else f"{count / GB:.1f} GB"


def _rows(now: Moment) -> tuple[list[Row], dict[str, str]]:
    """What is drawn, and in which colours: the machine and each of its GPUs."""
    names = ["GPU"] if len(now.gpus) == 1 else [f"GPU {k}" for k in range(len(now.gpus))]

    def of(column: str, machine: str | None = None) -> dict[str, str]:
        return ({"machine": machine} if machine else {}) | {name: f"{name} {column}" for name in names}

    rows = [
        Row("load", "%", of("load", "cpu"), most=100),
        Row("memory", "GB", of("memory", "memory"), MB_IN_GB, most=now.machine.memory_total / GB),
        Row("GPU", "°C", of("temperature")),
        Row("GPU", "W", of("power")),
    ]
    return rows, {"machine": PALETTE[0]} | {name: PALETTE[1 + k % 9] for k, name in enumerate(names)}


def _placed(moments: list[Moment]) -> Placed:
    """The moments as what is drawn, in seconds before the last one."""
    x = np.array([moment.machine.time for moment in moments]) - moments[-1].machine.time
    order = np.argsort(x, kind="stable")  # the clock may have been set
    count = len(moments[-1].gpus)
    values = {
        "cpu": np.array([moment.machine.cpu for moment in moments]),
        "memory": np.array([moment.machine.memory_used / MB for moment in moments]),
    }
    for k in range(count):
        name = "GPU" if count == 1 else f"GPU {k}"
        each = [moment.gpus[k] if len(moment.gpus) > k else None for moment in moments]
        for column, field, divisor in (
            ("load", "load", 1),
            ("memory", "memory_used", MB),
            ("temperature", "temperature", 1),
            ("power", "power", 1),
        ):
            found = [math.nan if gpu is None else getattr(gpu, field) / divisor for gpu in each]
            values[f"{name} {column}"] = np.array(found)
    x = x[order]
    return Placed(x, {name: value[order] for name, value in values.items()}, np.diff(x, prepend=x[:1]) > UNSEEN_S)
