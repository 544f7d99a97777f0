"""Two runs side by side: their difference at the same points, said where there is none, drawn from one place."""

import numpy as np
import pytest

from core.errors import LabError
from core.solution.difference import difference, difference_file, largest, request_for
from core.solution.drawing import SceneRequest
from core.solution.grid import SolutionGrid
from core.solution.on_mesh import read_sampled
from pages.parts.in_space.look import Look
from pages.parts.in_space.packed import packed


def grid(shift=0.0, n=12, names=("u",)):
    axes = (np.linspace(0, 1, n), np.linspace(0, 2, n + 1))
    x, y = np.meshgrid(*axes, indexing="ij")
    return SolutionGrid(("x", "y"), axes, {name: x * y + shift * x for name in names}, about={"run_id": f"{shift}"})


def test_a_difference_is_first_less_second_and_says_whose(tmp_path):
    found = difference(grid(0.5), grid(), "u")
    np.testing.assert_allclose(found.values["u"], 0.5 * np.meshgrid(*found.axes, indexing="ij")[0], atol=1e-15)
    assert (found.about["run_id"], found.about["less_run_id"]) == ("0.5", "0.0")
    assert largest(found, "u") == 0.5 and largest(difference(grid(), grid(), "u"), "u") == 0
    for name, sample in (("a", grid(0.5)), ("b", grid())):
        sample.save(tmp_path / f"{name}-9.npz")
    path = difference_file(tmp_path / "a-9.npz", tmp_path / "b-9.npz", "u")
    np.testing.assert_array_equal(read_sampled(path).values["u"], found.values["u"])
    assert difference_file(tmp_path / "b-9.npz", tmp_path / "a-9.npz", "u") != path


@pytest.mark.parametrize("other, told", [(grid(n=13), "other points"), (grid(names=("v",)), "no value 'u'")])
def test_what_can_not_be_compared_is_refused(other, told):
    with pytest.raises(LabError, match=told):
        difference(grid(), other, "u")


def test_scenes_side_by_side_have_colours_of_their_own():
    from core.solution.scene import scene_of

    sample, look = grid(0.5), Look("viridis", (0, 2), "u")
    less = difference(sample, grid(), "u")
    around = Look("coolwarm", (-0.5, 0.5), "difference")
    first = packed(scene_of(sample, SceneRequest("u")), look, "<b>first", "below")
    third = packed(scene_of(less, request_for(SceneRequest("u"), "u", 0.5)), around, "less", "below")
    assert first["name"] == "<b>first" and first["bar"] == "below"
    assert (first["limits"], third["limits"]) == ([0, 2], [-0.5, 0.5]) and first["palette"] != third["palette"]
    assert request_for(SceneRequest("u", isosurfaces=(1.0,)), "u", 4.0).isosurfaces == (-2.0, 2.0)
