"""The viewer's arithmetic, run by node: numbers at rulers, cameras, rays."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from core.solution.camera import PRESETS, read_camera

SCRIPTS = Path(__file__).parents[2] / "pages" / "parts" / "in_space"
NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="there is no node on the PATH; `make node` installs one")


def run(*names, then):
    """What a script says as JSON after some of the viewer's."""
    text = "".join((SCRIPTS / f"{name}.js").read_text(encoding="utf-8") for name in names)
    done = subprocess.run([NODE, "-e", f"{text}\nconsole.log(JSON.stringify({then}))"], capture_output=True, text=True,
                          check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


RULERS = {
    (0, 1): ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"],
    (-7e-5, 7e-5): ["−5×10⁻⁵", "0", "5×10⁻⁵"],
    (0.2, 1.3e12): ["2×10¹¹", "4×10¹¹", "6×10¹¹", "8×10¹¹", "10×10¹¹", "12×10¹¹"],
    (-1.5, 1.5): ["−1.5", "−1.0", "−0.5", "0.0", "0.5", "1.0", "1.5"],
    (0, 3000): ["0", "500", "1000", "1500", "2000", "2500", "3000"],
    (1 - 1e-9, 1 + 1e-9): ["0.9999999990", "0.9999999995", "1.0000000000", "1.0000000005", "1.0000000010"],
    (0, 1e-300): ["0", "2×10⁻³⁰¹", "4×10⁻³⁰¹", "6×10⁻³⁰¹", "8×10⁻³⁰¹", "10×10⁻³⁰¹"],
}


def test_numbers_at_a_ruler_are_round_told_apart_and_short():
    found = run("ruler", then=f"{json.dumps(list(RULERS))}.map(([low, high]) => ticks(low, high, 6))")
    for (low, high), ticks in zip(RULERS, found, strict=True):
        labels = [text for _, text in ticks]
        assert len(set(labels)) == len(labels) > 1
        assert all(low - 1e-9 * (high - low) <= number <= high + 1e-9 * (high - low) for number, _ in ticks)
        values = [float(text.replace("−", "-").partition("×")[0]) for text in labels]
        assert values == sorted(values)


@pytest.mark.parametrize("ends", ["1, 1", "2, 1", "0, Infinity", "NaN, 1"])
def test_a_ruler_without_a_length_has_no_numbers(ends):
    assert run("ruler", then=f"ticks({ends}, 6)") == []


def test_what_is_drawn_at_a_place_is_what_the_pointer_meets_there():
    then = """(() => {
      const camera = { eye: [1.45, -1.45, 1], center: [0, 0, -0.07], up: [0, 0, 1] }, aspect = 1.7;
      const surface = { points: [-0.4, 0.1, -0.2, 0.5, 0, 0.3, 0.1, 0.45, 0.2], faces: [0, 1, 2], values: [1, 2, 4] };
      const middle = [0, 1, 2].map((k) => (surface.points[k] + surface.points[3 + k] + surface.points[6 + k]) / 3);
      const [x, y] = projected(matrixOf(camera, aspect), middle);
      return [middle, nearest(rayThrough(camera, aspect, x, y), [surface]),
              nearest(rayThrough(camera, aspect, 0.95, 0.95), [surface])];
    })()"""
    middle, met, beside = run("camera", then=then)
    assert met["place"] == pytest.approx(middle, abs=1e-6) and met["value"] == pytest.approx(7 / 3, abs=1e-6)
    assert beside is None


@pytest.mark.parametrize("name", PRESETS)
def test_turning_never_passes_the_pole_and_an_address_says_every_camera(name):
    numbers = PRESETS[name].text.split(",")
    then = f"""(() => {{
      let camera = cameraOf([{",".join(numbers)}]), seen = [];
      for (let k = 0; k < 60; k++) {{ camera = turned(camera, 0.3, 0.2); seen.push(camera); }}
      camera = neared(moved(camera, 0.2, -0.1), 0.02);
      for (let k = 0; k < 60; k++) {{ camera = turned(camera, -0.3, -0.2); seen.push(camera); }}
      return seen.map(({{ eye, center, up }}) => [...eye, ...center, ...up].map((n) => Number(n.toPrecision(6))));
    }})()"""
    seen = run("camera", then=then)
    for camera in seen:
        read_camera(",".join(map(str, camera)))
    assert seen[59][2] > 0 > seen[-1][2]


def test_an_address_that_is_no_camera_is_none():
    bad = "[[1,2,3],[NaN,0,1,0,0,0,0,0,1],[0,0,0,0,0,0,0,0,1],[0,0,2,0,0,0,0,0,1]]"
    assert run("camera", then=f"{bad}.map(cameraOf)") == [None] * 4
