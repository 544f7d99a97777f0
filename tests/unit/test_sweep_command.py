"""`python -m core sweep`: what can't be is one line and exit code 2, and starts nothing."""

import pytest

from core.home import home


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ("poisson2d-quick", "--field", "stages.0.optimiser.damping=1..2"),
            "did you mean 'stages.0.optimizer.damping'",
        ),
        (("poisson2d-quick", "-f", "network.hidden.0=8..100000"), "it should be less than or equal to 4096"),
        (("poisson2d-quick", "-f", "seed"), "write it as field=what"),
        (("poisson2d-quick", "-f", "seed=0..3", "-f", "seed=4"), "names seed twice"),
        (("poisson2d-quick", "-f", "seed=0..3", "--sampler", "bayes"), "There is no sampler 'bayes'"),
        (("poisson2d-quik", "-f", "seed=0..3"), "poisson2d-quik"),
        (("start", "poisson2d-quick"), "at least one field"),
        (("show", "../../etc"), "is no sweep here"),
        (("stop", "abc"), "is no sweep here"),
        (("resume", ""), "is no sweep here"),
    ],
)
def test_what_can_t_be_is_one_line(command_line, arguments, says):
    done = command_line("sweep", *arguments)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("error: ") and says in done.stderr and done.stderr.count("\n") == 1
    assert not home().sweeps.exists() and not home().jobs_db.exists()


def test_without_sweeps_the_list_says_how_to_start_one(command_line):
    done = command_line("sweep", "list")
    assert done.returncode == 0 and "python -m core sweep poisson2d-quick" in done.stdout
