"""A run from the form to a VTK file, with the server killed on the way."""

import io
import json
import re
import struct
import time
from pathlib import Path

import meshio
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkIOLegacy import vtkUnstructuredGridReader
from vtkmodules.vtkIOXML import vtkXMLUnstructuredGridReader

from core import jobs
from core.runs import run_folder
from core.solution.evaluate import load_solution
from tests.e2e.conftest import settled

pytestmark = pytest.mark.e2e


def drawn_points(page: Page) -> int:
    """Points of the first curve of the residual chart."""
    return page.evaluate(
        "() => { const c = [...document.querySelectorAll('.js-plotly-plot')].find(e => e.offsetWidth > 100);"
        " return c && c._fullData && c._fullData.length ? c._fullData[0].x.length : 0; }"
    )


def x_range(page: Page) -> list[float]:
    return page.evaluate(
        "() => [...document.querySelectorAll('.js-plotly-plot')].find(e => e.offsetWidth > 100)._fullLayout.xaxis.range"
    )


def drag(page: Page, element, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag the mouse between two places of an element, given as fractions of its size."""
    box = element.bounding_box()
    points = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in (start, end)]
    page.mouse.move(*points[0])
    page.mouse.down()
    page.mouse.move(*points[1], steps=8)
    page.mouse.up()
    page.wait_for_timeout(500)


def colours(png: bytes) -> int:
    """Distinct saturated colours in a picture: a drawn field has hundreds, an empty frame none."""
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), dtype=int).reshape(-1, 3)
    saturated = pixels[pixels.max(1) - pixels.min(1) > 60]
    return len(np.unique(saturated // 8, axis=0))


def wait_until(condition, seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.3)
    raise AssertionError(f"not within {seconds} s: {what}")


def messages(page: Page) -> list[int]:
    """Grows by one with each message of Streamlit from now on."""
    heard: list[int] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda data: heard.append(1)))
    return heard


def grow(page: Page, what: str = "a growing curve") -> None:
    """Wait until the residual has more points."""
    before = drawn_points(page)
    wait_until(lambda: drawn_points(page) > before, 30, what)


def grew_in_silence(page: Page, heard: list[int]) -> bool:
    """Whether the curve grew twice without a word of Streamlit, which would be a run of the page's script."""
    said = len(heard)
    grow(page)
    grow(page)
    return len(heard) == said


def test_from_the_form_to_paraview(server, page, tmp_path):
    heard = messages(page)
    page.goto(server.url)
    settled(page)

    # an empty lab offers a tour once
    expect(page.get_by_role("button", name="Start the tour")).to_be_visible()
    page.get_by_role("button", name="No, thanks").click()
    expect(page.get_by_role("button", name="Start the tour")).to_have_count(0)
    wait_until(lambda: "tour: false" in (server.home / "settings.yaml").read_text(), 10, "settings that remember it")

    # a value that is not allowed is refused beside its field, and the button is off
    preset = page.get_by_text("Poisson 2D, two stages")
    expect(preset).to_have_count(1)  # the old list and the new one stand side by side for a moment
    preset.click()
    expect(page.get_by_role("tab", name="Stage 2")).to_be_visible()
    iterations = page.get_by_role("spinbutton", name="Iterations", exact=True).first
    iterations.fill("-3")
    iterations.press("Enter")
    expect(page.get_by_text("-3 is not allowed").first).to_be_visible()
    expect(page.get_by_role("button", name="Launch")).to_be_disabled()

    # long enough to be watched: no early end, many iterations
    iterations = page.get_by_role("spinbutton", name="Iterations", exact=True).first
    iterations.fill("400")
    iterations.press("Enter")
    expect(page.get_by_role("button", name="Launch")).to_be_enabled()
    shown_hash = page.locator('[data-testid="stCode"]').first.inner_text().strip()
    page.get_by_role("button", name="Launch").click()
    page.wait_for_url("**/watch?run=*")
    run_id = re.search(r"run=([0-9a-f]{32})", page.url).group(1)
    config = json.loads((server.home / "runs" / run_id / "config.json").read_text())
    assert config["stages"][0]["iterations"] == 400
    assert jobs.status(run_id).config_hash.startswith(shown_hash)

    # the curve moves while it trains, and keeps the visitor's zoom
    wait_until(lambda: drawn_points(page) > 20, 60, "a first curve")
    assert any(grew_in_silence(page, heard) for _ in range(8)), "each new point ran the page's script"
    assert len(heard) > 50  # it does speak
    drag(page, page.locator(".js-plotly-plot:visible").first, (0.3, 0.4), (0.6, 0.6))
    zoomed = x_range(page)
    grow(page, "a growing curve after zooming")
    assert x_range(page) == zoomed

    # reload, then kill the server: the run belongs to neither
    page.reload()
    settled(page)
    wait_until(lambda: drawn_points(page) > 20, 60, "the curve after a reload")
    pid = jobs.status(run_id).pid
    server.kill()
    time.sleep(2)
    assert jobs.status(run_id).state == "running"
    assert jobs.status(run_id).pid == pid
    server.start()
    page.goto(f"{server.url}/watch?run={run_id}")
    settled(page)
    wait_until(lambda: jobs.status(run_id).state != "running", 240, "the end of the run")
    assert jobs.status(run_id).state == "finished"
    expect(page.get_by_role("heading", name="finished")).to_be_visible()
    slide(page, tmp_path)
    present(server, page, run_id)
    look_and_download(server, page, run_id, tmp_path)


def slide(page: Page, tmp_path: Path) -> None:
    """One click on a chart of Watch saves it as large as a slide."""
    page.locator(".lab-residual .js-plotly-plot").hover()
    with page.expect_download() as download:
        page.locator(".lab-residual [data-title*='slide']").click()
    download.value.save_as(tmp_path / "slide.png")
    data = (tmp_path / "slide.png").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", data[16:24]) == (1920, 1080)


def present(server, page: Page, run_id: str) -> None:
    """Name, curve and solution fill the window, and nothing else is there."""
    page.goto(f"{server.url}/present?run={run_id}")
    expect(page.get_by_role("heading", name="finished")).to_be_visible()
    wait_until(
        lambda: page.locator(".js-plotly-plot:visible, .lab-scene[data-drawn]").count() == 2, 60, "curve and solution"
    )
    expect(page.get_by_role("link", name="Compare")).to_be_hidden()
    expect(page.locator("button:visible, input:visible, select:visible")).to_have_count(0)
    main = page.get_by_test_id("stMain")
    assert main.evaluate("(element) => element.scrollHeight <= element.clientHeight + 1"), "it scrolls"


def look_and_download(server, page: Page, run_id: str, tmp_path: Path) -> None:
    """Both renderers, offline; then the file, read back by two readers."""
    page.goto(f"{server.url}/solution?run={run_id}")
    settled(page)
    expect(page.get_by_text("Page not found")).to_have_count(0)
    picture = page.locator(".lab-scene:visible").first
    wait_until(lambda: picture.count() and colours(picture.screenshot()) > 100, 60, "the quick view")
    eye = "() => document.querySelector('.lab-scene').view.cameras[0].eye"
    before = page.evaluate(eye)
    drag(page, picture, (0.5, 0.5), (0.65, 0.65))
    turned = page.evaluate(eye)
    assert abs(turned[2] - before[2]) > 0.3
    page.get_by_role("slider", name="Height").press("ArrowRight")
    settled(page)
    page.wait_for_timeout(1000)
    assert page.evaluate(eye) == turned
    page.get_by_text("VTK view", exact=True).click()
    frame = page.locator("iframe#stpyvistaframe")
    expect(frame).to_be_visible(timeout=60_000)
    wait_until(lambda: colours(frame.screenshot()) > 100, 60, "the VTK view")
    assert page.get_by_text("not available").count() == 0

    for suffix in ("vtu", "vtk"):
        page.get_by_label("Format").click()
        page.get_by_role("option", name=f".{suffix},").click()
        page.wait_for_timeout(1000)
        settled(page)
        with page.expect_download() as download:
            page.get_by_role("button", name="Download for ParaView").click()
        path = tmp_path / download.value.suggested_filename
        download.value.save_as(path)
        check_file(path, run_id)


def check_file(path: Path, run_id: str) -> None:
    mesh = meshio.read(path)
    reader = vtkXMLUnstructuredGridReader() if path.suffix == ".vtu" else vtkUnstructuredGridReader()
    reader.SetFileName(str(path))
    if path.suffix == ".vtk":
        reader.ReadAllScalarsOn()
        reader.ReadAllFieldsOn()
    reader.Update()
    by_vtk = reader.GetOutput()
    assert by_vtk.GetNumberOfPoints() == len(mesh.points) == 129**2
    np.testing.assert_array_equal(vtk_to_numpy(by_vtk.GetPoints().GetData()), mesh.points)
    expected = load_solution(run_folder(run_id)).evaluate(mesh.points[:, :2])
    assert {"u", "u_exact", "u_error", "residual_poisson"} <= set(mesh.point_data)
    for name, values in expected.items():
        np.testing.assert_allclose(mesh.point_data[name].ravel(), values, rtol=0, atol=1e-13)
        np.testing.assert_array_equal(vtk_to_numpy(by_vtk.GetPointData().GetArray(name)), mesh.point_data[name].ravel())
    exact = np.sin(np.pi * mesh.points[:, 0]) * np.sin(np.pi * mesh.points[:, 1])
    assert np.abs(mesh.point_data["u"].ravel() - exact).max() < 1e-4
