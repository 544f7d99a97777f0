"""Reports: what is in them, and that no text of a run becomes markup."""

import base64
import json
import re

import numpy as np
import pytest

from core.reports.blocks import Chart, Code, Field, Folded, Formula, Line, Report, Section, Table, Words
from core.reports.formulas import mathml
from core.reports.html import html_bytes
from core.reports.plotly_figure import plotly_figure

EVIL = "</script><img src=x onerror=alert(1)> & \"quoted\" 'x' \u202e %{x} <b>bold</b> $x$ `code` |\\"


def report(text=EVIL):
    """A report in which every text is what a hostile visitor would type."""
    line = Line(text, np.arange(3.0), np.array([1.0, np.nan, 2.0]), "#000000")
    chart = Chart(text, (line,), text, text, marks=((1.0, text),), level=(1.5, text), note=text)
    field = Field(text, np.arange(3.0), np.arange(2.0), np.ones((2, 3)), text, text, note=text)
    blocks = (
        Words(text), Words(text, "warning"), Formula(rf"\text{{{text}}}"), Code(text, text),
        Table((text, ""), ((text, text),)), chart, field, Folded(text, (Code(text),)),
    )  # fmt: skip
    return Report(text, text, (Section(text, blocks), Section(text, blocks, 2)), text, lab=text)


def test_no_text_becomes_markup_in_html():
    html = html_bytes(report()).decode()
    shown = re.sub(r'<script type="text/plain" id="plotly">.*?</script>', "", html, flags=re.DOTALL)
    assert "<img src=x" not in shown
    assert "<b>bold" not in shown
    assert (
        len(re.findall(r"<script\b", shown)) == len(re.findall(r"</script>", shown)) == 5
    )  # four figures, one program
    for data in re.findall(r'<script type="application/json">(.*?)</script>', shown, re.DOTALL):
        assert json.loads(data)["data"]


def test_plotly_reads_no_markup_in_a_figures_texts():
    texts = json.dumps([plotly_figure(figure) for figure in report().figures()])
    assert "<b>" not in texts
    assert "<img" not in texts
    assert "%{x}" not in texts


def test_a_formula_is_set_or_shown_as_it_is_written():
    assert "<mfrac>" in mathml(r"u_t = \frac{a}{b} < 3")
    assert "&lt;" in mathml(r"x < 3")
    for hostile in (
        r"\href{javascript:alert(1)}{x}",
        r"\text{<script>alert(1)</script>}",
        r"\text{<b>x</b>}",
        r"\nothing{",
    ):
        assert mathml(hostile) is None or "<script" not in mathml(hostile)
    assert mathml(r"\href{javascript:alert(1)}{x}") is None
    assert mathml(r"\text{<b>x</b>}") is None


@pytest.mark.parametrize("points", [1, 2, 500])
def test_arrays_of_a_figure_are_the_numbers_to_the_bit(points):
    y = np.random.default_rng(0).normal(size=points)
    y[0] = np.nan
    chart = Chart("", (Line("a", np.arange(points, dtype=float), y, "#000000"),), "x", "y")
    found = plotly_figure(chart)["data"][0]["y"]
    read = np.frombuffer(base64.b64decode(found["bdata"]), dtype="<" + found["dtype"])
    np.testing.assert_array_equal(read, y)
