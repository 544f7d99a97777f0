"""RunConfig: the one typed, frozen, hashable description of a run."""

from __future__ import annotations

import hashlib
import json
import operator
from functools import reduce
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from core.config.continuation import Continuation
from core.config.differences import Difference, differing, flatten
from core.config.growth import AnyGrowth, why_no_growth
from core.config.network import MLP
from core.config.stage import Stage
from core.config.windows import Windows
from core.frozen import Extended
from core.plain_text import has_control, printable
from core.problems import CATALOGUE
from core.rules import MOST_RULES, AnyRule, Retry

VERSION = 1
"""Version of the config's fields. One more whenever a field is renamed or dropped, with a step in core.migrations."""

MOST_STAGES = 12

ProblemConfig = Annotated[reduce(operator.or_, CATALOGUE), Field(discriminator="kind")]


def _without_control(name: str) -> str:
    if has_control(name):
        raise ValueError(f"'{printable(name)}' holds a character that is none to read (a line break, ESC, a change of "
                         "direction); leave it out")  # fmt: skip
    return name


class Lambda(Extended):
    """How the unknown exponent λ is treated; without effect on problems that have none."""

    added: ClassVar[frozenset[str]] = frozenset({"release_stage", "step", "relax"})

    mode: Literal["trainable", "fixed", "analytic", "funnel"] = Field(
        "trainable",
        description="`trainable`: one more parameter. `fixed`: kept at its start. `analytic`: what the condition at "
        "the origin says. `funnel`: frozen, the network relaxed, the next λ by secant on the signed residual at the "
        "origin; later stages release it.",
    )
    start: float | None = Field(None, gt=0, lt=100, description="Empty: the problem's own start value.")
    release_after: int = Field(
        5,
        ge=0,
        le=1_000_000,
        description="λ stays at its start for so many iterations: the run's first, or those of the stage that "
        "releases it.",
    )
    release_stage: Annotated[int, Field(ge=2, le=MOST_STAGES)] | None = Field(
        None,
        description="λ stays at its start until this stage begins, the first being 1. Empty: the first stage "
        "releases it. A grid too coarse for the profile is flat in λ, and would let it drift.",
    )
    step: Annotated[float, Field(ge=-1, le=1)] | None = Field(
        None, description="From the funnel's first λ to its second. Empty: 0.002."
    )
    relax: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        None, description="Most iterations at each λ of the funnel, three times as many at the first. Empty: 30."
    )


UNCOUNTED = ("name", "watch", "retry")
"""Fields that change nothing of what a run computes: no part of the hash, nor of a comparison."""


class RunConfig(Extended):
    """Everything that decides what a run computes; and its name and how it is guarded, which the hash leaves out."""

    added: ClassVar[frozenset[str]] = frozenset(
        {"parent_checkpoint", "continuation", "windows", "watch", "retry", "growth"}
    )

    version: Literal[1] = Field(1, description="Of the config's fields; older ones are read, newer ones refused.")
    name: Annotated[str, AfterValidator(_without_control)] = Field(
        "", max_length=120, description="For people; not part of the hash."
    )
    problem: ProblemConfig
    network: MLP = MLP()
    stages: tuple[Stage, ...] = Field((Stage(),), min_length=1, max_length=MOST_STAGES)
    growth: AnyGrowth | None = Field(
        None,
        description="`auto`: after the stages as many features as it takes, points and σ found by trying. Empty: no.",
    )
    lambda_: Lambda = Field(Lambda(), alias="lambda", title="λ")
    seed: int = Field(0, ge=0, lt=2**32, description="Of weights and points: the same seed, the same run.")
    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda|cuda:\d{1,2})$")] = Field(
        "auto", description="auto (a free GPU, else the CPU), cpu, cuda or cuda:N."
    )
    parent: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = Field(
        None, description="Run whose solution is frozen as the start of this one."
    )
    parent_checkpoint: Literal["best"] | None = Field(
        None, description="`best`: its best checkpoint, by the largest residual. Empty: its last."
    )
    continuation: Continuation | None = Field(
        None, description="The way from the problem that the parent solved to this one. Empty: it starts there at once."
    )
    windows: Windows | None = Field(
        None,
        description="Time is cut into windows, each trained from the last one's end, for long times and chaos. "
        "Empty: all of it at once.",
    )
    watch: Annotated[tuple[AnyRule, ...], Field(max_length=MOST_RULES)] | None = Field(
        None, description="Rules on the run's curve, besides the lab's; not part of the hash."
    )
    retry: Retry | None = Field(
        None, description="How a crash is tried again, in place of the lab's way; not part of the hash."
    )

    @model_validator(mode="before")
    @classmethod
    def _no_checkpoint_without_parent(cls, data: Any) -> Any:
        """Without a parent its checkpoint means nothing, and must not count towards the hash."""
        if isinstance(data, dict) and data.get("parent") is None and "parent_checkpoint" in data:
            return {name: value for name, value in data.items() if name != "parent_checkpoint"}
        return data

    @model_validator(mode="after")
    def _begins_at_a_value(self) -> RunConfig:
        """Features and polynomials begin at what the ansatz says; a network of layers begins beside it."""
        if self.parent is None and self.stages[0].is_linear and (why := self.problem.why_no_start()):
            raise ValueError(
                f"problem: {why}. Give a field of which no condition says where it begins another start, or begin with "
                "a stage of layers (network), which begins elsewhere"
            )
        return self

    @model_validator(mode="after")
    def _path_leads_somewhere(self) -> RunConfig:
        if self.continuation is None:
            return self
        path, problem = self.continuation.path, self.problem
        if path not in problem.paths():
            offered = f"it has {', '.join(problem.paths())}" if problem.paths() else "it has none"
            raise ValueError(f"continuation.path: {problem.title} has no numeric parameter {path!r}; {offered}")
        if problem.along(path) is None:
            raise ValueError(f"continuation.path: {path} is empty here, so nothing leads to it; give it a value")
        if self.parent is None:
            raise ValueError("continuation: a path starts from the solution of a parent run, and parent names none")
        return self

    @model_validator(mode="after")
    def _time_can_be_cut(self) -> RunConfig:
        if self.windows is None:
            return self
        if why := self.problem.why_not_cut():
            raise ValueError(f"windows: the time of {self.problem.title} can't be cut: {why}; leave windows empty")
        if self.growth is not None:
            raise ValueError(
                "windows: a run in windows has the stages that it is given; leave growth empty (growth=null)"
            )
        if self.parent is not None:
            raise ValueError("windows: a run in windows starts from its problem's beginning; leave parent empty")
        time = self.problem.coordinates.index(self.problem.time)
        self.windows.cut(*self.problem.domain()[time])
        return self

    @model_validator(mode="after")
    def _lambda_mode_fits(self) -> RunConfig:
        mode = self.lambda_.mode
        if mode not in ("analytic", "funnel") or not self.problem.has_lambda:
            return self
        if self.problem.origin_condition is None:
            raise ValueError(
                f"lambda.mode: {mode!r} needs a condition at the origin that fixes {self.problem.unknown}, and "
                f"{self.problem.title} has none; allowed: trainable, fixed"
            )
        stages = self.stages[:1] if mode == "funnel" else self.stages
        for k, stage in enumerate(stages):
            if stage.optimizer.kind != "gauss_newton" or stage.warmup.iterations:
                raise ValueError(
                    f"stages.{k}: lambda.mode {mode!r} goes with the optimizer gauss_newton and no warm-up"
                )
        return self

    @model_validator(mode="after")
    def _one_step_has_no_unknown(self) -> RunConfig:
        for k, stage in enumerate(self.stages):
            if stage.begins == "solved" and self.problem.has_lambda:
                raise ValueError(
                    f"stages.{k}.begins: 'solved' goes with problems without an unknown, and {self.problem.title} has "
                    f"{self.problem.unknown}; allowed: fitted, or empty"
                )
        return self

    @model_validator(mode="after")
    def _growth_is_of_a_known_equation(self) -> RunConfig:
        if self.growth is not None and (why := why_no_growth(self.problem)):
            raise ValueError(f"growth: {self.problem.title} can't have it: {why}; leave growth empty")
        if self.growth is not None and len(self.stages) >= MOST_STAGES:
            raise ValueError(
                f"growth: it adds stages, and there are {len(self.stages)} already; a run has {MOST_STAGES} at most: "
                "take a stage away, or leave growth empty"
            )
        return self

    @model_validator(mode="after")
    def _nothing_is_found_again_and_again(self) -> RunConfig:
        for k, stage in enumerate(self.stages):
            if stage.chebyshev is None or not stage.chebyshev.is_to_be_found:
                continue
            if self.windows is not None or self.continuation is not None:
                what = "windows" if self.windows is not None else "continuation"
                raise ValueError(
                    f"stages.{k}.chebyshev: `found` is for a run that is trained once, and this one has {what}; write "
                    "parity and layers down, or leave them empty"
                )
        return self

    @model_validator(mode="after")
    def _lambda_is_released(self) -> RunConfig:
        stage = self.lambda_.release_stage
        if stage is not None and stage > len(self.stages):
            raise ValueError(f"lambda.release_stage: {stage}, and there are {len(self.stages)} stages")
        return self

    @model_validator(mode="after")
    def _one_sigma_for_each_input(self) -> RunConfig:
        for k, stage in enumerate(self.stages):
            sigma = stage.fourier.sigma if stage.fourier else None
            if isinstance(sigma, tuple) and len(sigma) != self.problem.inputs:
                raise ValueError(
                    f"stages.{k}.fourier.sigma: {len(sigma)} values for the {self.problem.inputs} inputs of "
                    f"{self.problem.title}; allowed: one value, or one for each input"
                )
        return self

    @model_validator(mode="after")
    def _one_count_for_each_input(self) -> RunConfig:
        for k, stage in enumerate(self.stages):
            degrees = stage.chebyshev.degrees if stage.chebyshev else None
            wanted = self.problem.inputs - len(self.problem.circles)
            if degrees is not None and len(degrees) != wanted:
                raise ValueError(
                    f"stages.{k}.chebyshev.degrees: {len(degrees)} numbers for the {wanted} inputs of "
                    f"{self.problem.title}; allowed: one for each input"
                )
            shape, coordinates = stage.collocation.shape, self.problem.coordinates
            if shape is not None and len(shape) != len(coordinates):
                raise ValueError(
                    f"stages.{k}.collocation.shape: {len(shape)} numbers for the coordinates {', '.join(coordinates)}; "
                    "allowed: one for each"
                )
        return self

    @model_validator(mode="after")
    def _splines_are_of_the_coordinates(self) -> RunConfig:
        for k, stage in enumerate(self.stages):
            if stage.splines is None:
                continue
            if not self.problem.reads_coordinates:
                raise ValueError(
                    f"stages.{k}.splines: {self.problem.title} has inputs other than its coordinates (periodic, "
                    "mirrored or stretched ones); allowed: fourier or chebyshev"
                )
            given, names = stage.splines.knots, self.problem.coordinates
            if set(given) != set(names):
                raise ValueError(
                    f"stages.{k}.splines.knots: for {', '.join(given)}, and the coordinates are {', '.join(names)}; "
                    "allowed: those of each of them"
                )
            for name, (low, high) in zip(names, self.problem.domain(), strict=True):
                own = given[name]
                if not isinstance(own, int) and (own[0], own[-1]) != (low, high):
                    raise ValueError(
                        f"stages.{k}.splines.knots.{name}: from {own[0]:g} to {own[-1]:g}; allowed: from {low:g} to "
                        f"{high:g}, as {name} goes"
                    )
        return self

    @model_validator(mode="after")
    def _rows_of_the_problem_can_be_spread(self) -> RunConfig:
        for k, stage in enumerate(self.stages):
            if stage.processes is None:
                continue
            if names := self.problem.integral_names:
                raise ValueError(
                    f"stages.{k}.processes: each row of {self.problem.title} has integrals over all points "
                    f"({', '.join(names)}), so they can't be spread; leave it empty"
                )
            if self.problem.has_lambda and self.lambda_.mode == "analytic":
                raise ValueError(
                    f"stages.{k}.processes: lambda.mode 'analytic' needs all rows in one process; leave it empty, or "
                    "take trainable, fixed or funnel"
                )
            if self.device.startswith("cuda:"):
                raise ValueError(
                    f"stages.{k}.processes: {self.device} is one GPU, and each process needs its own; allowed: auto, "
                    "cpu, cuda"
                )
        return self

    @property
    def window_count(self) -> int:
        """How many windows of time it begins with; 1 where time is not cut."""
        if self.windows is None:
            return 1
        return len(self.windows.cut(*self.problem.domain()[self.problem.coordinates.index(self.problem.time)]))

    def canonical_json(self) -> str:
        """All fields, defaults included, keys sorted, floats in Python's shortest form: one text for one meaning."""
        return json.dumps(_plain_zero(self.model_dump(mode="json", by_alias=True)), sort_keys=True, ensure_ascii=False)

    def flat(self) -> dict[str, Any]:
        """Every leaf by its path, `stages.0.iterations` → 80; lists of plain values are leaves."""
        return flatten(self.model_dump(mode="json", by_alias=True))

    @property
    def hash(self) -> str:
        """SHA-256 (hex) of the canonical JSON without `UNCOUNTED`."""
        data = _plain_zero(self.model_dump(mode="json", by_alias=True, exclude=set(UNCOUNTED)))
        text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()


def _plain_zero(value: Any) -> Any:
    """−0.0 means 0.0 wherever a config has one."""
    if isinstance(value, dict):
        return {key: _plain_zero(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain_zero(item) for item in value]
    return 0.0 if isinstance(value, float) and value == 0 else value


def differences(before: RunConfig, after: RunConfig) -> tuple[Difference, ...]:
    """The differing fields of two configs by path, `UNCOUNTED` left out."""
    exclude = set(UNCOUNTED)
    return differing(*(config.model_dump(mode="json", by_alias=True, exclude=exclude) for config in (before, after)))
