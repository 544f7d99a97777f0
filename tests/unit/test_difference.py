"""Two runs side by side: their difference at the same points, said where there is none, drawn from one place."""

from itertools import pairwise

import numpy as np
import pytest

from core.errors import LabError
from core.solution.difference import difference, difference_file, largest, request_for
from core.solution.drawing import SceneRequest
from core.solution.grid import SolutionGrid
from core.solution.on_mesh import read_sampled
from pages.parts.solution.beside import _figure
from pages.parts.solution.scene import Look


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


def test_all_scenes_stand_side_by_side_with_colours_of_their_own(tmp_path, monkeypatch):
    from core.solution.scene import build_scene

    monkeypatch.setattr("pages.parts.solution.beside.built_scene", build_scene)
    paths = []
    for name, sample in (("a", grid(0.5)), ("b", grid()), ("c", difference(grid(0.5), grid(), "u"))):
        paths.append(tmp_path / f"{name}.npz")
        sample.save(paths[-1])
    request, look = SceneRequest("u"), Look("viridis", (0, 2), "u")
    drawn = [("<b>first", paths[0], request, look), ("second", paths[1], request, look)]
    drawn.append(("less", paths[2], request_for(request, "u", 0.5), Look("coolwarm", (-0.5, 0.5), "difference")))
    figure = _figure(drawn, "r")
    assert [trace.scene for trace in figure.data] == ["scene", "scene2", "scene3"]
    ends = [figure.layout[f"scene{k}"].domain.x for k in ("", 2, 3)]
    assert all(a[1] < b[0] for a, b in pairwise(ends))
    assert figure.data[2].cmin == -0.5 and figure.data[0].cmax == 2
    assert request_for(SceneRequest("u", isosurfaces=(1.0,)), "u", 4.0).isosurfaces == (-2.0, 2.0)
