"""Pictures of runs, whatever these are called."""

import io
import re
import warnings

import numpy as np
import pytest
from hypothesis import example, given, settings
from matplotlib.text import Text

from core.names import picture_text
from core.reports.curves_export import Line, curves_picture
from core.reports.residual_tracker import draw_residuals
from tests.unit.test_names import HOSTILE, NAMES

X = np.arange(1.0, 5.0)


@settings(deadline=None, max_examples=100)
@given(NAMES)
@example("\\$x\\$")
@example("$\\foo$")
@example("$$")
@example("a$b")
@example("\\")
def test_a_dollar_is_a_dollar(name):
    text, formula = Text(0, 0, picture_text(name))._preprocess_math(picture_text(name))
    assert not formula
    assert text == re.sub("[\ufffe\uffff]", "\ufffd", name)


def test_the_residual_tracker_takes_any_title(tmp_path):
    columns = {"iteration": X, "stage": np.zeros(4), "max_residual": X, "rms_residual": X}
    for k, title in enumerate(("$\\foo$ $x_$: residuals", "\\frac a\nb\x00\x1b \ud800")):
        draw_residuals(columns, title, tmp_path / f"{k}.png")
        assert (tmp_path / f"{k}.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_curves_of_runs_of_any_name(kind):
    several = ["$\\foo$", "_hidden", "a\x00b", *(HOSTILE if kind == "svg" else HOSTILE[:3])]
    lines = [Line("a" * 32, name, "loss", X, X, "#123456") for name in several]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # glyphs that no font here has
        picture = curves_picture(lines, kind, x_title="$\\bad$", y_title="y", log_x=False, log_y=True)
    assert picture
    if kind == "svg":
        from xml.etree import ElementTree

        ElementTree.parse(io.BytesIO(picture))
        assert b"<!-- _hidden -->" in picture
