"""What a sweep may vary, how a person writes it, and what is refused in a line."""

import math

import pytest

from core.config import RunConfig
from core.errors import ConfigError, LabError
from core.home import home
from core.presets import presets
from core.sweeps.axis import read_axis, titles
from core.sweeps.fields import field_of, varied_fields
from core.sweeps.sweep import grid_rows, plan

CONFIG = presets()["poisson2d-quick"].config
DAMPING = "stages.0.optimizer.damping"


def test_numbers_words_and_entries_of_lists_can_be_varied():
    fields = varied_fields(CONFIG)
    assert fields[DAMPING].kind == "number" and fields[DAMPING].suggestion == "0.001..0.1 log"
    assert fields["network.hidden.1"].kind == "integer" and fields["network.hidden.1"].suggestion == "16..64"
    assert fields["network.activation"].choices == ("tanh", "sine")
    assert fields["stages.0.collocation.shape"].kind == "choice"
    assert not {"name", "device", "parent", "problem.kind", "version"} & fields.keys()
    typed = RunConfig.model_validate(presets()["typed-cg"].config.model_dump(mode="json", by_alias=True))
    assert all(field_of(typed, path) == field for path, field in varied_fields(typed).items())


@pytest.mark.parametrize("name", ["poisson2d-quick", "burgers-profile"])
def test_what_a_form_suggests_can_be_read(name):
    config = presets()[name].config
    for path, field in varied_fields(config).items():
        if field.suggestion:
            try:
                read_axis(config, path, field.suggestion)
            except ConfigError as error:  # one end may be past the field's own limit, or need another field with it
                assert path.split(".")[-1] in str(error) or error.problems
            except LabError as error:
                pytest.fail(f"{path}={field.suggestion}: {error}")


def test_ranges_and_values_are_what_they_are_written_as():
    log = read_axis(CONFIG, DAMPING, "1e-6..1e-2 log 3")
    assert (log.low, log.high, log.log, log.integer) == (1e-6, 1e-2, True, False)
    assert [float(value) for value in log.grid()] == pytest.approx([1e-6, 1e-4, 1e-2], rel=1e-11)
    assert read_axis(CONFIG, "stages.0.iterations", "20..100..40").grid() == ["20", "60", "100"]
    assert read_axis(CONFIG, "seed", "0..3").grid() == ["0", "1", "2", "3"]
    assert read_axis(CONFIG, "network.hidden", "[16, 16], [32]").grid() == ["[16, 16]", "[32]"]
    assert read_axis(CONFIG, "network.activation", "tanh, sine").values == ("tanh", "sine")


@pytest.mark.parametrize(
    ("path", "text", "says"),
    [
        ("stages.0.optimiser.damping", "1..2", "did you mean 'stages.0.optimizer.damping'"),
        ("damping", "1..2", "did you mean 'stages.0.optimizer.damping'"),
        ("name", "a, b", "a sweep varies what a run computes"),
        ("network.hidden.0", "8..100000", "100000 is not allowed; it should be less than or equal to 4096"),
        ("stages.0.iterations", "0..10", "0 is not allowed; it should be greater than or equal to 1"),
        ("stages.0.iterations", "1.5..10", "whole numbers alone"),
        ("network.activation", "tanh, sin", "'sin' is not allowed; it should be 'tanh' or 'sine'"),
        ("network.activation", "1..2", "It is one of tanh, sine"),
        (DAMPING, "1e-2..1e-6 log", "from the lower to the higher"),
        (DAMPING, "0..1 log", "begins above 0"),
        (DAMPING, "1e-6...1e-2", "is no range"),
        (DAMPING, "0..1..2", "the step is positive, at most 1"),
        (DAMPING, "1e-3, , 1", "empty value"),
        (DAMPING, "", "empty value"),
        (DAMPING, "1e-400..1e400", "from the lower to the higher"),
    ],
)
def test_what_can_t_be_tried_is_said_in_a_line(path, text, says):
    with pytest.raises(LabError) as refused:
        read_axis(CONFIG, path, text)
    assert says in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("varied", "options", "says"),
    [
        ({}, {}, "at least one field"),
        ({"seed": "0..9"}, {"sampler": "tpee"}, "did you mean 'tpe'"),
        ({"seed": "0..9"}, {"metric": "max_residuals"}, "did you mean 'max_residual'"),
        ({"seed": "0..9"}, {"metric": "lambda_error"}, "has no unknown λ"),
        ({DAMPING: "1e-6..1e-2 log"}, {"sampler": "grid"}, "write the number behind it: 1e-06..0.01 log 5"),
        ({"seed": "0..9"}, {"sampler": "grid", "trials": 4}, "has 10 trials and not 4"),
        ({"seed": "0..99", "stages.0.iterations": "1..99"}, {"sampler": "grid"}, "9,900 combinations"),
        ({"seed": "0..9"}, {"sampler": "cmaes"}, "two fields or more"),
        ({"seed": "0..9", "network.activation": "tanh,sine"}, {"sampler": "cmaes"}, "ranges of numbers alone"),
        ({"seed": "0..9"}, {"trials": 0}, "0 trials are not allowed"),
        ({"seed": "0..9"}, {"parallel": 65}, "65 trials at a time"),
        ({"network.activation": "tanh,sine"}, {"trials": 3}, "2 combinations of these values, fewer than 3"),
        ({"network.hidden": "[8],[16]", "network.hidden.0": "8..9"}, {}, "is a part of network.hidden"),
        ({"seed": "0..9"}, {"name": "a\nb"}, "characters that can be read"),
        ({"stages.0.collocation.shape": "[2, 3]"}, {"sampler": "grid"}, "shape goes with the sampler"),
    ],
)
def test_a_sweep_that_can_t_be_is_refused_before_anything_is_made(varied, options, says):
    with pytest.raises(LabError) as refused:
        plan(CONFIG, varied, **options)
    assert says.casefold() in str(refused.value).casefold()
    assert not home().sweeps.exists()


def test_a_grid_is_every_combination_and_other_samplers_have_as_many_trials_as_asked():
    varied = {"network.activation": "tanh,sine", DAMPING: "1e-4..1e-2 log 3"}
    grid = plan(CONFIG, varied, sampler="grid", parallel=99 % 64)
    assert (grid.trials, grid.parallel, grid.name) == (6, 6, CONFIG.name)
    rows = grid_rows(grid.axes)
    assert rows[0] == {"network.activation": "tanh", DAMPING: "0.0001"} and len({str(row) for row in rows}) == 6
    assert math.isclose(float(rows[1][DAMPING]), 1e-3)
    assert plan(CONFIG, varied, parallel=2).trials == 24


def test_titles_say_which_field_it_is_in_few_words():
    called = titles(["network.hidden.0", "network.hidden.1", DAMPING, "stages.1.optimizer.damping", "seed"])
    assert called == {
        "network.hidden.0": "hidden.0",
        "network.hidden.1": "hidden.1",
        DAMPING: "0.optimizer.damping",
        "stages.1.optimizer.damping": "1.optimizer.damping",
        "seed": "seed",
    }
