"""An automatic plan of stages for a problem, from its size, order and linearity, and in words; a start to be edited."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from core.config import Chebyshev, Collocation, Fourier, GaussNewton, Growth, Local, RunConfig, Stage, why_no_growth
from core.domains.sequences import halton
from core.problems import Problem
from core.problems.axes import MORE_NODES, MOST_FACTORS, on_nodes

FEATURES = {1: 200, 2: 600, 3: 700, 4: 1200, 5: 1600, 6: 2000}
"""Rows of B for one field, by how many coordinates there are: what smooth solutions on a box took (measured)."""
POINTS_PER_FEATURE = 5
LARGEST = 2_400
"""Weights of one stage, all fields together: its solve takes some seconds on one core."""
LARGEST_LAST = 4_000
"""The same of a second stage, which takes four steps."""
FEWER = Local(order=3, smooth=2)
"""Of several fields, whose corners have functions of each kind of condition, and exponents of their own beside them."""
SECOND = 2
OF_HIGHER = Local(order=4, smooth=8, smooth_sigma=4)
"""Of equations of higher order: what stands before corners' functions is felt in more derivatives."""
OWN = Local(share=0, order=8, smooth=0)
"""Where solutions of the equation itself do what else features of holes and corners would."""
DIGITS = (10.0, 8.0, 6.0, 5.0)
"""How many of them: as many digits as fit beside `BESIDE` waves (measured: two holes 1.7e-12 with 400 unknowns, where
holes' features leave 1.3e-10 with 1,083)."""
BESIDE = 300
"""Waves are then for the source alone."""
PRODUCTS = 1_024
"""Chebyshev polynomials that a nonlinear problem begins with, of each field: a front is found by few steps of these
where it is the middle of its mirror image, and growth goes on from there (Burgers, ν = 0.01/π: 1e-11; of Fourier
features without knowing where it is, nothing)."""
STEPS = 30
POINTS_PER_COLUMN = 3
ROWS_PER_SOLUTION, MOST_MORE = 1.8, 2.0
"""What solves the equation is told by rows of conditions alone: so many for each, by at most so many times more points.
With 1.4 two holes came out wrong by more than all."""
UNDAMPED = GaussNewton(damping=1e-26, minimum_damping=1e-32)
DAMPED = GaussNewton(damping=1e-8, minimum_damping=1e-32)


@dataclass(frozen=True)
class Plan:
    """Stages for a problem, and why they are as they are."""

    stages: tuple[Stage, ...]
    words: tuple[str, ...]
    """A sentence for each choice."""
    growth: Growth | None = None
    """What follows the stages."""

    def of(self, config: RunConfig) -> RunConfig:
        """A config with this plan in the place of its stages; growth of its own stays, and windows have none."""
        growth = None if config.windows else config.growth or self.growth
        return config.model_copy(update={"stages": self.stages, "growth": growth})


def plan(problem: Problem, grows: bool = True) -> Plan:
    """Stages that are likely to solve a smooth problem on a box.

    Args:
        problem: what is to be solved.
        grows: whether the run may grow after them; one in windows of time may not.
    """
    grows = grows and not why_no_growth(problem)
    d, fields = len(problem.coordinates), problem.outputs
    most = LARGEST // (2 * fields)
    size = round(FEATURES.get(d, max(FEATURES.values())) / _wider(problem))
    most = round(most / _wider(problem))
    if _own(problem) is not None:
        size = BESIDE
    many = f"{d} coordinate{'s' * (d > 1)} and {fields} field{'s' * (fields > 1)}"
    if problem.linear and not problem.has_lambda:
        stage = _stage(problem, min(size, most), UNDAMPED, 3)
        words = [
            _said(many, stage),
            *_followed(problem),
            "Linear: one solve of undamped least squares, and two steps that refine it.",
        ]
        return _growing(Plan((stage,), tuple(words)), grows)
    if grows and _has_polynomials(problem):
        return _by_polynomials(problem, many)
    first = _stage(problem, min(2 * size // 3, most), DAMPED, 20)
    words = [
        _said(many, first),
        *_followed(problem),
        "Nonlinear: at most 20 steps of damped Gauss–Newton, whose damping falls as they come true.",
    ]
    second = _stage(problem, min(5 * size // 3, LARGEST_LAST // (2 * fields)), UNDAMPED, 4)
    words.append(
        f"A second stage of {second.fourier.features:,} features corrects what the first one leaves, in four steps."
    )
    return _growing(Plan((first, second), tuple(words)), grows)


def _has_polynomials(problem: Problem) -> bool:
    """Whether each input is one coordinate's own, of few, and nothing of the domain's own stands beside them."""
    d, own = len(problem.coordinates), problem.blocks or problem.functions
    return problem.is_box and not own and problem.inputs - len(problem.circles) == d <= MOST_FACTORS


def _by_polynomials(problem: Problem, many: str) -> Plan:
    """What a nonlinear problem begins with where growth goes on from there."""
    d = len(problem.coordinates)
    side = round(min(PRODUCTS, LARGEST / problem.outputs) ** (1 / d))
    stage = Stage(
        chebyshev=Chebyshev(degrees=(side,) * d, parity="found", layers="found"),
        optimizer=DAMPED,
        iterations=STEPS,
        collocation=(
            Collocation(points=(side + MORE_NODES) ** d, sampler="gauss", shape=(side + MORE_NODES,) * d)
            if on_nodes(problem)
            else Collocation(points=2 * side**d, sampler="chebyshev")
        ),
    )
    words = (
        f"{many}: {stage.chebyshev.words} at {stage.collocation.points:,} points, even or odd ones alone where the "
        "equations are their own mirror images, and stretched in a steep layer where that leaves much less.",
        f"Nonlinear: at most {STEPS} steps of damped Gauss–Newton, whose damping falls as they come true.",
    )
    return _growing(Plan((stage,), words), grows=True)


def _growing(found: Plan, grows: bool) -> Plan:
    """A plan with growth after its stages, where it may have it."""
    if not grows:
        return found
    growth = Growth()
    words = (
        "Then the features double while that leaves less at points not trained on, within "
        f"{growth.seconds:g} s of training."
    )
    return replace(found, words=(*found.words, words), growth=growth)


def _said(size: str, stage: Stage) -> str:
    return (
        f"{size}: {stage.fourier.features:,} Fourier features at {stage.collocation.points:,} points; their scale σ is "
        "found by trying."
    )


def _stage(problem: Problem, features: int, optimizer: GaussNewton, iterations: int) -> Stage:
    local, points = _local(problem), round(POINTS_PER_FEATURE * features * _wider(problem))
    if (own := _own(problem)) is not None:
        local, points = own
    return Stage(
        fourier=Fourier(features=features, sigma="search", local=local),
        optimizer=optimizer,
        iterations=iterations,
        collocation=Collocation(points=points, sampler="chebyshev"),
    )


def _local(problem: Problem) -> Local | None:
    if not (problem.blocks or any(each.digits is None for each in problem.functions)):
        return None
    if problem.pde_order > SECOND:
        return OF_HIGHER
    if (own := _own(problem)) is not None:
        return own[0]
    return Local() if problem.outputs == 1 else FEWER


def _own(problem: Problem) -> tuple[Local, int] | None:
    """Solutions of the equation itself, as many as fit, and at how many points; None where others stay beside them.

    That is where a field's equation has none, or those of some corner are not known, or layers have features of their
    own; and where nothing is singular, which waves alone resolve.
    """
    others = [each for each in problem.functions if each.digits is None]
    holes = sum(not each.exponent for each in others)
    if not others or not all(each.replaced for each in others) or len(problem.blocks) > holes:
        return None
    for digits in DIGITS:
        local = OWN.model_copy(update={"digits": digits})
        count = len(local.asked(problem.functions))
        columns = 2 * BESIDE + count
        points = POINTS_PER_COLUMN * columns
        more = (ROWS_PER_SOLUTION * count / _rows_of_conditions(problem, points)) ** 2  # they go as √points
        if columns <= LARGEST // problem.outputs and more <= MOST_MORE:
            return local, round(points * max(1.0, more))
    return None


def _rows_of_conditions(problem: Problem, points: int) -> int:
    """How many there are beside so many points inside."""
    asked = problem.collocation(halton(points, len(problem.coordinates), np.zeros(len(problem.coordinates))))
    return sum(len(block) for name, block in asked.items() if name != "interior") or 1


def _wider(problem: Problem) -> float:
    """How many times more features there are with those of the domain's own."""
    local = _local(problem)
    return 1 + local.share * sum(block.weight for block in problem.blocks) if local else 1.0


def _followed(problem: Problem) -> tuple[str, ...]:
    """What follows the domain, in words."""
    if _local(problem) is None:
        return ()
    if (own := _own(problem)) is not None:
        local, _ = own
        count = len(local.asked(problem.functions))
        return (
            f"{count:,} solutions of the equation itself, around holes, in corners and from the middle, to "
            f"{local.digits:g} digits; the waves are for its source.",
        )
    said = f"{_counted(len(problem.blocks), 'hole')}, mirror images in near walls among them" if problem.blocks else ""
    corners = sum(each.exponent > 0 for each in _local(problem).asked(problem.functions))
    parts = [said, _counted(corners, "function") + " of corners" if corners else ""]
    return (f"Features that follow the domain: {'; '.join(part for part in parts if part)}.",)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"
