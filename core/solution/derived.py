"""Values that follow from a problem's fields, as formulas: gradients; of a velocity speed, vorticity, Q-criterion."""

from __future__ import annotations

from collections.abc import Sequence

from core.equations.functions import plain_name
from core.equations.tree import Expression, Field, Number, Product, Sum
from core.problems import Problem
from core.solution.formulas import Vocabulary, vocabulary

MOST_GRADIENTS = 4
"""Fields of which the gradient is offered; of any other it can be typed."""


def derived_formulas(problem: Problem) -> dict[str, str]:
    """What it is called → formula, in the order in which people ask for it."""
    words = vocabulary(problem)
    space = _space(problem, words)
    velocity = velocity_of(problem)
    found = _of_velocity(velocity, space) if velocity else {}
    for name in list(words.fields)[:MOST_GRADIENTS]:
        slopes = [f"{name}_{x}" for x in space if x in words.names.fields[name]]
        if len(slopes) > 1:
            found[f"|∇{words.fields[name]}|"] = _length(slopes)
    return found


def vectors_of(problem: Problem) -> dict[str, tuple[str, ...]]:
    """What arrows and streamlines may follow: its name → formula of each component, along the space coordinates."""
    words = vocabulary(problem)
    space = _space(problem, words)
    if not 2 <= len(space) <= 3:
        return {}
    velocity = velocity_of(problem)
    found = {"velocity": velocity} if velocity else {}
    for name in list(words.fields)[:MOST_GRADIENTS]:
        if set(space) <= set(words.names.fields[name]):
            found[f"∇{words.fields[name]}"] = tuple(f"{name}_{x}" for x in space)
    return found


def velocity_of(problem: Problem) -> tuple[str, ...]:
    """The fields, as they are typed, whose divergence an equation of the problem sets to zero; empty where none are.

    A built-in problem says it by a residual called `divergence` of its first fields; a typed system is looked through.
    """
    words = vocabulary(problem)
    space = _space(problem, words)
    if not 2 <= len(space) <= 3:
        return ()
    system = getattr(problem, "system", None)
    if system is not None:
        fields = next(filter(None, (_divergence(each, space) for each in system.residuals)), ())
    else:
        fields = problem.fields[: len(space)] if "divergence" in problem.residual_names else ()
    typed = tuple(plain_name(name) for name in fields)
    return typed if set(typed) <= set(words.fields) else ()


def _space(problem: Problem, words: Vocabulary) -> tuple[str, ...]:
    """The coordinates of space as they are typed; empty where one can't be, and where they are no lengths.

    Those of a self-similar profile aren't: they are stretched and compactified.
    """
    if problem.has_lambda and problem.unknown == Problem.unknown:
        return ()
    space = tuple(plain_name(name) for name in problem.coordinates if name != problem.time)
    return space if set(space) <= set(words.places) else ()


def _divergence(residual: Expression, space: tuple[str, ...]) -> tuple[str, ...]:
    """The fields of an equation that is a sum of one first derivative along each coordinate, in their order."""
    terms = residual.terms if isinstance(residual, Sum) else (residual,)
    by: dict[str, str] = {}
    signs = set()
    for term in terms:
        factor, leaf = 1, term
        if isinstance(term, Product) and len(term.factors) == 2 and isinstance(term.factors[0], Number):
            factor, leaf = term.factors[0].value, term.factors[1]
        if not isinstance(leaf, Field) or leaf.order != 1:
            return ()
        signs.add(factor)
        by[leaf.by[0]] = leaf.name
    if len(signs) != 1 or set(by) != set(space) or len(terms) != len(space) or len(set(by.values())) != len(space):
        return ()
    return tuple(by[x] for x in space)


def _of_velocity(velocity: tuple[str, ...], space: tuple[str, ...]) -> dict[str, str]:
    strain = " + ".join(f"{u}_{y}*{v}_{x}" for u, x in zip(velocity, space, strict=True)
                        for v, y in zip(velocity, space, strict=True))  # fmt: skip
    if len(space) == 2:
        (u, v), (x, y) = velocity, space
        turning = {"vorticity": f"{v}_{x} - {u}_{y}"}
    else:
        (u, v, w), (x, y, z) = velocity, space
        parts = [f"{w}_{y} - {v}_{z}", f"{u}_{z} - {w}_{x}", f"{v}_{x} - {u}_{y}"]
        turning = {"|vorticity|": _length(f"({part})" for part in parts)}
        turning |= {f"vorticity, {x_}": part for x_, part in zip(space, parts, strict=True)}
    return {"speed": _length(velocity), **turning, "Q-criterion": f"-({strain})/2"}


def _length(parts: Sequence[str]) -> str:
    return f"sqrt({' + '.join(f'{part}^2' for part in parts)})"
