"""What of a scene the browser's viewer is given."""

import json
from base64 import b64decode

import numpy as np
import pytest

from core.solution.camera import BOX, PRESETS
from core.solution.colormaps import COLORMAPS, palette
from core.solution.lines import Lines
from core.solution.scene import Scene, Triangles
from pages.parts.in_space.component import page_of_scene
from pages.parts.in_space.look import Look
from pages.parts.in_space.packed import KINDS, packed

TYPES = {short: name for name, short in KINDS.items()}


def scene(stretch=1.0, titles=("x", "y", "u"), top=1.0, lines=()):
    faces = np.array([[0, 1, 2]], dtype=np.int32)
    vertices = np.array([[0, 0, 0], [2, 0, 0], [0, 1, top]], dtype=np.float32)
    lit = Triangles(vertices, faces, np.array([0, 0.5, 1], dtype=np.float32))
    flat = Triangles(vertices, faces, lit.intensity, opacity=0.4, shaded=False)
    return Scene((lit, flat), (0, 2, 0, 1, 0, top), titles, stretch, 2, 2, lines)


def given(of, look=None, **more):
    """As a browser gets it."""
    return json.loads(json.dumps(packed(of, look or Look("viridis", (-1, 2), "u"), **more), allow_nan=False))


def numbers(text, *shape):
    return np.frombuffer(b64decode(text[2:]), TYPES[text[:2]]).reshape(*shape)


def on_axes(box, places):
    """Places in the box (n, 3) in the numbers of its axes."""
    lows, highs, sides = (np.array(box[name]) for name in ("lows", "highs", "sides"))
    return lows + (places / sides + 0.5) * (highs - lows)


def test_triangles_reach_the_browser_as_they_are():
    found = given(scene())
    lit, flat = found["surfaces"]
    places = numbers(lit["points"], -1, 3)
    np.testing.assert_allclose(on_axes(found["box"], places), scene().surfaces[0].vertices, atol=1e-6)
    np.testing.assert_array_equal(numbers(lit["faces"], -1, 3), [[0, 1, 2]])
    np.testing.assert_array_equal(numbers(lit["values"], -1), [0, 0.5, 1])
    assert (lit["opacity"], lit["shaded"], flat["opacity"], flat["shaded"]) == (1, True, 0.4, False)
    assert found["limits"] == [-1, 2] and found["bar"] == "right"


def test_the_box_is_as_long_as_its_cameras_take_it_and_heights_have_a_chosen_length():
    found = given(scene(stretch=1e6, top=1e-6))
    sides = np.array(found["box"]["sides"])
    np.testing.assert_allclose(sides, np.array([2, 1, 1]) * BOX / np.sqrt(6))  # 1e-6 × 1e6 is as long as y
    assert found["box"]["highs"][2] == 1e-6
    assert found["heights"] == [False, False, True]  # the value says it already


def test_a_flat_scene_has_a_thin_box_around_its_height():
    found = given(scene(titles=("y", "", ""), top=0.0))
    assert found["box"]["lows"][2] < 0 < found["box"]["highs"][2] and found["box"]["sides"][2] < 0.05
    assert np.isfinite(numbers(found["surfaces"][0]["points"], -1)).all()


def test_lines_come_with_where_they_begin():
    curves = Lines(np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0.5], [2, 1, 1]], np.float32), np.array([0, 2]), None, 1.5)
    (found,) = given(scene(lines=(curves,)))["lines"]
    assert numbers(found["starts"], -1).tolist() == [0, 2] and found["values"] is None and found["width"] == 1.5


def test_where_nothing_is_drawn_the_box_is():
    nothing = Scene((), (0, 2, 0, 1, 0, 1), ("x", "y", "u"), 1.0, 0, 0)
    found = given(nothing)
    assert found["surfaces"] == found["lines"] == [] and found["box"]["highs"] == [2, 1, 1]


def test_more_than_65536_points_are_numbered_in_four_bytes():
    many = np.zeros((70_000, 3), np.float32)
    surface = Triangles(many, np.array([[0, 1, 69_999]], np.int32), many[:, 0])
    found = given(Scene((surface,), (0, 1, 0, 1, 0, 1), ("x", "y", "z"), 1.0, 1, 1))["surfaces"][0]
    assert numbers(found["faces"], -1).tolist() == [0, 1, 69_999]


@pytest.mark.parametrize("name", COLORMAPS)
def test_colours_are_those_of_vtk(name):
    import matplotlib

    theirs = matplotlib.colormaps[name](np.arange(256))[:, :3] * 255
    assert np.abs(palette(name) - theirs).max() <= 4.5


def test_the_page_that_opens_offline_has_all_in_it_and_no_title_ends_its_script():
    title = "</script><!--u"
    page = page_of_scene(packed(scene(titles=(title, "y", "z")), Look("viridis", (0, 1), title)), PRESETS["top"], title,
                         dark=True)  # fmt: skip
    assert page.count("</script>") == 1 and "<!--" not in page and "http" not in page.replace("http://www.w3.org", "")
    assert len(page) < 100_000
