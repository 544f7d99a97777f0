"""Typed presets: read when asked for, planned by themselves, and written in the form as they are."""

import numpy as np
import pytest

from core.config import Growth, parse_config
from core.presets import presets
from core.presets.plan import LARGEST, plan
from core.problems.equation import EXAMPLE, Equation
from pages.parts.shared.written_form import data_of, is_written, written

TYPED = [name for name in presets() if name.startswith("typed-")]


NOBODY_KNOWS = {"typed-cg", "typed-step"}
"""Of which no solution in closed form is known."""


@pytest.mark.parametrize("name", TYPED)
def test_a_typed_preset_is_sound_knows_its_solution_and_is_written_as_it_is(name):
    config = presets()[name].config
    assert config.problem.kind == presets()[name].kind == "equation"
    middle = np.mean(config.problem.domain(), axis=1)
    if config.windows is None:  # of chaos and long times there is a spectral reference instead: tests/marching.py
        assert name in NOBODY_KNOWS or config.problem.exact(middle[None]) is not None
    data = config.problem.model_dump(mode="json", by_alias=True)
    for field, info in Equation.model_fields.items():
        if is_written(info) and (value := data.get(info.alias or field)) is not None:  # what was added later may lack
            again = data | {info.alias or field: data_of(written(value, info), info)}
            assert Equation.model_validate(again) == config.problem
    assert parse_config(config.model_dump(mode="json", by_alias=True)) == config


def test_linear_equations_are_planned_as_one_solve_others_by_polynomials_and_both_grow():
    linear, other = (plan(presets()[name].config.problem) for name in ("typed-wave", "typed-burgers"))
    assert [len(linear.stages), len(other.stages)] == [1, 1]
    assert other.stages[0].chebyshev.degrees == (32, 32)
    assert linear.growth == other.growth == Growth()
    assert presets()["typed-wave"].config.growth == Growth()
    unknown = Equation(**EXAMPLE | {"parameters": {}, "unknowns": {"kappa": {"start": 0.5}}, "exact": {}})
    found = plan(unknown)
    assert (len(found.stages), found.growth) == (2, None)
    alone = plan(presets()["typed-burgers"].config.problem, grows=False)
    assert (len(alone.stages), alone.growth) == (2, None)
    assert "Linear" in linear.words[1]
    assert "Nonlinear" in other.words[1]
    assert str(linear.stages[0].fourier.features) in linear.words[0]


def test_more_fields_get_no_more_weights_than_one_solve_takes():
    problem = Equation(
        coordinates={"x": [0, 1], "y": [0, 1]},
        fields=[f"u{k}" for k in range(8)],
        equations=[f"laplacian(u{k}) = 0" for k in range(8)],
        conditions=[{"on": "boundary", "that": "; ".join(f"u{k} = 1" for k in range(8))}],
    )
    (stage,) = plan(problem).stages
    assert 8 * 2 * stage.fourier.features <= LARGEST


def of_shape(equation, **more):
    corner = {"kind": "polygon", "vertices": [[-1, -1], [1, -1], [1, 0], [0, 0], [0, 1], [-1, 1]]}
    conditions = [{"on": "boundary", "that": "u = x"}]
    return Equation(**{"domain": corner, "fields": ["u"], "equations": [equation], "conditions": conditions} | more)


@pytest.mark.parametrize("equation", ["laplacian(u) = 0", "laplacian(u) = 4*u - sin(3*x)"])
def test_solutions_of_the_equation_itself_are_planned_where_they_do_all_that_corners_take(equation):
    found = plan(of_shape(equation))
    (stage,) = found.stages
    assert stage.fourier.local.digits == 10
    count = len(stage.fourier.local.asked(of_shape(equation).functions))
    assert f"{count:,} solutions of the equation itself" in found.words[1]
    assert 2 * stage.fourier.features + count <= LARGEST
    assert stage.collocation.points > 2 * (2 * stage.fourier.features + count)


@pytest.mark.parametrize("equation", ["laplacian(u) = x*u", "laplacian(u) = u^3", "u_xx + 2*u_yy = 0"])
def test_elsewhere_corners_keep_their_functions_times_waves(equation):
    stage = plan(of_shape(equation)).stages[0]
    assert stage.fourier.local.digits is None
    assert stage.fourier.local.smooth > 0


def test_holes_have_them_as_well_and_where_nothing_is_singular_or_a_layer_is_there_the_plan_has_none():
    disk = {"kind": "disk", "centre": [0, 0], "radius": 1}
    plate = {"kind": "difference", "of": disk, "less": [{"kind": "disk", "centre": [0.3, 0], "radius": 0.2}]}
    assert plan(of_shape("laplacian(u) = u", domain=plate)).stages[0].fourier.local.digits == 10
    smooth = plan(of_shape("laplacian(u) = u", domain=disk))
    assert smooth.stages[0].fourier.local is None
    assert not any("domain" in words for words in smooth.words)
    layer = plan(of_shape("laplacian(u) = u", domain=plate, layers={"hole 1": 0.05})).stages[0]
    assert layer.fourier.local.digits is None


@pytest.mark.parametrize("name", ["layers", "starts"])
def test_a_mapping_that_may_be_left_out_is_written_as_one(name):
    info = Equation.model_fields[name]
    assert is_written(info)
    assert data_of("", info) is None and written(None, info) == ""
    assert data_of(written({"outflow": 0.02}, info), info) == {"outflow": 0.02}
