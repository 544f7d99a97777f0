"""What a visitor of Solution 3D would notice in a real browser without internet."""

import io
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image
from playwright.sync_api import expect

from core import jobs
from core.config import override
from core.presets import resolve
from core.runs import run_folder
from tests.e2e.conftest import LONGEST_MS, settled
from tests.e2e.test_run_in_the_browser import colours

pytestmark = pytest.mark.e2e

SCENE = "[...document.querySelectorAll('.lab-scene')].find(e => e.offsetWidth > 100)"


def trained(preset):
    """A run of a few iterations; it need not be good."""
    from core.execution.execute import execute

    config = resolve(preset)
    short = ["stages.0.warmup.iterations=5", "stages.0.iterations=5", "stages.0.collocation.points=80"]
    stage = f"stages=[{config.stages[0].model_dump_json()}]"
    made = jobs.begin_here(override(config, [stage, "growth=null", *short]))
    execute(run_folder(made), 1)
    return made


@pytest.fixture
def run_id():
    """A run on the unit cube."""
    return trained("poisson3d")


PAINTED = f"""() => {{
  const view = {SCENE}?.view;
  if (!view?.places || view.gl.isContextLost()) return 0;
  view.show();
  const {{ width, height }} = view.canvas, copy = Object.assign(document.createElement("canvas"), {{ width, height }});
  const pen = copy.getContext("2d");
  pen.drawImage(view.canvas, 0, 0);
  const bytes = pen.getImageData(0, 0, copy.width, copy.height).data, found = new Set();
  for (let k = 0; k < bytes.length; k += 4) {{
    const [r, g, b] = bytes.slice(k, k + 3);
    const saturated = bytes[k + 3] > 250 && Math.max(r, g, b) - Math.min(r, g, b) > 60;
    if (saturated) found.add((r >> 3) << 10 | (g >> 3) << 5 | b >> 3);
  }}
  return found.size;
}}"""
"""Distinct saturated colours of the surfaces alone: a screenshot has those of the colour bar too."""


def wait_until(page, condition, what, seconds=180):
    """Like waiting with time.sleep, which would also keep the page's requests and events waiting."""
    for _ in range(4 * seconds):
        if condition():
            return
        page.wait_for_timeout(250)
    raise AssertionError(f"not within {seconds} s: {what}")


def opened(page, server, run_id):
    page.goto(f"{server.url}/solution?run={run_id}")
    settled(page)
    picture = page.locator(".lab-scene:visible").first
    wait_until(page, lambda: picture.count() and page.evaluate(PAINTED) > 3, "the quick view")


def test_vtk_view_keeps_its_camera_while_nothing_it_shows_changes(server, run_id, page):
    opened(page, server, run_id)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_text("VTK view", exact=True).click()
    frame = page.locator("iframe#stpyvistaframe")
    expect(frame).to_be_visible(timeout=LONGEST_MS)
    wait_until(page, lambda: colours(frame.screenshot()) > 20, "the VTK view")
    assert not [url for url in asked if not url.startswith((server.url, "data:", "blob:"))]
    assert any(url.startswith(f"{server.url}/app/static/vtk-viewer.js") for url in asked)  # not in each page anew
    assert "vtkmodules" not in Path(f"/proc/{server.process.pid}/maps").read_text()  # children have that

    loaded = []
    # not the page itself, whose address says what is shown
    page.on("framenavigated", lambda moved: loaded.append(moved.url) if moved.parent_frame else None)
    page.get_by_label("Format").click()
    page.get_by_role("option", name=".vts,").click()
    settled(page)
    page.wait_for_timeout(2000)
    assert loaded == []
    page.get_by_text("slices", exact=True).click()
    wait_until(page, lambda: loaded, "the changed scene")
    marks = "() => performance.getEntriesByType('mark').map((mark) => mark.name).join()"
    inside = page.frame_locator("iframe#stpyvistaframe").locator("html")
    wait_until(page, lambda: inside.evaluate(marks) == "kept before,drawn", "what was there before, then the scene")

    settled(page)
    for kept in (server.home / "runs" / run_id / "solution").iterdir():
        kept.unlink()
    page.get_by_role("button", name="Download for ParaView").click()
    told = page.get_by_text("what was sampled is no longer kept")
    expect(told).to_be_visible(timeout=LONGEST_MS)
    page.get_by_text("float32", exact=True).click()
    settled(page)
    page.wait_for_timeout(1000)
    expect(told).to_be_visible()
    with page.expect_download(timeout=LONGEST_MS):
        page.get_by_role("button", name="Download for ParaView").click()
    page.get_by_text("float32", exact=True).click()
    expect(told).not_to_be_visible(timeout=LONGEST_MS)
    assert f"run={run_id}" in page.url


def test_quick_view_follows_theme_and_width(server, run_id, page):
    opened(page, server, run_id)
    light = page.evaluate(f"() => {SCENE}.view.ink")
    width = page.evaluate(f"() => {SCENE}.view.canvas.width")
    page.set_viewport_size({"width": 1800, "height": 1000})
    wait_until(page, lambda: page.evaluate(f"() => {SCENE}.view.canvas.width") > width + 100, "a wider picture")
    page.emulate_media(color_scheme="dark")
    wait_until(page, lambda: page.evaluate(f"() => {SCENE}.view.ink") != light, "light ink on dark")


def test_a_browser_without_webgl_is_told_so_in_the_views_place(server, run_id, page):
    page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    page.goto(f"{server.url}/solution?run={run_id}")
    told = page.get_by_text("this browser has no WebGL")
    expect(told).to_be_visible(timeout=LONGEST_MS)
    switch = page.get_by_text("Quick view", exact=True).bounding_box()
    assert told.bounding_box()["y"] < switch["y"] + 100  # in the view's place, not below it
    expect(page.get_by_text("relative L2 error")).to_be_visible(timeout=LONGEST_MS)


def test_a_view_is_saved_moved_by_keys_and_comes_again_after_its_context_was_lost(server, run_id, page, tmp_path):
    opened(page, server, run_id)
    for title, size in (("Save as a slide (PNG, 1920 × 1080)", (1920, 1080)), ("Save as a picture (PNG)", None)):
        with page.expect_download(timeout=LONGEST_MS) as kept:
            page.get_by_role("button", name=title, exact=True).click()
        kept.value.save_as(tmp_path / "view.png")
        content = (tmp_path / "view.png").read_bytes()
        assert colours(content) > 20
        assert size is None or size == Image.open(io.BytesIO(content)).size
    begun = page.evaluate(CAMERA)
    page.locator(".lab-scene canvas").first.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("+")
    wait_until(page, lambda: "eye" in asked(page), "the camera in the address")
    assert page.evaluate(CAMERA) != begun
    page.keyboard.press("Home")
    assert page.evaluate(CAMERA) == begun
    page.evaluate(
        f"() => {{ window.lost = {SCENE}.view.gl.getExtension('WEBGL_lose_context'); window.lost.loseContext(); }}"
    )
    page.wait_for_timeout(300)
    page.evaluate("() => window.lost.restoreContext()")
    wait_until(page, lambda: page.evaluate(PAINTED) > 10, "the view again, with slices", 10)


CAMERA = f"() => JSON.stringify({SCENE}.view.cameras)"


def pointed(page, across, down):
    """The pointer rests over a place of the quick view until a value is said there; where it is."""
    box = page.locator(".lab-scene:visible").first.bounding_box()
    x, y = box["x"] + across * box["width"], box["y"] + down * box["height"]
    for step in range(240):
        page.mouse.move(x + step % 2, y)
        page.wait_for_timeout(250)
        if page.locator(".lab-scene .probe").first.is_visible():
            return x, y
    raise AssertionError("nothing is drawn under the pointer")


def pointed_in_vtk(page):
    """The same in the VTK view."""
    box = page.locator("iframe#stpyvistaframe").bounding_box()
    x, y = box["x"] + 0.45 * box["width"], box["y"] + box["height"] / 2
    for step in range(720):
        page.mouse.move(x + step % 2, y)
        page.wait_for_timeout(250)
        if page.frame_locator("iframe#stpyvistaframe").locator("#probe").is_visible():
            return x + step % 2, y
    raise AssertionError("nothing is drawn under the pointer")


TURN = """canvas => { for (let k = 1; k < 9; k++) canvas.dispatchEvent(new PointerEvent("pointermove", {
    pointerId: 1, pointerType: "mouse", buttons: 1, bubbles: true, clientX: 300 + 15 * k, clientY: 300 })); }"""
"""Moves of the mouse at once: those more than 200 ms apart, as they come on a busy machine, turn nothing in VTK."""


def asked(page):
    return parse_qs(urlsplit(page.url).query)


def clicked(page, across, down, name):
    """A click on the quick view, again where it was just drawn anew, until the address has `name`; where it was."""
    for _ in range(10):
        x, y = pointed(page, across, down)
        page.mouse.click(x, y)
        for _ in range(40):
            if name in asked(page):
                return x, y
            page.wait_for_timeout(250)
    raise AssertionError(f"no click has put {name} into the address")


def test_a_view_is_turned_clicked_and_restored_by_its_address(server, run_id, page):
    opened(page, server, run_id)
    page.get_by_text("slices", exact=True).click()
    page.get_by_text("isosurfaces", exact=True).click()
    settled(page)
    begun = page.evaluate(CAMERA)
    x, y = clicked(page, 0.45, 0.5, "at")
    expect(page.get_by_text("At x = ")).to_be_visible(timeout=LONGEST_MS)
    assert len(asked(page)["at"][0].split(",")) == 3 and page.evaluate(CAMERA) == begun

    page.get_by_text("along a line", exact=True).click()
    settled(page)
    for end, across in (("from", 0.42), ("to", 0.52)):
        clicked(page, across, 0.55, end)
        settled(page)

    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 90, y + 30, steps=6)
    page.mouse.up()
    wait_until(page, lambda: "eye" in asked(page), "the camera in the address")
    turned = [float(number) for number in asked(page)["eye"][0].split(",")]

    address = page.url
    page.goto(server.url)
    page.goto(address)
    settled(page)
    wait_until(page, lambda: page.evaluate(f"() => {SCENE}?.dataset.drawn > 0"), "the scene again")
    assert page.evaluate(f"() => {SCENE}.view.cameras[0].eye") == pytest.approx(turned[:3], abs=2e-3)
    expect(page.get_by_label("From: x, y, z")).to_have_value(asked(page)["from"][0])


def test_back_shows_the_run_and_the_view_that_were_there(server, run_id, page):
    trained("poisson2d-quick")  # newer: what the page shows where no address says otherwise
    page.goto(f"{server.url}/solution?run={run_id}&show=slices")
    settled(page)
    page.get_by_role("link", name="Datasets").click()
    expect(page.get_by_role("heading", name="Datasets")).to_be_visible(timeout=LONGEST_MS)
    settled(page)
    page.go_back()
    page.wait_for_selector(".lab-scene[data-drawn]", timeout=LONGEST_MS)
    assert asked(page) == {"run": [run_id], "show": ["slices"]}
    expect(page.get_by_role("slider", name="Slice x")).to_be_visible()
    page.go_forward()
    expect(page.get_by_role("heading", name="Datasets")).to_be_visible(timeout=LONGEST_MS)


@pytest.mark.proof
def test_the_vtk_view_is_clicked_and_turned(server, run_id, page):
    place = "show=slices&further=along+a+line&from=0.1%2C+0.5%2C+0.5&to=0.9%2C+0.5%2C+0.5"
    page.goto(f"{server.url}/solution?renderer=VTK+view&run={run_id}&{place}")
    settled(page)
    frame = page.frame_locator("iframe#stpyvistaframe")
    expect(frame.get_by_role("button", name="Full screen")).to_be_visible(timeout=LONGEST_MS)
    x, y = pointed_in_vtk(page)
    said = frame.locator("#probe").inner_text()
    assert [line.split(" = ")[0] for line in said.splitlines()] == ["x", "y", "z", "u"]
    ends, loaded = {end: asked(page)[end] for end in ("from", "to")}, []
    page.on("framenavigated", lambda moved: loaded.append(moved.url) if moved.parent_frame else None)
    page.mouse.click(x, y)
    wait_until(page, lambda: any(asked(page)[end] != ends[end] for end in ends), "an end of the line, clicked in VTK's")
    wait_until(page, lambda: loaded, "the view with the line")
    x, y = pointed_in_vtk(page)
    page.mouse.down()
    frame.locator("canvas").first.evaluate(TURN)
    page.mouse.up()
    wait_until(page, lambda: "eye" in asked(page), "VTK's camera in the address")


def test_play_shows_one_moment_after_the_other(server, page):
    opened(page, server, f"{trained('taylor-green')}&n-profile=9")
    page.get_by_text("Play", exact=True).click()
    seen = set()
    wait_until(page, lambda: seen.update(asked(page).get("moment", [])) or len(seen) > 2, "three moments")


@pytest.mark.proof
def test_play_turns_no_view_back(server, page):
    opened(page, server, f"{trained('taylor-green')}&n-profile=9")
    begun = page.evaluate(CAMERA)
    page.get_by_text("Play", exact=True).click()
    seen = set()
    wait_until(page, lambda: seen.update(asked(page).get("moment", [])) or len(seen) > 2, "three moments")
    box = page.locator(".lab-scene:visible").first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y - 80, steps=6)
    so_far = len(seen)  # some moments come while it is turned
    wait_until(page, lambda: seen.update(asked(page).get("moment", [])) or len(seen) > so_far + 1, "further moments")
    page.mouse.move(x + 80, y - 60, steps=3)
    page.mouse.up()
    wait_until(page, lambda: "eye" in asked(page), "the camera in the address")
    turned, so_far = page.evaluate(CAMERA), len(seen)
    assert turned != begun
    wait_until(page, lambda: seen.update(asked(page).get("moment", [])) or len(seen) > so_far + 1, "further moments")
    assert page.evaluate(CAMERA) == turned
