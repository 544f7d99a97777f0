"""Solution 3D in a browser and its files: seconds until a 64³ field is drawn, a slider's answer, a 200³ .vti, memory.

The run is a real one on the unit cube, trained for a few iterations in a home of its own: it need not be good.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from benchmarks.browser import FLAGS, ROOT, chromium, free_port, start_dashboard

POINTS = 64
BARS = {"quick view, cold": 2.5, "quick view, warm": 1.0, "VTK view, cold": 4.0, "VTK view, warm": 1.0,
        "slider to isosurface": 0.4}  # fmt: skip
"""Seconds."""
MOST_MB = {"quick view": 3.0, "VTK view": 6.0}
EXPORT_S, EXPORT_GB, SIDE = 60.0, 2.0, 200
RENDERS, KILLED, GROWN_MB = 1000, 50, 100.0
TRAINED = ("poisson3d", "--set", "stages.0.warmup.iterations=5", "--set", "stages.0.iterations=5",
           "--set", "stages.1.fourier.features=300", "--set", "stages.1.iterations=2")  # fmt: skip
DRAWN = """() => [...document.querySelectorAll('.js-plotly-plot')].some(e => e.offsetWidth > 100 && e._fullLayout
  && e._fullLayout.scene && e._fullLayout.scene._scene && e._fullData.some(d => d.type === 'mesh3d' && d.x.length))"""


def rows() -> Iterator[dict[str, object]]:
    """One row a measure: seconds or megabytes, the bar, and whether it holds."""
    with tempfile.TemporaryDirectory() as name:
        os.environ["LAB_HOME"] = str(Path(name) / "home")
        subprocess.run([sys.executable, "-m", "core", "train", *TRAINED], cwd=ROOT, check=True, capture_output=True)
        run_id = next((Path(name) / "home" / "runs").iterdir()).name
        yield from _in_the_browser(run_id)
        yield from _exported(run_id, Path(name))
        yield from _many_renders(run_id)


def _row(what: str, seconds: float, bar: float, **more: object) -> dict[str, object]:
    return {"what": what, "seconds": round(seconds, 2), "bar": bar, "holds": seconds <= bar} | more


def _payload(view: str, size: int) -> dict[str, object]:
    return {"what": f"payload of the {view}", "mb": round(size / 1e6, 2), "bar": MOST_MB[view],
            "holds": size <= 1e6 * MOST_MB[view]}  # fmt: skip


def _in_the_browser(run_id: str) -> Iterator[dict[str, object]]:
    from playwright.sync_api import sync_playwright

    port = free_port()
    server, _ = start_dashboard(port)
    address = f"http://127.0.0.1:{port}/solution?run={run_id}&n-profile={POINTS}"
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
            for warmth in ("cold", "warm"):
                page = browser.new_page(viewport={"width": 1400, "height": 1000})
                came = [0]
                page.on("websocket", lambda socket, came=came: socket.on(
                    "framereceived", lambda data, came=came: came.__setitem__(0, came[0] + len(data))))  # fmt: skip
                began = time.perf_counter()
                page.goto(address, wait_until="commit", timeout=300_000)
                page.wait_for_function(DRAWN, timeout=300_000)
                yield _row(f"quick view, {warmth}", time.perf_counter() - began, BARS[f"quick view, {warmth}"])
                yield _payload("quick view", came[0])
                began = time.perf_counter()
                page.get_by_text("VTK view", exact=True).click(timeout=300_000)
                frame = page.locator("iframe#stpyvistaframe")
                frame.wait_for(timeout=300_000)
                frame.content_frame.locator("canvas").first.wait_for(timeout=300_000)
                yield _row(f"VTK view, {warmth}", time.perf_counter() - began, BARS[f"VTK view, {warmth}"])
                yield _payload("VTK view", frame.evaluate("frame => frame.srcdoc.length"))
                page.get_by_text("Quick view", exact=True).click()
                page.wait_for_function(DRAWN, timeout=300_000)
                if warmth == "warm":
                    yield _slider(page)
                page.close()
            browser.close()
    finally:
        server.kill()
        server.wait()


def _slider(page) -> dict[str, object]:
    """An arrow key on the isosurfaces' slider until another surface is drawn, the camera where it was."""
    state = """() => {
      const e = [...document.querySelectorAll('.js-plotly-plot')].find(e => e._fullLayout.scene);
      return [e._fullData.map(d => d.x.length).join(), JSON.stringify(e._fullLayout.scene.camera)]; }"""
    surfaces, camera = page.evaluate(state)
    page.get_by_role("slider", name="Isosurfaces").first.focus()
    began = time.perf_counter()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"before => ({state})()[0] !== before", arg=surfaces, timeout=120_000)
    seconds = time.perf_counter() - began
    kept = page.evaluate(state)[1] == camera
    row = _row("slider to isosurface", seconds, BARS["slider to isosurface"], camera_kept=kept)
    return row | {"holds": row["holds"] and kept}


def _exported(run_id: str, folder: Path) -> Iterator[dict[str, object]]:
    """200³ points sampled and written, by the command; read by VTK and by pyvista, the same numbers."""
    path = folder / "field.vti"
    command = [sys.executable, "-m", "core", "export", run_id, "-o", str(path), "--resolution", str(SIDE)]
    began = time.perf_counter()
    process = psutil.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    most = 0
    while process.poll() is None:
        try:
            most = max(most, process.memory_info().rss)
        except psutil.Error:
            break
        time.sleep(0.2)
    process.wait()
    seconds = time.perf_counter() - began
    row = _row(f"{SIDE}³ as .vti", seconds, EXPORT_S, memory_gb=round(most / 1e9, 2), file_gb=path.stat().st_size / 1e9)
    same = _same_numbers(path)
    yield row | {"same_numbers": same, "holds": row["holds"] and most <= EXPORT_GB * 1e9 and same}


def _same_numbers(path: Path) -> bool:
    """Whether VTK's reader and pyvista have the same values of u, and those of a wall are zero."""
    import numpy as np
    import pyvista
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkIOXML import vtkXMLImageDataReader

    reader = vtkXMLImageDataReader()
    reader.SetFileName(str(path))
    reader.Update()
    by_vtk = vtk_to_numpy(reader.GetOutput().GetPointData().GetArray("u"))
    by_pyvista = pyvista.read(path).point_data["u"]
    wall = by_vtk.reshape((SIDE, SIDE, SIDE), order="F")[0]
    return np.array_equal(by_vtk, by_pyvista) and not wall.any()


def _many_renders(run_id: str) -> Iterator[dict[str, object]]:
    """Scenes built again and again as the server builds them, its children killed now and then."""
    from core.runs import run_folder
    from core.solution import children
    from core.solution.drawing import SceneRequest

    path = children.sampled_file(run_folder(run_id), 33)
    own = psutil.Process()
    children.build_scene(path, SceneRequest("u"))
    gc.collect()
    before, died = own.memory_info().rss, 0
    for k in range(RENDERS):
        if k % (RENDERS // KILLED) == RENDERS // KILLED - 1:
            for child in own.children():
                child.kill()
        try:
            children.build_scene(path, SceneRequest("u", isosurfaces=(0.1 + 0.8 * k / RENDERS,)))
        except children.DiedError:
            died += 1
    works = bool(children.build_scene(path, SceneRequest("u", isosurfaces=(0.5,))).surfaces)
    gc.collect()
    grown = (own.memory_info().rss - before) / 1e6
    yield {"what": f"{RENDERS} renders, {KILLED} killed children", "grown_mb": round(grown, 1), "bar": GROWN_MB,
           "messages": died, "works": works, "holds": grown <= GROWN_MB and works}  # fmt: skip
