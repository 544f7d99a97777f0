"""Widgets that say what of a sample is drawn: the moment, surfaces, slices, lines, a cut, colours, where from."""

from __future__ import annotations

import streamlit as st

from core.errors import LabError
from core.solution.camera import PRESETS
from core.solution.colormaps import COLORMAPS
from core.solution.drawing import SceneRequest
from core.solution.levels import read_levels
from core.solution.sampled import Sampled
from core.solution.scene import at_moment, drawn_axes, has_inside, moments
from pages.parts.in_space.look import Look
from pages.parts.shared.text import Markdown, message, plain
from pages.parts.solution.form import URL, Quantity
from pages.parts.solution.scene import EYE

DIVERGING = COLORMAPS.index("coolwarm")
ISO, SLICES, FREE, THRESHOLD, VOLUME = "isosurfaces", "slices", "free slice", "threshold", "volume"
CONTOURS, ARROWS, STREAMLINES = "contour lines", "arrows", "streamlines"
TURNED = "solution.turned"
PLAY, NEXT, DRAWN = "solution.play", "solution.next", "solution.drawn"
PAUSE_S = 0.4
"""How long a moment that is played is seen at least."""
SOLID = (ISO, SLICES, FREE, THRESHOLD, VOLUME)


def moment_input(grid: Sampled) -> int:
    """Which of the moments is drawn, and whether they are played (`play_on`); 0 where all is drawn at once."""
    times = moments(grid)
    if times is None:
        return 0
    last = len(times) - 1
    if st.session_state.pop(NEXT, False):
        st.session_state["moment"] = (st.session_state.get("moment", 0) + 1) % (last + 1)
    chosen = st.select_slider(
        plain(grid.time), range(last + 1), format_func=lambda k: f"{times[k]:.4g}", key="moment", bind=URL
    )
    st.toggle("Play", key=PLAY)
    st.session_state[DRAWN] = False
    return chosen


def play_on(grid: Sampled) -> None:
    """At the page's end: the next moment follows after a pause, as long as it is played."""
    if moments(grid) is not None and st.session_state.get(PLAY):
        _played()


@st.fragment(run_every=PAUSE_S)
def _played() -> None:
    if not st.session_state[DRAWN]:  # the page's own run, which has drawn the present moment just now
        st.session_state[DRAWN] = True
        return
    st.session_state[NEXT] = True
    st.rerun()


def shown_input(grid: Sampled, has_vectors: bool) -> list[str]:
    """Which kinds of surfaces and lines are wished."""
    drawn = at_moment(grid, 0)
    along = [ARROWS, STREAMLINES] if has_vectors else []
    if has_inside(drawn):
        return st.pills("Show", [*SOLID, *along], default=[ISO], selection_mode="multi", key="show", bind=URL)
    if len(drawn.axes) != 2:
        return []
    return st.pills("Show", [CONTOURS, *along], default=[], selection_mode="multi", key="show2", bind=URL)


def scene_input(
    grid: Sampled, quantity: Quantity, shown: list[str], moment: int, vectors: tuple[str, ...]
) -> SceneRequest:
    """What is drawn, as the kinds that are shown ask for it."""
    drawn = at_moment(grid, 0)
    options: dict = {"value": quantity.name, "logarithmic": quantity.logarithmic, "time_index": moment}
    if quantity.constant and has_inside(drawn) and not {SLICES, FREE} & {*shown}:
        st.caption("The whole block: what is the same everywhere has no surface at a value.")
    if ISO in shown and not quantity.constant:
        options["isosurfaces"] = _levels(quantity)
    if SLICES in shown:
        options["slices"] = tuple(_slice(k, name, axis) for k, (name, axis) in enumerate(
            zip(drawn.coordinates, drawn_axes(drawn), strict=True)))  # fmt: skip
    if FREE in shown:
        azimuth = st.slider("Free slice: direction", 0, 180, 45, format="%d°", key="azimuth", bind=URL)
        elevation = st.slider("Free slice: tilt", -90, 90, 20, format="%d°", key="tilt", bind=URL)
        place = st.slider("Free slice: place", 0, 100, 50, format="%d %%", key="place", bind=URL)
        options["free_slice"] = (azimuth, elevation, place / 100)
    if THRESHOLD in shown and not quantity.constant:
        low, high = quantity.limits
        shares = st.slider("Threshold", 0, 100, (60, 100), format="%d %%", key="threshold", bind=URL)
        options["threshold"] = tuple(low + (high - low) * share / 100 for share in shares)
        st.caption(f"from {options['threshold'][0]:.3g} to {options['threshold'][1]:.3g}")
    if CONTOURS in shown:
        options["contours"] = st.slider("Contour lines", 4, 40, 12, key="contours", bind=URL)
    options |= {"volume": VOLUME in shown, "vectors": vectors,
                "arrows": ARROWS in shown, "streamlines": STREAMLINES in shown}  # fmt: skip
    if has_inside(drawn) and not shown:
        st.caption("The whole block; a clip shows its inside.")
    if len(drawn.axes) == 2 and not has_inside(drawn):
        options["warp"] = st.slider("Height", 0.0, 2.0, 1.0, 0.1, key="height", bind=URL)
    return SceneRequest(**options, **_clip(drawn))


def _levels(quantity: Quantity) -> tuple[float, ...]:
    low, high = quantity.limits
    shares = st.slider("Isosurfaces", 1, 99, (25, 75), format="%d %%", help="Levels, as shares of the value range.",
                       key="iso", bind=URL)  # fmt: skip
    levels = tuple(low + (high - low) * share / 100 for share in dict.fromkeys(shares))
    typed = st.text_input("Levels, typed", placeholder=", ".join(f"{level:.3g}" for level in levels), key="levels",
                          bind=URL)  # fmt: skip
    if not typed.strip():
        st.caption("at " + " and ".join(f"{level:.3g}" for level in levels))
        return levels
    try:
        levels, beyond = read_levels(typed, quantity.limits)
    except LabError as error:
        st.warning(message(error))
        return levels
    if beyond:
        st.warning(message(beyond))
    return levels


def _slice(k: int, name: str, axis) -> float:
    low, high = float(axis[0]), float(axis[-1])
    share = st.slider(f"Slice {plain(name)}", 0, 100, 50, format="%d %%", key=f"slice-{k}", bind=URL)
    return low + (high - low) * share / 100


def _clip(drawn: Sampled) -> dict:
    if len(drawn.axes) < 2:
        return {}

    def across(k: str) -> Markdown:
        return "none" if k == "none" else plain(drawn.coordinates[int(k)])

    choices = ["none", *map(str, range(len(drawn.coordinates)))]
    chosen = st.segmented_control("Clip", choices, default="none", format_func=across, key="clip", bind=URL)
    if chosen not in choices[1:]:
        return {}
    axis = int(chosen)
    share = st.slider("Clip at", 1, 99, 50, format="%d %%", help="Of the extent.", key="clip-at", bind=URL) / 100
    towards_viewer = st.toggle("Keep the other side", key="other-side", bind=URL)
    # the camera starts at +x, −y, +z: the side that is kept at first shows its cut
    return {"clip_axis": axis, "clip_at": share, "keep_upper": (axis == 1) != towards_viewer}


def look_input(quantity: Quantity, has_camera: bool) -> Look:
    """Colours, symmetric about zero for what is signed, and where it is looked at from.

    A range that is none is said, and the whole one taken.
    """
    with st.expander("Colours and camera" if has_camera else "Range"):
        usual = DIVERGING if quantity.signed else 0
        colormap = COLORMAPS[usual]
        if has_camera:
            colormap = st.selectbox("Colours", COLORMAPS, usual, key=f"colours{usual}", bind=URL)
        low, high = quantity.limits
        symmetric = quantity.signed and st.toggle("Symmetric about zero", True, key="symmetric", bind=URL)
        if symmetric:
            low, high = -max(-low, high), max(-low, high)
        if not low < high:  # a constant
            low, high = low - 0.5, high + 0.5
        if st.toggle("Set the range by hand", key="by-hand", bind=URL):
            left, right = st.columns(2)
            from_, to = (column.number_input(label, value=value, format="%.3e", key=key, bind=URL)
                         for column, label, value, key in ((left, "From", low, "low"),
                                                           (right, "To", high, "high")))  # fmt: skip
            if from_ < to:
                low, high = from_, to
            else:
                st.warning(f"A colour range goes up: {from_:.2e} is not below {to:.2e}. The whole range is shown.")
        camera = next(iter(PRESETS))
        if has_camera:
            camera = st.segmented_control("Camera", list(PRESETS), default=camera, key="camera", bind=URL,
                                          on_change=_looked_from) or camera  # fmt: skip
    return Look(colormap, (low, high), quantity.title, camera, st.session_state.get(TURNED, 0))


def _looked_from() -> None:
    """A camera was chosen, the present one again for one: where the visitor had turned to is left."""
    st.query_params.pop(EYE, None)
    st.session_state[TURNED] = st.session_state.get(TURNED, 0) + 1
