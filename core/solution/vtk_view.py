"""A scene as a self-contained HTML page with VTK's own viewer. Runs in a child process: it imports vtk and trame."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.solution.scene import Scene, Triangles

if TYPE_CHECKING:
    import pyvista

HEIGHT = 620


LINE = "#808890"
"""Colour of lines that have none of their own."""


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
    camera: tuple[float, float, float] = (1.6, -1.6, 1.1)
    """Direction from which it is looked at."""


def vtk_html(scene: Scene, view: View) -> str:
    """The scene as HTML with everything inline; the camera can be turned, nothing is fetched."""
    # trame-vtklocal, which this view has no use for, downloads and unpacks WebAssembly when trame initialises it
    sys.modules.setdefault("trame.widgets.vtklocal", None)
    plotter = plotted(scene, view, (1100, HEIGHT))
    _start_trame_without_a_port()
    page = plotter.trame.export_html(None).read()
    plotter.close()
    return page.replace("https://kitware.github.io/vtk-js/icon/favicon-", "data:,")  # fetched for a tab it never has


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
    ground, ink = ("#0f151b", "#e3e9ee") if view.dark else ("#ffffff", "#14202b")
    plotter = pyvista.Plotter(off_screen=True, window_size=list(size))
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
    plotter.view_vector(view.camera, viewup=(0, 0, 1) if abs(view.camera[2]) < 2 else (0, 1, 0))
    return plotter


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
    x, y, z = scene.axis_titles
    return {"xtitle": x, "ytitle": y, "ztitle": z if scene.stretch == 1 else ""}


def probe() -> int:
    """Draw one triangle; returns the page's length. Any defect of the machine shows here, not on a page."""
    triangle = Triangles(
        vertices=np.eye(3, dtype=np.float32),
        faces=np.array([[0, 1, 2]], dtype=np.int32),
        intensity=np.array([0, 0.5, 1], dtype=np.float32),
    )
    scene = Scene((triangle,), (0, 1, 0, 1, 0, 1), ("x", "y", "z"), stretch=1.0, shown=1, total=1)
    return len(vtk_html(scene, View(title="probe")))
