"""Reports: what is in them, and that no text of a run becomes markup in any format."""

import ast
import base64
import io
import json
import re
import time
from datetime import UTC, datetime

import nbformat
import numpy as np
import pytest
from markdown_it import MarkdownIt
from PIL import Image

from core.config import override
from core.equations.latex_system import latex_of_system
from core.equations.typed_system import SystemText
from core.errors import LabError
from core.home import home
from core.presets import presets, resolve
from core.reports import logo as logos
from core.reports.blocks import Chart, Code, Field, Folded, Formula, Line, Logo, Recipe, Report, Section, Table, Words
from core.reports.curve_charts import Thinner, run_charts
from core.reports.formulas import formula_svg, mathml
from core.reports.html import html_bytes
from core.reports.making import report_bytes
from core.reports.markdown import markdown, plain
from core.reports.meeting import since
from core.reports.notebook import notebook_bytes
from core.reports.pdf import pdf_bytes
from core.reports.plotly_figure import plotly_figure
from core.reports.result_blocks import why_no_error
from core.reports.run_sections import not_default
from core.runs.curves import RunCurves
from core.runs.history import HistoryWriter

EVIL = (
    "</script><img src=x onerror=alert(1)> & \"quoted\" 'x' \u202e %{x} <b>bold</b> $x$ `code` | \\ ![p](http://a.b/c) "
    '[l](javascript:alert(1)) #import "x.typ" """ # %run evil\n!ls\n# heading\n- item {{x}} '
    "https://a.example/ www.a.example"
)


def report(text=EVIL, twice=True):
    """A report in which every text is what a hostile visitor would type."""
    line = Line(text, np.arange(3.0), np.array([1.0, np.nan, 2.0]), "#000000")
    marks, level = ((1.0, text),), (1.5, text)
    own = Chart(text, (line,), text, text, marks=marks, level=level, note=text)
    stored = Chart(text, (line,), text, text, recipe=Recipe(((32 * "a", text, text),)))
    field = Field(text, np.arange(3.0), np.arange(2.0), np.ones((2, 3)), text, text, note=text, value=text)
    blocks = (
        Words(text), Words(text, "warning"), Formula(rf"\text{{{text}}}"), Code(text, text),
        Table((text, ""), ((text, text),)), own, stored, field, Folded(text, (Code(text),)),
    )  # fmt: skip
    sections = (Section(text, blocks), Section(text, blocks, 2)) if twice else (Section(text, blocks),)
    return Report(text, text, sections, text, lab=text)


def test_no_text_becomes_markup_in_html():
    html = html_bytes(report()).decode()
    shown = re.sub(r'<script type="text/plain" id="plotly">.*?</script>', "", html, flags=re.DOTALL)
    assert "<img src=x" not in shown
    assert "<b>bold" not in shown
    assert len(re.findall(r"<script\b", shown)) == len(re.findall(r"</script>", shown)) == 7
    for data in re.findall(r'<script type="application/json">(.*?)</script>', shown, re.DOTALL):
        assert json.loads(data)["data"]


def test_plotly_reads_no_markup_in_a_figures_texts():
    texts = json.dumps([plotly_figure(figure) for figure in report().figures()])
    assert "<b>" not in texts
    assert "<img" not in texts
    assert "%{x}" not in texts


def test_no_text_becomes_markup_in_markdown():
    text, pictures = markdown(report(twice=False), "report_files")
    tokens = MarkdownIt("gfm-like", {"html": True, "linkify": False}).parse(text)
    inner = [token for block in tokens for token in (block, *(block.children or ()))]
    assert not [token for token in inner if token.type in ("html_inline", "html_block", "link_open")]
    images = [token.attrs["src"] for token in inner if token.type == "image"]
    assert images == list(pictures)
    headings = [token for token in tokens if token.type == "heading_open"]
    assert len(headings) == 2  # the title and the section


@pytest.mark.parametrize(
    "text", ["- item", "+ item", "1. item", "2) item", "=====", "# heading", "> quote", "-1.5e-3", "7.1e-15"]
)
def test_a_line_begins_nothing_but_itself(text):
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(plain(text))
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    assert tokens[1].children[0].content.replace("\u200b", "") == text or len(tokens[1].children) > 1
    assert plain("7.1e-15") == "7.1e-15"


def test_no_text_becomes_code_in_a_notebook():
    notebook = nbformat.reads(notebook_bytes(report()).decode(), 4)
    nbformat.validate(notebook)
    for cell in (cell for cell in notebook.cells if cell.cell_type == "code"):
        lines = [line for line in cell.source.splitlines() if line != "%matplotlib inline"]
        assert not [line for line in lines if line.lstrip().startswith(("%", "!"))]
        tree = ast.parse("\n".join(lines))
        called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and hasattr(node.func, "id")}
        assert called <= {"draw", "sample", "run_folder", "run_curves", "curve", "bucket", "recorded", "len"}


def test_no_text_is_read_by_the_pdfs_template():
    assert pdf_bytes(report(twice=False)).startswith(b"%PDF")  # what is no Typst would not compile


def test_a_formula_is_set_or_shown_as_it_is_written():
    assert "<mfrac>" in mathml(r"u_t = \frac{a}{b} < 3")
    assert "&lt;" in mathml(r"x < 3")
    assert formula_svg(r"u_t = \frac{a}{b}").startswith("<svg")
    assert mathml(r"\href{javascript:alert(1)}{x}") is None
    assert "<mtext>&lt;b&gt;x&lt;/b&gt;</mtext>" in mathml(r"\text{<b>x</b>}")
    for broken in (r"\text{<script>alert(1)</script>}", r"\nothing{", r"\begin{aligned} x"):
        assert mathml(broken) is None or "<script" not in mathml(broken)


def test_the_equations_of_all_presets_are_set_for_the_browser_and_for_paper():
    for name in presets():
        equation = resolve(name).problem.equation
        assert (mathml(equation) or "").startswith("<math"), equation
        assert "&amp;" not in mathml(equation)
    for name in ("beltrami", "typed-advection", "typed-darcy-inverse"):  # of paths, which takes ten times as long
        assert (formula_svg(resolve(name).problem.equation) or "").startswith("<svg"), name
    rows = mathml(resolve("typed-heat").problem.equation).count("<mtr>")
    assert rows == 3, "a row for the equation and each condition"


def test_all_that_typed_equations_are_written_with_is_set():
    typed = SystemText(
        coordinates={"x": (0.0, 1.0), "t": (0.0, 1.0)}, fields=("u",), time="t", parameters={"k_a": 1.0},
        equations=("u_t = where(x < 0.5 and not t >= 1, sech(x)**2, abs(u)) + k_a*min(u, 1)",),
        conditions=(("my_edge", "u = sqrt(x)*1e-3"), ("boundary", "u is even in x")),
    )  # fmt: skip
    latex = latex_of_system(typed)
    made = mathml(latex)
    assert "my_edge" in made
    assert "<mtext>else</mtext>" in made
    assert formula_svg(latex).startswith("<svg")


@pytest.mark.parametrize("points", [1, 2, 500])
def test_arrays_of_a_figure_are_the_numbers_to_the_bit(points):
    y = np.random.default_rng(0).normal(size=points)
    y[0] = np.nan
    chart = Chart("", (Line("a", np.arange(points, dtype=float), y, "#000000"),), "x", "y")
    found = plotly_figure(chart)["data"][0]["y"]
    read = np.frombuffer(base64.b64decode(found["bdata"]), dtype="<" + found["dtype"])
    np.testing.assert_array_equal(read, y)


def test_a_long_history_is_thinned_and_keeps_its_extremes(tmp_path):
    rows = 200_000
    writer = HistoryWriter(tmp_path / "history.arrows", ("equation",))
    residual = np.full(rows, 1e-3)
    residual[77_777], residual[99_999] = 5.0, 1e-9
    iteration = np.arange(1, rows + 1)
    stage = (iteration > 100_000).astype(int)
    numbers = {"wall_time_s": 0.1 * iteration, "loss": residual**2, "max_residual": residual, "rms_residual": residual}
    writer.extend({"iteration": iteration, "stage": stage, "phase": np.ones(rows, dtype=int), **numbers})
    writer.close()
    curves = RunCurves(tmp_path / "history.arrows")
    curves.update()
    chart = run_charts(32 * "a", curves, Thinner(10), "λ", None, False)[0]
    for line in chart.lines:
        assert len(line.x) <= 2000
        assert (line.y.max(), line.y.min()) == (5.0, 1e-9)
    assert chart.marks == ((100_001.0, "stage 2"),)
    assert len(html_bytes(Report("", "", (Section("", (chart,)),), ""))) < 3e6


def test_only_what_is_not_the_default_is_told_first():
    config = override(resolve("poisson2d-quick"), ["seed=7", "stages.0.iterations=123"])
    told = not_default(config)
    assert told["seed"] == 7
    assert told["stages.0.iterations"] == 123
    assert "device" not in told
    assert "stages.0.checkpoint_every" not in told


def test_a_date_is_read_and_what_is_none_is_refused():
    assert since("2026-03-02T18:30+00:00") == datetime(2026, 3, 2, 18, 30, tzinfo=UTC).timestamp()
    assert since(" 2026-03-02 ") == datetime(2026, 3, 2, tzinfo=UTC).timestamp()
    assert since("7 days") == pytest.approx(time.time() - 7 * 86_400, abs=5)
    for wrong in ("yesterday's", "2026-13-01", "", "7", "99999 days"):
        with pytest.raises(LabError):
            since(wrong)


def picture(size=(40, 20), kind="PNG"):
    out = io.BytesIO()
    Image.new("RGB", size, "teal").save(out, kind)
    return out.getvalue()


def test_a_logo_is_known_by_its_content():
    home().ensure()
    assert logos.logo() is None
    for kind in ("PNG", "JPEG"):
        logos.keep_logo(picture(kind=kind))
        assert logos.logo().kind == kind.lower()
    kept = logos.logo()
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
    for wrong in (svg, b"", picture()[:60], picture((3000, 3000)), b"\x89PNG\r\n\x1a\n" + bytes(logos.LARGEST)):
        with pytest.raises(LabError):
            logos.keep_logo(wrong)
    assert logos.logo() == kept, "what was refused changed nothing"
    shown = html_bytes(Report("", "", (), "", logo=kept)).decode()
    assert f"data:image/jpeg;base64,{base64.b64encode(kept.data).decode()}" in shown
    logos.remove_logo()
    assert logos.logo() is None


def test_a_report_without_anything_is_a_file_in_every_format():
    for form in ("html", "pdf", "ipynb", "md"):
        assert len(report_bytes(Report("t", "", (), ""), form)) > 100


def test_a_logo_that_some_programs_show_and_others_refuse_is_kept_so_that_all_do():
    home().ensure()
    whole = picture()
    for lenient in (whole[:-12], whole + b"more", whole[:-12] + b"\x00\x00\x00\x00IENX\x00\x00\x00\x00"):
        logos.keep_logo(lenient)
        assert home().logo.read_bytes().endswith(whole[-12:])
        assert pdf_bytes(Report("t", "", (), "", logo=logos.logo())).startswith(b"%PDF")
    home().logo.write_bytes(whole[:-12])  # kept before logos were written anew
    assert pdf_bytes(Report("t", "", (), "", logo=logos.logo())).startswith(b"%PDF")


def test_what_typst_refuses_is_told_in_a_line():
    refused = Report("t", "", (), "", logo=Logo(b"\x89PNG\r\n\x1a\nno picture", "png"))
    with pytest.raises(LabError, match="The PDF can't be set") as raised:
        pdf_bytes(refused)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("form", ["html", "pdf", "ipynb", "md"])
def test_characters_that_are_none_are_in_no_report(form):
    blocks = (Words(text := "half \ud83d\x00 of a pair \udc00"), Table((text,), ((text,),)), Formula(text), Code(text))
    made = Report(text, text, (Section(text, (*blocks, Folded(text, (Code(text),)))),), text, text)
    assert len(report_bytes(made, form)) > 100


def test_why_there_is_no_error_depends_on_the_problem_and_on_how_far_the_run_came():
    known, unknown = resolve("poisson2d").problem, resolve("typed-cg").problem
    assert "is known; the error against it is measured at a run's end" in why_no_error(known, {})
    assert "zero, or has no value" in why_no_error(known, {"dense_max_residual": 1.0})
    assert why_no_error(unknown, {}).startswith("No exact solution is known")
