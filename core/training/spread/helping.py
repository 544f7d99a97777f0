"""What the other processes of a run do: wait for a call, answer it, until there is none any more."""

from __future__ import annotations

import json
from typing import Any

import torch

from core.migrations import read_config
from core.problems import Problem
from core.problems.base import Samples
from core.training.arithmetic import ARITHMETICS
from core.training.checkpoint import arrived
from core.training.march import Window
from core.training.objective.weighing import Weighing
from core.training.spread.calls import Call, answer, awaited, unpacked, with_given
from core.training.spread.part import Part, Points
from core.training.spread.ranks import Ranks


def help_out(ranks: Ranks) -> None:
    """Hold a part of the rows for the first process, until it needs no help. Raises RankLostError when it is gone."""
    ranks.listen()
    part: Part | None = None
    while True:
        call, size, length = awaited(ranks)
        if call is Call.END:
            return
        if call is Call.HERE:
            ranks.here()
            continue
        if ranks.rank >= size:
            continue
        if call is Call.BEGIN:
            part = None  # it makes room for the next
            part = _part(ranks, size, unpacked(ranks.told(torch.empty(length, dtype=torch.uint8), size)))
            continue
        given = torch.empty_like(part.theta()) if with_given(call) else None
        answer(ranks, call, size, part, given)


def _part(ranks: Ranks, size: int, data: dict[str, Any]) -> Part:
    torch.set_num_threads(data["threads"])
    how = ARITHMETICS[data["arithmetic"]]
    solution = arrived(_problem(data), data["solution"]).to(ranks.device).to(how.dtype)
    solution.free_unknowns(data["free"])
    samples = data["samples"]
    if samples is not None:
        values = {field: column.numpy() for field, column in samples["values"].items()}
        samples = Samples(samples["points"].numpy(), values, samples["weight"])
    sets = {name: block.numpy() for name, block in data["points"].items()}
    points = Points(sets, samples, Weighing.of_plain(data["weighing"]), frozenset(data["whole"]))
    return Part(solution, points, ranks.rank, size, how, data["names"])


def _problem(data: dict[str, Any]) -> Problem:
    problem = read_config(json.loads(data["config"]), complete=True).config.problem
    if data["window"] is None:
        return problem
    start = data["window"]["start"]
    window = Window(**{**data["window"], "start": None if start is None else problem.state_of(start)})
    return window.of(problem)
