"""A thousand scenes as the server builds them, children killed now and then: the server's memory, the next view."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator

import psutil

from benchmarks.solution.trained import seconds_row, trained_run

RENDERS, KILLED, GROWN_MB, POINTS = 1000, 50, 100.0, 33


def rows() -> Iterator[dict[str, object]]:
    """One row: megabytes that this process grew by, and whether a scene comes after all."""
    with trained_run() as (run_id, _):
        yield _row(run_id)


def _row(run_id: str) -> dict[str, object]:
    from core.runs import run_folder
    from core.solution import children
    from core.solution.drawing import SceneRequest
    from core.solution.vtk_view import View

    path = children.sampled_file(run_folder(run_id), POINTS)
    own = psutil.Process()
    children.vtk_html(children.build_scene(path, SceneRequest("u", isosurfaces=(0.5,))), View())
    gc.collect()
    before, died, began = own.memory_info().rss, 0, time.perf_counter()
    every = RENDERS // KILLED
    for k in range(RENDERS):
        request = SceneRequest("u", isosurfaces=(0.1 + 0.8 * k / RENDERS,))
        if k % every == every - 1:
            for child in own.children():  # the one that samples too
                child.kill()
        try:
            scene = children.build_scene(path, request)
            if k % every == 0:
                children.vtk_html(scene, View())
        except children.DiedError:
            died += 1
    seconds = time.perf_counter() - began
    scene = children.build_scene(path, SceneRequest("u", isosurfaces=(0.5,)))
    works = bool(scene.surfaces) and bool(children.vtk_html(scene, View()))
    gc.collect()
    grown = (own.memory_info().rss - before) / 1e6
    row = seconds_row(f"{RENDERS} renders, {KILLED} killed children", seconds, float("inf"), grown_mb=round(grown, 1))
    return row | {"bar": f"+{GROWN_MB:.0f} MB", "messages": died, "works": works,
                  "holds": grown <= GROWN_MB and works and died <= KILLED}  # fmt: skip
