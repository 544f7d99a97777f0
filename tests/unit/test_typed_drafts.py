"""What stands in the fields of the Equation page: its data, faults at their places, formulas, its picture."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from core.config import config_yaml, parse_config
from core.datasets import add
from core.documents import yaml_data
from core.equations.description import description
from core.equations.faults import Fault
from core.equations.latex_system import latex_of_system
from core.presets import presets
from pages.parts.equation.domain_figure import by_place, domain_figure
from pages.parts.equation.draft import Draft, between_commas, draft_of
from pages.parts.equation.form import Place
from pages.parts.equation.messages import place_of
from pages.parts.equation.reading import LONGEST, read, system_text
from pages.parts.launch.filling import unknown_of

HEAT = Draft(
    (("x", "0", "2*pi"), ("t", "0", "1e-3")),
    "t",
    "u",
    "nu = 0.01, k = 2*pi",
    "",
    "\nu_t = nu*u_xx\n",
    (("x = 0", "u = 0"), ("", " "), ("x = 2*pi", "u = 0"), ("t = 0", "u = sin(x)")),
    exact={"u": "exp(-nu*t)*sin(x)", "gone": "1"},
)


def changed(**texts):
    return Draft(**{**HEAT.__dict__, **texts})


def test_texts_and_data_stand_for_each_other():
    data = HEAT.data()
    assert data["coordinates"] == {"x": [0, "2*pi"], "t": [0, 0.001]}
    assert (data["parameters"], data["fields"], data["time"]) == ({"nu": 0.01, "k": "2*pi"}, ["u"], "t")
    assert data["equations"] == ["u_t = nu*u_xx"] and len(data["conditions"]) == 3
    assert data["exact"] == {"u": "exp(-nu*t)*sin(x)"}  # of a field that was taken away: kept, but not meant
    again = draft_of({"problem": data | {"row_weight": 2.0}, "name": "a", "stages": [1]})
    assert again.data() == data | {"row_weight": 2.0}  # what has no field here is kept
    assert again.run == {"name": "a"}
    assert again.own_stages == (1,)  # of this very problem
    assert Draft(**{**again.__dict__, "parameters": "nu = 0.02, k = 2*pi"}).own_stages == ()
    bounded = draft_of({"problem": data | {"unknowns": {"κ": {"start": 1.0, "low": 0.5, "high": None}}}})
    assert bounded.unknowns == "κ = 1"
    assert bounded.data()["unknowns"] == {"κ": {"start": 1, "low": 0.5, "high": None}}


@pytest.mark.parametrize(
    "text, parts",
    [
        ("u, v , a(x, y),", ["u", "v", "a(x, y)"]),
        ("", []),
        ("a(x", ["a(x"]),
        ("a(x,(y)),b", ["a(x,(y))", "b"]),
        (",,", []),
    ],
)
def test_lists_are_parted_outside_of_brackets(text, parts):
    assert between_commas(text) == parts


@pytest.mark.parametrize(
    "texts, label, said",
    [
        ({"parameters": "nu 0.01"}, "parameters", "a name, = and a number"),
        ({"unknowns": "c = 1, c = 2"}, "unknowns", "a name, = and a number"),
        ({"coordinates": (("x", "0", ""),)}, "coordinate row 0", "no upper end"),
        ({"coordinates": (("x", "0", "1"), ("x", "0", "2"))}, "coordinate row 1", "named twice"),
        ({"coordinates": (("x", "0", "1"), ("", "0", "2"))}, "coordinate row 1", "no name"),
        ({"coordinates": (("x", "1", "0"), ("t", "0", "1"))}, "coordinate x", "below the upper"),
        ({"coordinates": (("x", "0", "inf"), ("t", "0", "1"))}, "coordinate x", "finite"),
        ({"equations": "u_t = \n\nu_t = sinn(u)"}, "equation 2", "unknown function"),
        ({"equations": ""}, "the equations", "0 equations for 1 field"),
        ({"conditions": (("", ""), ("x = 0", "u = 0"), ("x = 9", "u = 0"))}, "condition 2, where", "outside"),
        ({"conditions": (("x = 0", "w = 0"),)}, "condition 1", "unknown name"),
        ({"conditions": HEAT.conditions[:1]}, "field u", "x = 6.28"),
        ({"exact": {"u": "exp(-nu*t)*cos(x)"}}, "", "off by"),
        ({"exact": {}, "manufactured": True}, "exact u", "no solution is chosen"),
        ({"fields": "u, \\frac"}, "field \\frac", "is no name"),
        ({"time": "s"}, "", "no coordinate"),
    ],
)
def test_every_fault_says_where_it_was_typed(texts, label, said):
    found = read(changed(**texts))
    assert found.system is None
    fault = next(fault for fault in found.faults if said in fault.sentence)
    assert fault.label == label or not label


def test_faults_are_drawn_below_what_they_are_about():
    keys = [("equation", 0), ("equation", 1), ("equation", 2), ("condition", 0), ("condition", 1), ("where", 1),
            ("coordinates", 0), ("coordinate", "ξ"), ("coordinate row", 0), ("fields", 0), ("parameters", 0),
            ("unknowns", 0), ("exact", "u"), ("domain", 0)]  # fmt: skip
    places = {key: Place(None, str(key)) for key in keys}

    def at(label, **rest):
        found = place_of(Fault("…", label=label, **rest), places)
        return None if found is None else found.key

    assert at("equation 2, component 1") == "('equation', 2)"
    assert at("condition 1") == "('condition', 1)" and at("condition 1, where") == "('where', 1)"
    assert at("condition 9") == "('condition', 0)"  # one that was made, not typed
    assert at("coordinate xi") == "('coordinate', 'ξ')" and at("coordinate row 0") == "('coordinate row', 0)"
    assert at("field u") == "('condition', 0)"  # a condition is missing
    assert at("field u", expected="an equation with u") == "('equation', 0)"
    assert at("field u", text="u", start=0, end=1) == "('fields', 0)"
    assert at("parameter nu") == "('parameters', 0)" and at("unknown k") == "('unknowns', 0)"
    assert at("exact u") == "('exact', 'u')" and at("exact w") is None and at("") is None


def test_what_is_typed_is_read_once_and_never_for_long():
    assert read(HEAT) is read(changed())
    assert "most is" in read(changed(equations="u + " * LONGEST)).faults[0].message
    product = "*".join(f"sin({k}*x + t)" for k in range(1, 60))
    assert "shorten or simplify it" in read(changed(exact={"u": product}, manufactured=True)).faults[0].message


def test_a_line_that_means_nothing_stands_among_the_formulas_as_it_was_typed():
    typed = system_text(changed(equations="u_t = nu*u_xx\nu_t = \\href{x}{$$}\x1b(").data())
    lines = latex_of_system(typed, partly=True).split(r" \\ ")
    assert lines[0].endswith(r"u_{t} &= \nu \, u_{xx}")
    assert lines[1] == r"&\textcolor{grey}{\text{u\_t = \textbackslash href\{x\}\{\$\$\}\x1b(}}".replace(
        r"\x1b", r"\textbackslash x1b"
    )
    names = system_text(changed(fields="u, \\input").data())
    assert read(changed(fields="u, \\input")).equations == ""
    with pytest.raises(Exception, match="is no name"):
        latex_of_system(names, partly=True)


def test_a_system_in_words():
    lines = description(read(HEAT).system)
    assert lines == ("1 equation for u of x and t: second order in space, first order in t; linear.",)
    nonlinear = changed(equations="u_t = nu*u_xx + c*u^3", unknowns="c = 1", exact={}, fields="u")
    said = " ".join(description(read(nonlinear).system))
    assert "; nonlinear." in said and "Searched for beside the fields: c." in said
    made = changed(exact={"u": "x*t"}, manufactured=True, conditions=())
    assert "made for the solution" in description(read(made).system)[-1]


def test_the_picture_shows_each_place_once_though_something_else_is_wrong():
    found = read(
        changed(equations="u_t = (", conditions=(*HEAT.conditions, ("x = 99", "u = 0"), ("x = 0", "u_xx = 0")))
    )
    assert found.system is None
    assert len(by_place(found.drawn.conditions)) == 3
    figure = domain_figure(found.drawn)
    names = [trace.name for trace in figure.data if trace.showlegend]
    assert names == ["x = 0: u = 0; u_xx = 0", "x = 2*pi: u = 0", "t = 0: u = sin(x)"]
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("x", "t")
    assert read(changed(coordinates=(("x", "1", "0"),))).drawn is None


@pytest.mark.parametrize(
    "coordinates, time, conditions",
    [
        ((("x", "0", "1"),), "", (("boundary", "u = 0"),)),
        ((("t", "0", "1"),), "t", (("t = 0", "u = 1"),)),
        ((("x", "0", "1"), ("y", "0", "1"), ("z", "0", "1"), ("t", "0", "1")), "t",
         (("t = 0", "u = 1"), ("periodic in x", ""), ("boundary", "dn(u) = 0"), ("(0.5, 0.5, 0.5)", "u = 1"),
          ("", "int(u) = 1"))),
        ((("x", "0", "1"), ("y", "0", "1")), "", (("(0.5, 0.5)", "u = 1"), ("x = 0.5", "u = 1"), ("x = 0", "u even"))),
    ],
)  # fmt: skip
def test_every_kind_of_place_can_be_drawn(coordinates, time, conditions):
    drawn = read(Draft(coordinates, time, conditions=conditions)).drawn
    figure = domain_figure(drawn)
    assert sum(trace.showlegend for trace in figure.data) == len(by_place(drawn.conditions)) >= len(conditions)


def test_a_config_written_as_yaml_is_the_same_config_and_so_is_the_one_of_the_manual():
    manual = (Path(__file__).parents[2] / "docs" / "your-equation.md").read_text(encoding="utf-8")
    whole = [text for text in re.findall(r"```yaml\n(.*?)```", manual, re.DOTALL) if text.startswith("name:")]
    for text in whole:
        config = parse_config(yaml_data(text))
        assert read(draft_of(config.model_dump(mode="json", by_alias=True))).system is not None
        again = parse_config(yaml_data(config_yaml(config)))
        assert (again, again.name) == (config, config.name)
    assert "heat in a rod" in manual and whole


def test_the_examples_of_the_manual_can_be_launched():
    manual = (Path(__file__).parents[2] / "docs" / "your-equation.md").read_text(encoding="utf-8")
    tables = [dict(re.findall(r"^\| (.+?) \| (.+) \|$", part, re.MULTILINE)) for part in manual.split("## ")]
    tables = [table for table in tables if {"Equations", "Coordinates"} <= table.keys()]
    assert len(tables) == 8
    torus = Path(__file__).parents[2] / "docs" / "examples" / "torus.stl"
    add(torus.name, torus.read_bytes())
    for table in tables:
        coordinates = (
            [(name, "", "") for name in table["Coordinates"].split("; ")]
            if "Domain" in table
            else re.findall(r"(\w) from (\S+) to ([^;, ]+)", table["Coordinates"])
        )
        holds = re.findall(r"`([^`]+)`: (?:`([^`]+)`|nothing)", table["Conditions"])
        exact = re.findall(r"`(.+)`", table.get("Exact u", "") + table.get("Solution of u", ""))
        draft = Draft(
            tuple(coordinates),
            "t" if "is time" in table["Coordinates"] else "",
            table.get("Fields", "u").strip("`"),
            table.get("Parameters", "").strip("`"),
            equations="\n".join(re.findall(r"`([^`]+)`", table["Equations"])),
            conditions=tuple(holds),
            manufactured="Choose the solution" in table,
            exact={"u": exact[0]} if exact else {},
            domain=table.get("Domain", "").strip("`"),
        )
        assert read(draft).faults == () and read(draft).system is not None, table


def test_an_exact_solution_of_a_greek_name_is_kept():
    greek = changed(fields="θ", exact={"θ": "exp(-nu*t)*sin(x)"}, equations="θ_t = nu*θ_xx")
    assert greek.data()["exact"] == {"θ": "exp(-nu*t)*sin(x)"}
    assert draft_of({"problem": greek.data()}).exact == {"theta": "exp(-nu*t)*sin(x)"}  # as the form's field has it
    assert draft_of({"problem": greek.data()}).data()["exact"] == {"theta": "exp(-nu*t)*sin(x)"}


def test_the_unknown_number_of_a_typed_problem_has_its_fields_on_the_launch_form():
    data = changed(parameters="k = 2*pi", unknowns="ν = 0.1").data()
    assert unknown_of(data | {"exact": {}}) == "ν"  # as typed, also while something is missing
    assert unknown_of(HEAT.data()) is None
    assert unknown_of({"kind": "burgers_inverse", "dataset": "a.csv"}) == "ν"


def test_weights_of_conditions_are_kept_and_said_where_they_are_none():
    config = presets()["typed-step"].config.model_dump(mode="json", by_alias=True)
    draft = draft_of(config)
    assert [each.get("weight") for each in draft.data()["conditions"]] == [10, 10, 10, 2, 0.05]
    assert draft.own_stages and not draft.faults()
    for text in ("heavy", "0", "-3", "1e9"):
        (fault,) = replace(draft, weights=("", "", text, "", "")).faults()
        assert fault.label == "condition 3" and text in fault.message
    assert "weight" not in replace(draft, weights=()).data()["conditions"][0]
