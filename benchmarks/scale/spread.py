"""One run's least squares in two processes, and in one: `python -m benchmarks.scale spread`.

Each process has one thread; they find each other as a run's do, over gloo. What is timed are iterations of
Levenberg–Marquardt with everything in them: the Jacobian, JᵀJ or the triangle, solves, trial losses. Beside other work
the clock tells of that work too. The first process's seconds on a processor tell less of it: they have its part and all
that can't be shared.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.scale.case import Case, Figure, NotHereError

ROWS, HIDDEN = 20_000, (32, 56)  # 2,001 unknowns
WAYS = {"JᵀJ": 1e-2, "TSQR": 1e-9}
"""How a step is found → damping that asks for it."""
ITERATIONS, ROUNDS = 2, 2
PLACES = 400
"""Points in which both solutions are compared."""


def measure() -> list[Figure]:
    """Rounds of one process and two, one after the other, so that both see the same load; the best of each."""
    if len(os.sched_getaffinity(0)) < 2:
        raise NotHereError("two processes need two cores")
    seconds: dict[tuple[str, int], list[float]] = {}
    busy: dict[tuple[str, int], list[float]] = {}
    ends, constants = {}, {}
    for _ in range(ROUNDS):
        for way in WAYS:
            for count in (1, 2):
                found = _trained(way, count)
                seconds.setdefault((way, count), []).extend(found["seconds"])
                busy.setdefault((way, count), []).extend(found["busy"])
                ends[way, count] = found["promised"], found["losses"], found["values"]
                constants |= found["constants"]
    figures = []
    for way in WAYS:
        one, two = (min(seconds[way, count]) for count in (1, 2))
        spread = statistics.median(seconds[way, 1]) / statistics.median(seconds[way, 2])
        computed = min(busy[way, 1]) / min(busy[way, 2])
        (own, losses, values), (its, others, there) = ends[way, 1], ends[way, 2]
        apart = [abs(a - b) / abs(a) for a, b in zip(losses, others, strict=True)]
        largest = max(map(abs, values))
        moved = max(abs(a - b) for a, b in zip(values, there, strict=True)) / largest
        figures += [
            Figure(f"{way}: an iteration in one process", round(one, 3), "s"),
            Figure(f"{way}: in two", round(two, 3), "s"),
            Figure(f"{way}: so many times as fast", round(one / two, 3), "", "at least", 1.6),
            Figure(f"{way}: by medians", round(spread, 3)),
            Figure(f"{way}: by the first one's processor seconds", round(computed, 3)),
            Figure(
                f"{way}: what the first step promises apart, relatively", abs(own - its) / own, "", "at most", 1e-12
            ),
            Figure(f"{way}: losses after {ITERATIONS} steps apart, which carry rounding on", max(apart)),
            Figure(f"{way}: solutions after them apart", moved),
        ]
    figures += [Figure(what, value) for what, value in constants.items()]
    return [*figures, Figure("load of the machine", round(os.getloadavg()[0], 1))]


def _trained(way: str, count: int) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "out.json")
        common = {
            **os.environ,
            **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
            "LAB_RENDEZVOUS": str(Path(folder, "meeting")),
            "GLOO_SOCKET_IFNAME": "lo",
            "WORLD_SIZE": str(count),
        }
        command = [sys.executable, "-m", "benchmarks.scale.spread", way, str(out), str(ITERATIONS)]
        ranks = [
            subprocess.Popen(command, env=common | {"RANK": str(rank), "LOCAL_RANK": str(rank)})
            for rank in range(count)
        ]
        codes = [each.wait() for each in ranks]
        if any(codes):
            raise RuntimeError(f"processes ended with {codes}")
        return json.loads(out.read_text())


def _rank(way: str, out: Path, iterations: int) -> None:
    """What a process does: helps, or measures and writes down."""
    import numpy as np
    import torch

    from core.config import MLP, parse_config
    from core.networks.layers import mlp
    from core.networks.solution import Solution, Term
    from core.optimizers.gauss_newton import DampedSystem, GaussNewton
    from core.optimizers.rows import read
    from core.training.arithmetic import ARITHMETICS
    from core.training.objective import Objective
    from core.training.objective.weighing import ALIKE
    from core.training.points import collocation
    from core.training.spread import Ranks, SpreadObjective, help_out
    from core.training.spread.part import Points
    from core.training.spread.ranks import Place

    torch.set_num_threads(1)
    place = Place.told()
    ranks = None if place is None else Ranks(place, False, {})
    if ranks is not None and not ranks.first:
        help_out(ranks)
        return
    stage = {"collocation": {"points": ROWS}}
    config = parse_config({"problem": {"kind": "poisson2d"}, "stages": [stage]})
    solution = Solution(config.problem, None)
    solution.add(Term(mlp(MLP(hidden=HIDDEN), 2, 1, torch.Generator().manual_seed(0)), 1.0))
    points = collocation(config, config.stages[0], 0, 0)
    objective = Objective(solution, points)
    if ranks is not None:
        described = {"config": config.canonical_json(), "window": None}
        exact = ARITHMETICS["float64"]
        objective = SpreadObjective(ranks, ranks.world, solution, Points(points, None, ALIKE), exact, lambda: described)
    _, slopes = objective.slopes()
    rows = read(slopes)
    promised = rows.decrease(DampedSystem(rows, rows.norms()).step(WAYS[way])) / rows.loss()
    del rows, slopes
    optimizer = GaussNewton(WAYS[way], WAYS[way])
    seconds, busy, losses = [], [], []
    for _ in range(iterations):
        optimizer.damping.value = WAYS[way]
        began, used = time.perf_counter(), time.process_time()
        losses.append(optimizer.iterate(objective)[1].loss)
        seconds.append(time.perf_counter() - began)
        busy.append(time.process_time() - used)
    values = solution.fields_at(np.random.default_rng(0).uniform(0, 1, (PLACES, 2)))["u"]
    constants = {} if ranks is None else _constants(ranks, objective)
    if ranks is not None:
        ranks.leave()
    found = {
        "seconds": seconds,
        "busy": busy,
        "promised": promised,
        "losses": losses,
        "values": values.tolist(),
        "constants": constants,
    }
    out.write_text(json.dumps(found))


def _constants(ranks, objective) -> dict[str, float]:
    """What the formula of docs/scaling.md is fed with, as far as this machine tells."""
    import torch

    from core.optimizers import triangle
    from core.training.spread.calls import Call

    def best(work) -> float:
        found = []
        for _ in range(3):
            began = time.perf_counter()
            work()
            found.append(time.perf_counter() - began)
        return min(found)

    n = objective.columns
    objective.slopes()
    R = torch.eye(n, dtype=torch.float64) * 3 + torch.randn(n, n, dtype=torch.float64).triu() / n
    A = triangle.column_major(4 * n, n, R)
    A.normal_()
    B = A[:n].clone()
    y = torch.randn(n, dtype=torch.float64)
    numbers = len(triangle.packed(R))
    factorised, multiplied = best(lambda: triangle.factorise(A.clone())), best(lambda: A.mT @ A)
    small = best(lambda: objective.call(Call.NORMS)) - best(lambda: objective._part.norms())
    summed = best(lambda: objective.call(Call.GRAM)) - best(lambda: objective._part.gram())
    return {
        "numbers in a triangle as it is sent": numbers,
        "a call and a sum of P numbers (latency), ms": round(1e3 * max(0.0, small), 3),
        "summing a triangle of two processes, GB/s": round(8e-9 * numbers / max(1e-9, summed), 3),
        "QR of 4P × P, Gflop/s": round((2 * 4 - 2 / 3) * n**3 / factorised / 1e9, 1),
        "AᵀA of 4P × P, Gflop/s": round(2 * 4 * n**3 / multiplied / 1e9, 1),
        "two triangles into one, s": round(best(lambda: triangle.stack(R.clone(), y.clone(), B.triu(), y.clone())), 3),
    }


CASES = (Case("spread", "two ranks on two cores against one process of one thread, 20,000 × 2,001", measure),)


if __name__ == "__main__":
    _rank(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
