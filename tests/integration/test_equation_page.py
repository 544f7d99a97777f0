"""The page where an equation is typed: it says what is wrong where it was typed, loses nothing, and launches."""

import pytest

from core import jobs
from core.config import parse_config
from core.documents import yaml_data
from core.jobs import actions, waiting
from core.presets import presets
from tests.integration.test_pages import ROOT, opened, texts

PAGE = "pages/type_equation.py"


@pytest.fixture(autouse=True)
def nobody_works(monkeypatch):
    """No worker is started: runs wait."""
    monkeypatch.setattr(actions, "refresh", waiting.settle)


def named(app, label, number=0):
    fields = [item for kind in ("text_input", "text_area", "toggle") for item in app.get(kind) if item.label == label]
    return fields[number]


def button(app, label, number=0):
    return [item for item in app.button if item.label == label][number]


def heat():
    """The page with a heat equation typed into it from blank."""
    app = opened(PAGE)
    button(app, "Start blank").click().run()
    button(app, "Add a coordinate").click().run()
    for label, number, text in (
        ("Equations, one a line", 0, "u_t = nu*u_xx"),
        ("Parameters", 0, "nu = 0.1"),
        ("Coordinate", 1, "t"),
        ("from", 1, "0"),
        ("to", 1, "1"),
        ("Where", 0, "boundary"),
        ("What holds there", 0, "u = 0"),
        ("Where", 1, "t = 0"),
        ("What holds there", 1, "u = sin(pi*x)"),
        ("Name of the run", 0, "typed"),
    ):
        named(app, label, number).set_value(text)
    [item for item in app.checkbox if item.label == "is time"][1].check()
    app.run()
    assert not app.exception, app.exception
    return app


def test_a_blank_page_complains_of_nothing_and_launches_nothing():
    app = opened(PAGE)
    button(app, "Start blank").click().run()
    assert not app.exception, app.exception
    assert ":red" not in texts(app) and not app.error
    assert "once an equation and its conditions are typed" in texts(app)
    assert button(app, "Launch").disabled
    button(app, "Back to what was typed before").click().run()
    assert named(app, "Equations, one a line").value and not button(app, "Launch").disabled


def test_what_is_typed_is_set_in_latex_said_in_words_and_launched():
    app = heat()
    assert r"u_{t} &= \nu \, u_{xx}" in app.latex[0].value and r"t = 0" in app.latex[1].value
    said = texts(app)
    assert "second order in space, first order in t; linear." in said
    assert "exact, built into the ansatz" in said and "Fourier features" in said
    config = parse_config(yaml_data(next(item.value for item in app.code if "problem:" in item.value)))
    assert config.problem.kind == "equation" and config.stages[0].fourier
    button(app, "Launch").click().run()
    assert not app.exception, app.exception
    (job,) = jobs.queue()
    assert (job.name, job.problem, job.config_hash) == ("typed", "equation", config.hash)


def test_a_fault_stands_where_it_was_typed_and_the_nearest_name_is_a_click():
    app = heat()
    named(app, "What holds there", 1).set_value("u = sinh(pi*x) + cso(x)").run()
    assert any("cso" in item.value and "^^^" in item.value for item in app.code)
    assert "did you mean cos?" in texts(app) and "1 to mend" in texts(app)
    assert button(app, "Launch").disabled and jobs.queue() == []
    button(app, "Use cos").click().run()
    assert named(app, "What holds there", 1).value == "u = sinh(pi*x) + cos(x)"
    named(app, "Where", 0).set_value("x = 0").run()
    assert "needs a condition at x = 1" in texts(app)
    named(app, "Equations, one a line").set_value("u_t = nu*u_xx\nu_t = (").run()
    assert "equation 2" in texts(app)
    assert r"\textcolor{grey}" in app.latex[0].value  # the other one is set as before


def test_what_was_typed_stays_when_the_page_is_left_also_where_it_means_nothing():
    app = heat()
    named(app, "Parameters").set_value("nu = 0.1, = 3").run()
    assert "a name, = and a number" in texts(app)
    app.switch_page(str(ROOT / "pages/launch_runs.py")).run()
    app.switch_page(str(ROOT / PAGE)).run()
    assert not app.exception, app.exception
    assert named(app, "Parameters").value == "nu = 0.1, = 3" and named(app, "Where", 1).value == "t = 0"
    assert [item.value for item in app.checkbox if item.label == "is time"] == [False, True]
    assert named(app, "Name of the run").value == "typed"


def test_rows_come_and_go_without_touching_the_others():
    app = heat()
    button(app, "Add a condition").click().run()
    named(app, "Where", 2).set_value("x = 0.5")
    named(app, "What holds there", 2).set_value("u_x = 0").run()
    [item for item in app.button if item.key and ".remove.condition." in item.key][1].click().run()
    assert [item.value for item in app.text_input if item.label == "Where"] == ["boundary", "x = 0.5"]
    button(app, "Add a condition").click().run()
    assert named(app, "Where", 2).value == ""
    assert len([item for item in app.checkbox if item.label == "is time" and item.value]) == 1
    next(item for item in app.checkbox if item.label == "is time").check().run()
    assert [item.value for item in app.checkbox if item.label == "is time"] == [True, False]


def test_a_chosen_solution_makes_the_source():
    app = heat()
    named(app, "Choose the solution; the source is made for it").set_value(True).run()
    assert "no solution is chosen for u" in texts(app)
    named(app, "Solution of u").set_value("exp(-t)*cos(x)").run()
    assert "made for the solution that you chose" in texts(app) and not button(app, "Launch").disabled
    named(app, "Choose the solution; the source is made for it").set_value(False).run()
    assert "off by" in texts(app) and button(app, "Launch").disabled


def test_examples_fill_the_form_and_keep_their_own_stages():
    app = opened(PAGE)
    button(app, "Start from an example").click().run()
    typed = [name for name, preset in presets().items() if preset.kind == "equation"]
    assert len([item for item in app.button if item.label == "Start from this"]) == len(typed) >= 10
    name = "typed-kdv"
    next(item for item in app.button if item.key == f"equation.start.{name}").click().run()
    assert not app.exception, app.exception
    assert "It takes about" in texts(app)
    yaml = next(item.value for item in app.code if "problem:" in item.value)
    assert parse_config(yaml_data(yaml)).hash == presets()[name].config.hash
    button(app, "Open in the Launch form").click().run()
    assert not app.exception, app.exception
    assert app.title[0].value == "Launch a run"
    assert presets()[name].config.hash.startswith(app.code[0].value)


def test_a_domain_is_chosen_typed_and_launched_and_its_faults_stand_below_it():
    app = opened(PAGE)
    button(app, "Start blank").click().run()
    app.selectbox[0].select("disk").run()
    assert not app.exception, app.exception
    assert [item.value for item in app.text_input if item.label == "Coordinate"] == ["x", "y"]  # y came by itself
    assert "Boundaries for conditions: outer" in texts(app).replace("\\", "")
    named(app, "Equations, one a line").set_value("laplacian(u) = 4")
    named(app, "Where").set_value("boundary")
    named(app, "What holds there").set_value("u = x^2 + y^2")
    named(app, "Radius").set_value("-1").run()
    assert "greater than" in texts(app) and button(app, "Launch").disabled
    assert r"\Delta u" in app.latex[0].value  # what is sound is set all the same
    named(app, "Radius").set_value("2").run()
    assert not button(app, "Launch").disabled and "Grey:" in texts(app)
    app.selectbox[0].select("joined").run()
    assert named(app, "Shapes").value == "disk((0, 0), 2)"  # what stood in the fields
    named(app, "Shapes").set_value('disk((0, 0), 2) - disk((1, 0), 0.5, name="pipe")').run()
    assert "outer, pipe" in texts(app).replace("\\", "") and not button(app, "Launch").disabled
    app.switch_page(str(ROOT / "pages/launch_runs.py")).run()
    app.switch_page(str(ROOT / PAGE)).run()
    assert not app.exception, app.exception
    assert "pipe" in named(app, "Shapes").value  # also when the page was left
    next(item for item in app.get("button_group") if item.key == "equation.as").set_value("Python class").run()
    assert any("class Equation" in item.value or "(Equation)" in item.value for item in app.code)
    button(app, "Launch").click().run()
    assert not app.exception, app.exception
    (job,) = jobs.queue()
    assert job.folder.config().config.problem.shape.kind == "difference"


@pytest.mark.parametrize("text", ["u" * 25_000, "(" * 3_000, "u_t = " + "sin(" * 200 + "u" + ")" * 200, "\\", "`$$`"])
def test_hostile_texts_are_a_message(text):
    app = heat()
    named(app, "Equations, one a line").set_value(text).run()
    assert not app.exception, app.exception
    assert button(app, "Launch").disabled and ":red" in texts(app)
    assert named(app, "Equations, one a line").value == text
