"""RunConfig: the one typed, frozen, hashable description of a run.

The form in the browser, the YAML files and the record of an old run are all this. Importing it imports no torch.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import operator
from functools import reduce
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, get_args

import yaml
from pydantic import Field, ValidationError, model_validator

from core.errors import ConfigError
from core.frozen import Extended, Frozen
from core.problems import CATALOGUE

VERSION = 1
"""Version of the config's fields. One more whenever a field is renamed or dropped, with a step in core.migrations."""

LARGEST_FILE = 1_000_000
"""Bytes; a config of twelve stages has some ten thousand."""
MOST_VALUES = 20_000
"""Values in a file, each repetition by a YAML alias counted."""

NO_SUCH_FIELD = "there is no such field"

ProblemConfig = Annotated[reduce(operator.or_, CATALOGUE), Field(discriminator="kind")]
Sigma = Annotated[float, Field(gt=0, le=1e4)]
Sigmas = Annotated[tuple[Sigma, ...], Field(min_length=1, max_length=64)]
Width = Annotated[int, Field(ge=1, le=4096)]
Precision = Literal["auto", "float64", "float32", "tf32", "amp-fp16", "amp-bf16"]


class MLP(Frozen):
    """Fully connected network of the first stage."""

    kind: Literal["mlp"] = "mlp"
    hidden: tuple[Width, ...] = Field((32, 32), min_length=1, max_length=12, description="Width of each hidden layer.")
    activation: Literal["tanh", "sine"] = "tanh"


class Fourier(Frozen):
    """A network whose first layer is [cos Bx, sin Bx], B ~ N(0, σ²) (arXiv 2509.14185, eq. 19)."""

    features: int = Field(100, ge=1, le=20_000, description="Rows of B; the network reads twice as many features.")
    sigma: Literal["measured", "search"] | Sigma | Sigmas = Field(
        "measured",
        title="σ",
        description="Standard deviation of B, one for all inputs or one for each. `measured`: 2π times the dominant "
        "frequency of the residual so far. `search`: from there, by what one step leaves at points not trained on.",
    )
    hidden: tuple[Width, ...] = Field(
        (), max_length=12, description="Hidden tanh layers after the features; none: linear in its weights."
    )


class GaussNewton(Extended):
    """Levenberg–Marquardt: damped Gauss–Newton on the stacked residuals, in float64."""

    added: ClassVar[frozenset[str]] = frozenset({"guard", "dampings"})

    kind: Literal["gauss_newton"] = "gauss_newton"
    damping: float = Field(1e-2, gt=0, le=1e6, description="First damping, for columns of the Jacobian scaled to one.")
    minimum_damping: float = Field(1e-20, gt=0, le=1.0, description="Damping never falls below this, relatively.")
    guard: Literal["geodesic", "line_search"] | None = Field(
        None,
        description="What a step is bettered by. `geodesic`: half the second-order correction along it. `line_search`: "
        "its length is halved before the damping grows. Empty: nothing.",
    )
    dampings: Annotated[int, Field(ge=2, le=12)] | None = Field(
        None, description="So many dampings, each ten times the next, from one factorisation; the best step is taken."
    )


class Auto(Frozen):
    """A second-order method, or Adam, by rows, parameters, free memory and precision; the log says why."""

    kind: Literal["auto"] = "auto"


class Woodbury(Frozen):
    """Gauss–Newton for fewer rows than parameters, with SPRING's momentum."""

    kind: Literal["woodbury"] = "woodbury"
    damping: float = Field(1e-3, gt=0, le=1e6, description="First damping, for rows of the Jacobian of size one.")
    minimum_damping: float = Field(1e-14, gt=0, le=1.0, description="Damping never falls below this, relatively.")
    momentum: float = Field(0.0, ge=0, lt=1, description="SPRING's; 0: none.")


class ConjugateGradient(Frozen):
    """Gauss–Newton that stores no Jacobian: conjugate gradients on products."""

    kind: Literal["conjugate_gradient"] = "conjugate_gradient"
    damping: float = Field(1e-3, gt=0, le=1e6, description="First damping, relative to the loss's own curvature.")
    minimum_damping: float = Field(1e-14, gt=0, le=1.0, description="Damping never falls below this, relatively.")
    tolerance: float = Field(1e-3, gt=0, lt=1, description="Relative residual of the inner solve.")
    products: int = Field(200, ge=1, le=100_000, description="Most products with JᵀJ an iteration.")


class RankOneEMA(Frozen):
    """Gauss–Newton from an average of rank-1 estimates of JᵀJ, with momentum from a 2×2 model."""

    kind: Literal["rank_one_ema"] = "rank_one_ema"
    damping: float = Field(1e-2, gt=0, le=1e6, description="First damping, relative to the estimate's diagonal.")
    minimum_damping: float = Field(1e-12, gt=0, le=1.0, description="Damping never falls below this, relatively.")
    decay: float = Field(0.99, gt=0, lt=1, description="Weight of the old average in each update.")
    probes: int = Field(4, ge=1, le=1000, description="Random vectors an iteration.")


class LBFGS(Frozen):
    """Limited-memory BFGS with a strong Wolfe line search."""

    kind: Literal["lbfgs"] = "lbfgs"
    history: int = Field(100, ge=1, le=10_000, description="Pairs of steps and gradient changes that are kept.")


class SSBroyden(Frozen):
    """Self-scaled Broyden: a dense inverse Hessian and a strong Wolfe line search."""

    kind: Literal["ssbroyden"] = "ssbroyden"


class SOAP(Frozen):
    """Adam in the eigenbasis of Shampoo's preconditioner, with a cosine learning-rate decay."""

    kind: Literal["soap"] = "soap"
    learning_rate: float = Field(3e-3, gt=0, le=10)
    final_learning_rate_ratio: float = Field(0.01, gt=0, le=1, description="Last learning rate over the first.")
    precondition_every: int = Field(10, ge=1, le=10_000, description="Iterations between two eigenbases.")


class Adam(Frozen):
    """Adam with a cosine learning-rate decay."""

    kind: Literal["adam"] = "adam"
    learning_rate: float = Field(1e-3, gt=0, le=10)
    final_learning_rate_ratio: float = Field(0.01, gt=0, le=1, description="Last learning rate over the first.")


class Warmup(Frozen):
    """Adam iterations before a second-order optimizer takes over."""

    iterations: int = Field(0, ge=0, le=1_000_000)
    learning_rate: float = Field(3e-3, gt=0, le=10)
    precision: Precision = Field("auto", description="`auto`: AMP on CUDA, float64 on a CPU.")


class Collocation(Extended):
    """Where the equations are asked for."""

    added: ClassVar[frozenset[str]] = frozenset({"adaptive"})

    points: int = Field(1000, ge=4, le=10_000_000, description="Points in the domain.")
    sampler: Literal["sobol", "uniform", "grid", "chebyshev"] = Field(
        "sobol", description="`chebyshev`: Sobol points denser towards the walls, where a fit would run wild."
    )
    resample_every: int = Field(0, ge=0, description="Draw new points every so many iterations; 0: never.")
    adaptive: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None,
        description="Part of the points that are drawn by the size of the residual: at each new draw, and at the start "
        "of a stage that corrects others.",
    )


FIRST_ORDER = ("adam", "soap")
"""Optimizers that work in any precision; the others need float64."""

OPTIMIZERS = (GaussNewton, Adam, Auto, Woodbury, ConjugateGradient, RankOneEMA, LBFGS, SSBroyden, SOAP)
Optimizer = Annotated[reduce(operator.or_, OPTIMIZERS), Field(discriminator="kind")]


class Stage(Extended):
    """One term Φ_k of the solution Φ = Σ ε_k Φ_k and how it is trained; the terms before it stay frozen."""

    added: ClassVar[frozenset[str]] = frozenset({"gradient_scale", "begins"})

    optimizer: Optimizer = GaussNewton()
    iterations: int = Field(100, ge=1, le=10_000_000)
    warmup: Warmup = Warmup()
    target_residual: Annotated[float, Field(gt=0)] | None = Field(
        None, description="Stop the stage early once the largest residual is at most this."
    )
    patience: int = Field(
        15, ge=1, le=1_000_000, description="Stop after so many iterations without 1 % less loss (second order only)."
    )
    collocation: Collocation = Collocation()
    precision: Precision = Field("auto", description="`auto`: float64 for second order and on a CPU, else AMP.")
    fourier: Fourier | None = Field(None, description="Gives this stage a network of Fourier features.")
    checkpoint_every: int = Field(50, ge=1, le=10_000_000, description="Iterations between checkpoints.")
    gradient_scale: Annotated[float, Field(gt=0, le=1e9)] | None = Field(
        None,
        description="Residuals are divided by √(1 + |∇u|²/s²), s this value: steep places weigh less. Empty: no.",
    )

    begins: Literal["fitted"] | None = Field(
        None,
        description="`fitted`: Fourier features, linear in their weights, are fitted to the solution so far and take "
        "its place. Empty: the stage adds a correction to it.",
    )

    @model_validator(mode="after")
    def _only_linear_networks_are_fitted(self) -> Stage:
        if self.begins and (self.fourier is None or self.fourier.hidden):
            raise ValueError("begins 'fitted' goes with fourier without hidden layers alone")
        return self

    @model_validator(mode="after")
    def _second_order_needs_float64(self) -> Stage:
        if self.optimizer.kind not in (*FIRST_ORDER, "auto") and self.precision not in ("auto", "float64"):
            raise ValueError(
                f"precision {self.precision!r} does not go with {self.optimizer.kind}, which needs float64; "
                "allowed: auto, float64"
            )
        return self


class Lambda(Extended):
    """How the unknown exponent λ is treated; without effect on problems that have none."""

    added: ClassVar[frozenset[str]] = frozenset({"step", "relax"})

    mode: Literal["trainable", "fixed", "analytic", "funnel"] = Field(
        "trainable",
        description="`trainable`: one more parameter. `fixed`: kept at its start. `analytic`: what the condition at "
        "the origin says. `funnel`: frozen, the network relaxed, the next λ by secant on the signed residual at the "
        "origin; later stages release it.",
    )
    start: float | None = Field(None, gt=0, lt=100, description="Empty: the problem's own start value.")
    release_after: int = Field(5, ge=0, le=1_000_000, description="λ stays at its start for so many iterations.")
    step: Annotated[float, Field(ge=-1, le=1)] | None = Field(
        None, description="From the funnel's first λ to its second. Empty: 0.002."
    )
    relax: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        None, description="Most iterations at each λ of the funnel, three times as many at the first. Empty: 30."
    )


class RunConfig(Frozen):
    """Everything that decides what a run computes, and its name, which does not count towards the hash."""

    version: Literal[1] = 1
    name: str = Field("", max_length=120, description="For people; not part of the hash.")
    problem: ProblemConfig
    network: MLP = MLP()
    stages: tuple[Stage, ...] = Field((Stage(),), min_length=1, max_length=12)
    lambda_: Lambda = Field(Lambda(), alias="lambda", title="λ")
    seed: int = Field(0, ge=0, lt=2**32)
    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda|cuda:\d{1,2})$")] = Field(
        "auto", description="auto (a free GPU, else the CPU), cpu, cuda or cuda:N."
    )
    parent: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = Field(
        None, description="Run whose solution is frozen as the start of this one."
    )

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
    def _one_sigma_for_each_input(self) -> RunConfig:
        for k, stage in enumerate(self.stages):
            sigma = stage.fourier.sigma if stage.fourier else None
            if isinstance(sigma, tuple) and len(sigma) != self.problem.inputs:
                raise ValueError(
                    f"stages.{k}.fourier.sigma: {len(sigma)} values for the {self.problem.inputs} inputs of "
                    f"{self.problem.title}; allowed: one value, or one for each input"
                )
        return self

    def canonical_json(self) -> str:
        """All fields, defaults included, keys sorted, floats in Python's shortest form: one text for one meaning."""
        return json.dumps(_plain_zero(self.model_dump(mode="json", by_alias=True)), sort_keys=True, ensure_ascii=False)

    def flat(self) -> dict[str, Any]:
        """Every leaf by its path, `stages.0.iterations` → 80; lists of plain values are leaves."""
        return flatten(self.model_dump(mode="json", by_alias=True))

    @property
    def hash(self) -> str:
        """SHA-256 (hex) of the canonical JSON without the name."""
        data = _plain_zero(self.model_dump(mode="json", by_alias=True, exclude={"name"}))
        text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()


def flatten(value: Any, path: str = "") -> dict[str, Any]:
    """Every leaf of plain data by its path; lists of plain values are leaves."""
    if isinstance(value, dict):
        items = ((f"{path}.{key}" if path else key, item) for key, item in value.items())
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        items = ((f"{path}.{index}", item) for index, item in enumerate(value))
    else:
        return {path: value}
    return {leaf: item for key, inner in items for leaf, item in flatten(inner, key).items()}


def _plain_zero(value: Any) -> Any:
    """−0.0 means 0.0 wherever a config has one."""
    if isinstance(value, dict):
        return {key: _plain_zero(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain_zero(item) for item in value]
    return 0.0 if isinstance(value, float) and value == 0 else value


def parse_config(data: Any) -> RunConfig:
    """A RunConfig from plain data. Raises ConfigError naming each field at fault, its value and what is allowed."""
    check_version(data)
    try:
        return RunConfig.model_validate(data)
    except ValidationError as error:
        raise ConfigError([line for _, line in field_errors(error)]) from None


def check_version(data: Any, version: int = VERSION) -> int:
    """The version that plain data of a config was made by, `version` where it does not say.

    Raises ConfigError for what is no config, and for the config of a newer program, of which nothing may be guessed.
    """
    if not isinstance(data, dict):
        raise ConfigError([f"a run's config is a mapping of fields, not {_kind_of(data)}"])
    made_by = data.get("version", version)
    number = isinstance(made_by, int | float) and not isinstance(made_by, bool)
    if not number or not float(made_by).is_integer() or made_by < 0:
        raise ConfigError([f"version: {_short(made_by)} is not allowed; it should be {version}"])
    if made_by > version:
        raise ConfigError(
            [f"version: the config was made by version {made_by}, this program reads up to {version}; update it"]
        )
    return int(made_by)


def read_data(raw: bytes, name: str) -> dict[str, Any]:
    """The fields in a YAML or JSON file's bytes, a preset's `config` where it is one; not yet validated.

    Raises ConfigError when it is too large, no text, neither YAML nor JSON, or no mapping.
    """
    if len(raw) > LARGEST_FILE:
        raise ConfigError([f"{name} has {len(raw) / 1e6:.1f} MB, and a config at most {LARGEST_FILE / 1e6:.0f}"])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError([f"{name} can't be read: it is no UTF-8 text"]) from None
    try:
        data = _plain_data(text)
    except RecursionError:
        raise ConfigError([f"{name} can't be read: it is nested too deeply"]) from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that is none
        raise ConfigError([f"{name} is neither YAML nor JSON: {_short(' '.join(str(error).split()), 200)}"]) from None
    if _more_values_than(MOST_VALUES, data):
        raise ConfigError([f"{name} has more than {MOST_VALUES:,} values, and no config needs so many"])
    if isinstance(data, dict) and isinstance(data.get("config"), dict):
        data = data["config"]
    if not isinstance(data, dict):
        raise ConfigError([f"{name} holds {_kind_of(data)}, and a run's config is a mapping of fields"])
    return data


def _plain_data(text: str) -> Any:
    """JSON as JSON, since YAML 1.1 takes its 1e-20 for a word; everything else as YAML."""
    try:
        return json.loads(text)
    except ValueError:
        return yaml.safe_load(text)


def _more_values_than(limit: int, data: Any) -> bool:
    """Whether data has more values than that; ends for data that contains itself, too."""
    waiting, seen = [data], 0
    while waiting:
        value = waiting.pop()
        seen += 1
        if seen > limit:
            return True
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list | set | tuple):
            waiting.extend(value)
    return False


def _kind_of(data: Any) -> str:
    names = {type(None): "nothing", list: "a list", str: "a text"}
    return names.get(type(data), f"a value of type {type(data).__name__}")


def load_config(path: Path) -> RunConfig:
    """A RunConfig from a YAML or JSON file written for this version. Raises ConfigError."""
    return parse_config(load_data(path))


def load_data(path: Path) -> dict[str, Any]:
    """The fields in a YAML or JSON file, not yet validated. Raises ConfigError."""
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise ConfigError([f"{path} can't be read: {error.strerror or error}"]) from None
    return read_data(raw, str(path))


def override(config: RunConfig, settings: list[str]) -> RunConfig:
    """`config` with `path.to.field=value` settings applied, values read as YAML. Raises ConfigError."""
    data = config.model_dump(mode="json", by_alias=True)
    for setting in settings:
        path, equals, text = setting.partition("=")
        if not equals or not path:
            raise ConfigError([f"--set {setting}: write it as field=value, for example stages.0.iterations=200"])
        keys = path.strip().split(".")
        place: Any = data
        for depth, key in enumerate(keys):
            last = depth == len(keys) - 1
            if isinstance(place, list):
                if not key.isdigit() or int(key) >= len(place):
                    where = ".".join(keys[:depth])
                    raise ConfigError([f"{path}: {where} has entries 0 to {len(place) - 1}, not {key!r}"])
                key = int(key)
            elif isinstance(place, dict) and not last and not isinstance(place.get(key), dict | list):
                place[key] = {}
            if last:
                place[key] = _yaml_scalar(text, path)
            else:
                place = place[key]
    return parse_config(data)


def _yaml_scalar(text: str, path: str) -> Any:
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise ConfigError([f"{path}: {text!r} is not a value"]) from None
    if isinstance(value, str):  # YAML 1.1 takes 1e-8 for a word
        try:
            return float(value)
        except ValueError:
            return value
    return value


def field_errors(error: ValidationError) -> list[tuple[tuple[str | int, ...], str]]:
    """(path of the field, one clear line) for each error of a RunConfig, duplicates from unions removed."""
    seen: dict[tuple[str | int, ...], list[str]] = {}
    for item in error.errors(include_url=False):
        path = tuple(part for part in item["loc"] if not _is_union_tag(part))
        if item["type"] == "too_short" and any(known[: len(path)] == path for known in seen):
            continue  # pydantic also counts only the valid entries of a list in which another entry is at fault
        lines = seen.setdefault(path, [])
        line = _explain(item, path)
        lines.append(line.split(" should ")[-1] if lines and " should " in line else line)
    return [(path, " or ".join(dict.fromkeys(lines))) for path, lines in seen.items()]


_TAGS = {get_args(c.model_fields["kind"].annotation)[0] for c in (*CATALOGUE, *OPTIMIZERS)} | {"Fourier"}


def _is_union_tag(part: str | int) -> bool:
    return isinstance(part, str) and (
        part in _TAGS or part.startswith(("literal[", "constrained-", "function-", "tuple["))
    )


def _explain(item: dict[str, Any], path: tuple[str | int, ...]) -> str:
    name = ".".join(str(part) for part in path) or "config"
    kind, context, value = item["type"], item.get("ctx", {}), item["input"]
    if kind == "extra_forbidden":
        known = _field_names()
        near = difflib.get_close_matches(str(path[-1]), known, n=1)
        return f"{name}: {NO_SUCH_FIELD}" + (f"; did you mean {near[0]!r}?" if near else "")
    if kind == "invalid_key":
        return f"{name}: {NO_SUCH_FIELD}; fields have names"
    if kind == "missing":
        return f"{name}: is missing"
    if kind == "union_tag_invalid":
        outside = " (a problem from a file outside needs LAB_PROBLEMS to name it)" if name == "problem" else ""
        return f"{name}.kind: {context['tag']!r} is not known; allowed: {context['expected_tags']}{outside}"
    if kind == "union_tag_not_found":
        return f"{name}.kind: is missing"
    if kind == "value_error":
        text = str(context["error"])
        return f"{name}: {text}" if path else text
    if kind in ("too_short", "too_long"):
        wanted = f"at least {context.get('min_length')}" if kind == "too_short" else f"at most {context['max_length']}"
        return f"{name}: has {context['actual_length']} entries; allowed: {wanted}"
    shown = _short(value)
    if path == ("device",):
        return f"{name}: {shown} is not allowed; it should be auto, cpu, cuda or cuda:N"
    message = item["msg"].removeprefix("Input ").removeprefix("String ").removeprefix("should ")
    return f"{name}: {shown} is not allowed; it should {message}"


def _short(value: Any, length: int = 60) -> str:
    text = value if isinstance(value, str) and length > 60 else repr(value)
    return text if len(text) <= length else text[: length - 3] + "…"


def _field_names() -> set[str]:
    models = [RunConfig, Stage, Lambda, MLP, Fourier, GaussNewton, Adam, Warmup, Collocation, *CATALOGUE]
    return {field.alias or name for model in models for name, field in model.model_fields.items()}
