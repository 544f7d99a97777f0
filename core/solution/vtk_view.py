"""A scene as a self-contained HTML page with VTK's own viewer. Runs in a child process: it imports vtk and trame."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.solution.camera import BOX, PRESETS, VIEW_ANGLE, Camera
from core.solution.scene import Scene, Triangles
from core.solution.vtk_viewer import OPENED, viewer_script, without_fetching

if TYPE_CHECKING:
    import pyvista

HEIGHT = 620


LINE = "#808890"
"""Colour of lines that have none of their own."""
_PAGE = Path(__file__).with_name("assets") / "vtk_page.js"


@dataclass(frozen=True)
class View:
    """How a scene is looked at."""

    colormap: str = "viridis"
    """A matplotlib colour map's name."""
    limits: tuple[float, float] = (0.0, 1.0)
    """Values at the ends of the colour map."""
    title: str = ""
    """Of the colour bar."""
    dark: bool = False
    """Light lines on a dark ground."""
    camera: Camera = PRESETS["corner"]
    """Where it is looked at from."""


def vtk_html(scene: Scene, view: View, viewer: str = "") -> str:
    """The scene as HTML; the camera can be turned.

    Args:
        scene: what to show.
        view: how it is looked at.
        viewer: address of `viewer_script`, so that a browser compiles it once for all scenes; without one it is in the
            page like everything else, and nothing is fetched.
    """
    # trame-vtklocal, which this view has no use for, downloads and unpacks WebAssembly when trame initialises it
    sys.modules.setdefault("trame.widgets.vtklocal", None)
    plotter = plotted(scene, view, (1100, HEIGHT))
    _start_trame_without_a_port()
    page = without_fetching(plotter.trame.export_html(None).read())
    plotter.close()
    style, script = _looking_around(scene, view, sha1(page.encode()).hexdigest(), viewer)
    if viewer:  # the script starts it, once what there is to see before has been painted
        page = page.replace(f"{OPENED}{viewer_script()}", "<script>", 1)
        style = f'<link rel="modulepreload" href="{viewer}">{style}'
    before, _, after = page.replace("</head>", f"{style}</head>", 1).rpartition("</body>")
    return f"{before}{script}</body>{after}"


def plotted(scene: Scene, view: View, size: tuple[int, int]) -> pyvista.Plotter:
    """A plotter with everything of a scene in it; nothing is drawn yet, so no GL is needed.

    Args:
        scene: what to show.
        view: how it is looked at.
        size: of the window in pixels.
    """
    # without a screen vtk tries X11 first and segfaults where there is none
    os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkOSOpenGLRenderWindow")
    import pyvista
    from vtkmodules.vtkCommonCore import vtkLogger

    # it warns twice a scene that OSMesa is absent, which only screenshots would need
    vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_ERROR)
    plotter = pyvista.Plotter(off_screen=True, window_size=list(size))
    show(plotter, scene, view)
    return plotter


def show(plotter: pyvista.Plotter, scene: Scene, view: View) -> None:
    """Put a scene into a plotter in place of what it shows. Its window stays: to open one takes GL a second."""
    import pyvista

    plotter.clear_actors()
    plotter.scalar_bars.clear()
    plotter.remove_bounds_axes()
    ground, ink = _colours(view.dark)
    plotter.background_color = ground
    unit, title = _power_of_ten(view.limits, view.title)
    drawn = np.array([1.0, 1.0, scene.stretch])
    colours = {"cmap": view.colormap, "clim": [limit / unit for limit in view.limits], "scalars": title}
    bar = {"vertical": True, "color": ink}
    for index, surface in enumerate(scene.surfaces):
        faces = np.column_stack([np.full(len(surface.faces), 3), surface.faces]).ravel()
        mesh = pyvista.PolyData((surface.vertices * drawn).astype(np.float32), faces)
        mesh.point_data[title] = (surface.intensity / float(unit)).astype(np.float32)
        plotter.add_mesh(
            mesh,
            **colours,
            opacity=surface.opacity,
            lighting=surface.shaded,
            smooth_shading=surface.shaded,
            ambient=0.35 if surface.shaded else 0.0,
            diffuse=0.65 if surface.shaded else 1.0,
            show_scalar_bar=index == 0,  # a second surface of the same title would spoil the first one's bar
            scalar_bar_args=bar,
        )
    for curves in scene.lines:
        ends = np.append(curves.starts[1:], len(curves.vertices))
        cells = np.concatenate([np.r_[end - start, start:end] for start, end in zip(curves.starts, ends, strict=True)])
        mesh = pyvista.PolyData((curves.vertices * drawn).astype(np.float32), lines=cells)
        if curves.intensity is not None:
            mesh.point_data[title] = (curves.intensity / float(unit)).astype(np.float32)
        own = {"color": LINE} if curves.intensity is None else colours
        plotter.add_mesh(mesh, **own, line_width=curves.width, lighting=False, show_scalar_bar=False)
    box = np.array(scene.bounds) * np.repeat(drawn, 2)
    plotter.add_mesh(pyvista.Box(box).extract_all_edges(), color=ink, line_width=1, opacity=0.4)
    plotter.show_bounds(bounds=_ruler(scene, box), color=ink, **_axis_titles(scene))
    _look_from(plotter, scene, view.camera)


def _look_from(plotter: pyvista.Plotter, scene: Scene, camera: Camera) -> None:
    middle, unit = _frame_of(scene)
    looking = plotter.camera
    looking.position, looking.focal_point = (tuple(middle + unit * np.array(at)) for at in (camera.eye, camera.center))
    looking.up, looking.view_angle = camera.up, VIEW_ANGLE
    plotter.camera_set = True  # else it is looked at from a corner once it is drawn
    plotter.reset_camera_clipping_range()


def _frame_of(scene: Scene) -> tuple[np.ndarray, float]:
    """The middle of a scene's box as drawn, (3,), and the unit of its cameras."""
    lows, highs = np.array(scene.bounds).reshape(3, 2).T * [1.0, 1.0, scene.stretch]
    return (lows + highs) / 2, float(np.linalg.norm(highs - lows)) / BOX


def _looking_around(scene: Scene, view: View, digest: str, viewer: str) -> tuple[str, str]:
    """For the page's head and end: looks, and the script that knows the camera and the value under the pointer.

    `digest` is the drawn content's, `viewer` as `vtk_html` takes it.
    """
    middle, unit = _frame_of(scene)
    power, array = _power_of_ten(view.limits, view.title)
    known = {
        "surfaces": len(scene.surfaces), "middle": middle.tolist(), "unit": unit, "stretch": scene.stretch,
        "titles": scene.axis_titles, "title": view.title, "array": array, "power": float(power), "angle": VIEW_ANGLE,
        "camera": [float(number) for number in view.camera.text.split(",")], "digest": digest, "viewer": viewer,
    }  # fmt: skip
    ground, ink = _colours(view.dark)
    style = (
        f"#probe, #whole {{ position: fixed; z-index: 9; background: {ground}e0; color: {ink}; "
        f"border: 1px solid {ink}40; border-radius: 4px; }} "
        "#probe { white-space: pre; font: 13px sans-serif; padding: 4px 8px; pointer-events: none; } "
        "#kept { position: fixed; inset: 0; width: 100%; height: 100%; z-index: 8; pointer-events: none; } "
        f"#kept.before {{ opacity: 0.35; }} html {{ background: {ground}; }} "
        f"#none {{ color: {ink}; font: 14px sans-serif; padding: 20px; position: relative; z-index: 9; }} "
        "#whole { left: 6px; top: 6px; padding: 4px 6px; line-height: 0; cursor: pointer; opacity: 0.6; }"
    )
    written = json.dumps(known).replace("<", "\\u003c")
    script = f"<script>{_PAGE.read_text(encoding='utf-8')}\nlookAround({written});</script>"
    return f"<style>{style}</style>", script


def _colours(dark: bool) -> tuple[str, str]:
    """Of the ground and of what is written on it."""
    return ("#0f151b", "#e3e9ee") if dark else ("#ffffff", "#14202b")


def _start_trame_without_a_port() -> None:
    """Start the server that trame's export asks for on wslink's backend without a network.

    Left to itself the export starts one that listens on a port of this machine for as long as the child lives, and lets
    in whoever knows the secret that is the same everywhere.
    """
    import pyvista
    from trame_pyvista.jupyter import elegantly_launch
    from trame_pyvista.widgets import get_server

    name = pyvista.global_theme.trame.jupyter_server_name
    if not get_server(name).running:
        elegantly_launch(name, wslink_backend="generic")


def _power_of_ten(limits: tuple[float, float], title: str) -> tuple[float, str]:
    """The colour bar writes plain decimals; a power of ten in its title keeps them short."""
    largest = max(abs(limit) for limit in limits)
    exponent = int(np.floor(np.log10(largest))) if largest > 0 else 0
    if -2 <= exponent <= 3:
        return 1.0, title
    return 10.0**exponent, f"{title} / 10{str(exponent).translate(str.maketrans('-0123456789', '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'))}"


def _ruler(scene: Scene, box: np.ndarray) -> list[float]:
    """What the ruled box spans: vtk.js rules lengths as drawn, so a stretched or meaningless axis is left out."""
    ruled = box.copy()
    for axis, title in enumerate(scene.axis_titles):
        if not title or (axis == 2 and scene.stretch != 1):
            ruled[2 * axis + 1] = ruled[2 * axis]
    return ruled.tolist()


def _axis_titles(scene: Scene) -> dict[str, str]:
    x, y, z = (title or " " for title in scene.axis_titles)  # an empty one is an error to VTK, on each frame
    return {"xtitle": x, "ytitle": y, "ztitle": z if scene.stretch == 1 else " "}


def probe() -> int:
    """Draw one triangle; returns the page's length. Any defect of the machine shows here, not on a page."""
    triangle = Triangles(
        vertices=np.eye(3, dtype=np.float32),
        faces=np.array([[0, 1, 2]], dtype=np.int32),
        intensity=np.array([0, 0.5, 1], dtype=np.float32),
    )
    scene = Scene((triangle,), (0, 1, 0, 1, 0, 1), ("x", "y", "z"), stretch=1.0, shown=1, total=1)
    return len(vtk_html(scene, View(title="probe")))
