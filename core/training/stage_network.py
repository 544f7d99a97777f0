"""The network Φ_k of a stage, its scale ε, and the σ of its features."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from core.config import start_of_path
from core.jets import Jet, coordinates
from core.networks.layers import JetLinear, Network, Tape, fourier_of, mlp, polynomials, splined
from core.networks.solution import Solution, Term, features_of
from core.problems import Problem
from core.runs.history import PATH
from core.training import equations
from core.training.exponent import Exponent
from core.training.points import collocation, on_cpu
from core.training.progress import Progress
from core.training.replacement import solve_in_place
from core.training.sigma import PER_ITERATION, as_text
from core.training.sigma_search import SigmaSearch, damping_of
from core.training.spectrum import residual_spectrum
from core.training.state import RunState, StageRecord

FIT_PRECISION = 1e-12
"""Relative size of the singular values that a fit of one network to another leaves out."""


def add_network(run: RunState, exponent: Exponent, progress: Progress) -> None:
    """Add the present stage's network, scaled by what the stages before it left, and its record.

    The first one of a path takes the parent's solution over, at the parent's problem.

    Raises Interrupted.
    """
    k, stage, on_path = run.position.stage, run.stage, run.position.phase == PATH
    problem = run.problem
    if on_path:
        problem = start_of_path(run.config.continuation.path, problem, run.solution.problem)
    if stage.chebyshev is not None:
        network = polynomials(stage.chebyshev, run.problem.outputs, run.problem.circles)
        epsilon, sigma, frequency = 1.0, None, None
    elif stage.splines is not None:
        network = splined(problem, stage.splines, torch.Generator().manual_seed(run.seed_of(k)))
        epsilon, sigma, frequency = 1.0, None, None
    elif stage.fourier is not None:
        network, epsilon, sigma, frequency = _fourier(run, exponent, progress)
    else:
        network, epsilon, sigma, frequency = _plain(run, exponent)
    centre = None if run.problem.features_follow_lambda else float(run.solution.lam.detach())
    term = Term(network.to(run.device), epsilon, centre)
    alone, first = run.replaces, not len(run.solution.networks)
    solved = stage.begins == "solved" and not first
    if (alone and not solved) or (stage.is_linear and first):
        fit(term, run.solution, collocation(run.config.model_copy(update={"problem": problem}), stage, k, 0), problem)
    if run.solution.problem.kind != problem.kind:
        run.solution = Solution(problem, float(run.solution.lam.detach())).to(run.device)
    run.solution.problem = problem
    run.solution.add(term)
    if solved and run.tried is not None:
        equations.present(run, exponent).mover().move(run.tried)
    elif solved:
        solve_in_place(equations.present(run, exponent), damping_of(stage))
    run.tried = None
    if alone:
        run.solution.keep_last()
    parameters = sum(p.numel() for p in network.parameters())
    run.records.append(StageRecord(k, parameters, epsilon, sigma, frequency))
    measured = "" if frequency is None else f" (f_d = {frequency:.3g})"
    about = f", σ = {as_text(sigma)}{measured}, ε = {epsilon:.2e}" if sigma else ""
    run.say(f"stage {k + 1} of {len(run.config.stages)}: {parameters} parameters{about}")


def _plain(run: RunState, exponent: Exponent) -> tuple[Network, float, None, None]:
    """A fully connected network; one that corrects others starts at zero, scaled by their residual."""
    corrects = len(run.solution.networks) > 0
    on_path = run.position.phase == PATH  # what is left there is nothing, and what is to come is no small correction
    epsilon = equations.rms_residual(run, exponent) if corrects and not on_path else 1.0
    network = mlp(
        run.config.network,
        run.problem.inputs,
        run.problem.outputs,
        torch.Generator().manual_seed(run.seed_of(run.position.stage)),
    )
    if corrects:
        torch.nn.init.zeros_(network.layers[-1].weight)
        torch.nn.init.zeros_(network.layers[-1].bias)
    return network, epsilon, None, None


def _fourier(
    run: RunState, exponent: Exponent, progress: Progress
) -> tuple[Network, float, float | tuple[float, ...], float | None]:
    """Fourier features, whose frequencies and scale are those of the residual so far."""
    k, stage, problem = run.position.stage, run.stage, run.problem
    corrects = len(run.solution.networks) > 0 and not run.replaces
    if run.config.windows is not None and not corrects and not isinstance(stage.fourier.sigma, str):
        known = stage.fourier.sigma  # looking at lines would be a part of each window's time
        network = fourier_of(problem, stage.fourier, known, torch.Generator().manual_seed(run.seed_of(k)))
        return network, 1.0, known, None
    spectrum = residual_spectrum(on_cpu(run), run.config.seed)
    frequency, epsilon = spectrum.dominant, 1.0
    if corrects:
        # arXiv 2509.14185, eq. 19: the correction of a residual of frequency f_d in an equation of order m
        epsilon = equations.rms_residual(run, exponent) / (2 * math.pi * frequency) ** problem.pde_order
    sigma = stage.fourier.sigma
    if sigma == "measured":
        sigma = 2 * math.pi * frequency
    elif sigma == "search":
        exponent.release()
        progress.enter("search for σ", k)
        search = SigmaSearch(run, progress, k, epsilon)
        start = 2 * math.pi * np.array(spectrum.by_input)
        sigma = search.from_few(stage, start, PER_ITERATION * stage.iterations).sigma
    network = fourier_of(problem, stage.fourier, sigma, torch.Generator().manual_seed(run.seed_of(k)))
    return network, epsilon, sigma, frequency


@torch.no_grad()
def fit(term: Term, solution: Solution, points: dict[str, np.ndarray], problem: Problem | None = None) -> None:
    """Give a term's last layer weights with which it nearly equals the solution so far, or the problem's guess.

    Args:
        term: Fourier features, linear in their weights; left as it is where there is neither.
        solution: so far.
        points: point set → (n, d), where the two are to be equal.
        problem: whose network the term is, where that is another than the solution's; it says what it takes over.
    """
    problem = solution.problem if problem is None else problem
    layers = term.network.last
    device = layers[0].weight.device
    rows, values = [[] for _ in layers], []
    for block in points.values():
        x = coordinates(torch.as_tensor(block, device=device), solution.layout)
        lam = None if solution.lam is None else solution.lam.expand(len(block))
        if len(solution.networks):
            raw = [Jet(output, solution.layout) for output in solution.raw(solution.features(x, lam)).unbind(-1)]
            values.append(torch.stack(problem.taken_over(solution.problem, raw, x, lam), dim=-1))
        elif (guess := problem.guess(block)) is not None:
            values.append(torch.as_tensor(guess, device=device))
        else:
            return
        tape: Tape = []
        at = lam if term.centre is None else torch.full_like(lam, term.centre)
        term.network(features_of(problem, x, at, term.network.reads), tape)
        for found, (_, inputs, _) in zip(rows, tape[-len(layers) :], strict=True):
            found.append(inputs[0])
    for layer, blocks, target in zip(
        layers, rows, torch.cat(values).split([len(layer.weight) for layer in layers], dim=1), strict=True
    ):
        _fit_layer(layer, torch.cat(blocks), target, bool(term.network.degrees))


def _fit_layer(layer: JetLinear, design: Tensor, target: Tensor, well_conditioned: bool) -> None:
    """By least squares: what a layer reads (n, in) and what it is to give (n, out)."""
    if layer.bias is not None:
        design = torch.cat([design, torch.ones_like(design[:, :1])], dim=1)
    if well_conditioned:  # polynomials at Gauss nodes are well conditioned: no small singular values to leave out
        weights = torch.linalg.lstsq(design, target, driver="gels").solution
        layer.weight.copy_(weights.T)
        return
    weights = torch.linalg.lstsq(design.cpu(), target.cpu(), rcond=FIT_PRECISION, driver="gelsd").solution
    if layer.bias is None:
        layer.weight.copy_(weights.T)
        return
    layer.weight.copy_(weights[:-1].T)
    layer.bias.copy_(weights[-1])
