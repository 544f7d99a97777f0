"""A scene as a self-contained HTML page with VTK's own viewer. Runs in a child process: it imports vtk and trame."""

from __future__ import annotations

import os

import numpy as np

from core.solution.scene import Scene

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
    import pyvista
    from vtkmodules.vtkCommonCore import vtkLogger

    # it warns twice a scene that OSMesa is absent, which only screenshots would need
    vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_ERROR)
    ground, ink = ("#0f151b", "#e3e9ee") if dark else ("#ffffff", "#14202b")
    plotter = pyvista.Plotter(off_screen=True, window_size=[1100, HEIGHT])
    plotter.background_color = ground
    for surface in scene.surfaces:
        faces = np.column_stack([np.full(len(surface.faces), 3), surface.faces]).ravel()
        mesh = pyvista.PolyData(surface.vertices, faces)
        mesh.point_data[title] = surface.intensity
        plotter.add_mesh(
            mesh, scalars=title, cmap=colormap, clim=list(limits), opacity=surface.opacity, show_scalar_bar=False
        )
    plotter.add_mesh(pyvista.Box(scene.bounds).extract_all_edges(), color=ink, line_width=1, opacity=0.4)
    plotter.camera_position = "iso"
    page = plotter.trame.export_html(None)
    plotter.close()
    return page.read()


def probe() -> str:
    """Render one triangle; returns the HTML's length as text. Any defect of the machine shows here, not on a page."""
    triangle = Scene(
        surfaces=(_unit_triangle(),),
        bounds=(0, 1, 0, 1, 0, 1),
        axis_titles=("x", "y", "z"),
        shown=1,
        total=1,
        value_range=(0.0, 1.0),
    )
    return str(len(vtk_html(triangle, "viridis", (0.0, 1.0), "probe", False)))


def _unit_triangle():
    from core.solution.scene import Triangles

    return Triangles(
        vertices=np.eye(3, dtype=np.float32),
        faces=np.array([[0, 1, 2]], dtype=np.int32),
        intensity=np.array([0, 0.5, 1], dtype=np.float32),
    )
