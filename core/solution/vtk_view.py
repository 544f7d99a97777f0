"""A scene as a self-contained HTML page with VTK's own viewer. Runs in a child process: it imports vtk and trame."""

from __future__ import annotations

import os
import sys

import numpy as np

from core.solution.scene import Scene, Triangles

HEIGHT = 620


def vtk_html(scene: Scene, colormap: str, limits: tuple[float, float], title: str, dark: bool) -> str:
    """The scene as HTML with everything inline; the camera can be turned, nothing is fetched.

    Args:
        scene: what to show.
        colormap: a matplotlib colour map's name.
        limits: values at the ends of the colour map.
        title: of the colour bar.
        dark: light lines on a dark ground.
    """
    # without a screen vtk tries X11 first and segfaults where there is none
    os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkOSOpenGLRenderWindow")
    # trame-vtklocal, which this view has no use for, downloads and unpacks WebAssembly when trame initialises it
    sys.modules.setdefault("trame.widgets.vtklocal", None)
    import pyvista
    from vtkmodules.vtkCommonCore import vtkLogger

    # it warns twice a scene that OSMesa is absent, which only screenshots would need
    vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_ERROR)
    ground, ink = ("#0f151b", "#e3e9ee") if dark else ("#ffffff", "#14202b")
    plotter = pyvista.Plotter(off_screen=True, window_size=[1100, HEIGHT])
    plotter.background_color = ground
    unit, title = _power_of_ten(limits, title)
    drawn = np.array([1.0, 1.0, scene.stretch])
    for index, surface in enumerate(scene.surfaces):
        faces = np.column_stack([np.full(len(surface.faces), 3), surface.faces]).ravel()
        mesh = pyvista.PolyData((surface.vertices * drawn).astype(np.float32), faces)
        mesh.point_data[title] = surface.intensity / np.float32(unit)
        plotter.add_mesh(
            mesh,
            scalars=title,
            cmap=colormap,
            clim=[limit / unit for limit in limits],
            opacity=surface.opacity,
            lighting=surface.shaded,
            smooth_shading=surface.shaded,
            ambient=0.35 if surface.shaded else 0.0,
            diffuse=0.65 if surface.shaded else 1.0,
            show_scalar_bar=index == 0,  # a second surface of the same title would spoil the first one's bar
            scalar_bar_args={"vertical": True, "color": ink},
        )
    box = np.array(scene.bounds) * np.repeat(drawn, 2)
    plotter.add_mesh(pyvista.Box(box).extract_all_edges(), color=ink, line_width=1, opacity=0.4)
    plotter.show_bounds(bounds=_ruler(scene, box), color=ink, **_axis_titles(scene))
    plotter.view_vector((1.6, -1.6, 1.1))
    _start_trame_without_a_port()
    page = plotter.trame.export_html(None).read()
    plotter.close()
    return page.replace("https://kitware.github.io/vtk-js/icon/favicon-", "data:,")  # fetched for a tab it never has


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
    return len(vtk_html(scene, "viridis", (0.0, 1.0), "probe", False))
