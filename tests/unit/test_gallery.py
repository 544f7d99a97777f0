"""What the gallery of typed equations shows of each: a picture of its solution, its time, its measured error."""

import numpy as np
import pytest
from PIL import Image

from core.presets import presets, resolve
from docs.gallery import HEIGHT, WIDTH, drawn

TYPED = [name for name in presets() if name.startswith("typed-")]


@pytest.mark.parametrize("name", TYPED)
def test_each_typed_equation_has_its_picture_and_its_figures(name):
    preset = presets()[name]
    with Image.open(preset.picture) as picture:
        assert (picture.format, picture.size) == ("WEBP", (WIDTH, HEIGHT))
        assert np.asarray(picture.convert("RGB")).std() > 5
    assert preset.picture.stat().st_size < 60_000
    assert 0 < preset.relative_l2 < 0.1
    assert preset.expected_seconds > 0


def test_nothing_is_drawn_where_the_domain_is_not():
    problem = resolve("typed-lshape").problem
    image = np.asarray(drawn(problem, lambda points: points[:, 0]))
    assert image.shape == (HEIGHT, WIDTH, 4)
    middle = image[:, WIDTH // 2 - HEIGHT // 2 : WIDTH // 2 + HEIGHT // 2, 3]
    assert 0.2 < np.mean(middle == 0) < 0.3  # the quarter that is cut out
    assert not image[:, 0, 3].any()  # a square in a wide picture


def test_time_goes_up_and_space_to_the_right():
    problem = resolve("typed-wave").problem
    image = np.asarray(drawn(problem, lambda points: points[:, list(problem.coordinates).index("t")])).astype(int)
    assert (image[..., 3] == 255).all()
    assert image[0, 0, 1] > image[-1, 0, 1] + 100  # viridis is bright where time is late
    assert (image[0, 0] == image[0, -1]).all()
