"""The solution of a run: Φ = Σ ε_k Φ_k, evaluable with derivatives on any device and in any dtype."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd import forward_ad

from core.errors import LabError, TrainingError
from core.forms import Layout, MultiIndex, derivative
from core.jets import Jet, blocks_of, coordinates, sides_of, stack
from core.networks.evaluation import evaluated, points_at_once, sums_on_grid
from core.networks.layers import Network, Tape
from core.problems import Problem

PROBES = 7
"""Points in which the slopes of jets are held against those of the fields."""
GRID_AT_ONCE = 2_000_000
"""Numbers of a field's jet on a grid that are computed at a time, where that is summed axis by axis."""
HIDDEN_AT_ONCE = 32_000_000
"""The same of the widest hidden layer's jet behind such a sum."""
FEW_FUNCTIONS, FUNCTIONS_AT_ONCE = 32, 2_048
"""Beyond so many functions of the domain's own, each a call or more, as many points at least are taken at a time."""


def _value(part: Jet | Tensor) -> Tensor:
    return part if isinstance(part, Tensor) else part.value


@contextmanager
def problem_code(problem: Problem, method: str) -> Iterator[None]:
    """Around a problem's own code: what it raises becomes one sentence, its traceback stays in the log."""
    try:
        yield
    except LabError:
        raise
    except Exception as error:
        text = " ".join(str(error).split())[:300]
        traceback.print_exception(error)
        raise TrainingError(
            f"{method} of the problem {problem.kind} ({inspect.getfile(type(problem))}) failed: "
            f"{type(error).__name__}: {text}"
        ) from error


def features_of(problem: Problem, x: tuple[Jet, ...], lam: Tensor | None, reads: tuple[int, ...] | None = None) -> Jet:
    """A problem's features that a network reads as one jet (C, N, …); None: its inputs, without those of a domain."""
    found = problem.features(x, lam)
    return stack(found[: problem.inputs] if reads is None else [found[place] for place in reads])


@dataclass
class Term:
    """One stage's network and its scale ε."""

    network: Network
    epsilon: float
    centre: float | None = None
    """λ at which the network's features are taken; None: at the λ of the moment."""


class Solution(nn.Module):
    """Sum of stages under a problem's ansatz, with λ where the problem has one, and its further unknown numbers.

    Args:
        problem: the PDE.
        lam: λ, or None for a problem without one.
    """

    def __init__(self, problem: Problem, lam: float | None):
        super().__init__()
        self.problem = problem
        self.layout = Layout.of(len(problem.coordinates), problem.forms)
        self.networks = nn.ModuleList()
        self.epsilons: list[float] = []
        self.centres: list[float | None] = []
        self.lam = None if lam is None else nn.Parameter(torch.tensor(lam, dtype=torch.float64), requires_grad=False)
        further = torch.tensor([start for start, *_ in problem.further_unknowns.values()], dtype=torch.float64)
        self.further = nn.Parameter(further, requires_grad=False) if len(further) else None
        self._exact: dict[int, Tensor] = {}

    @contextmanager
    def computing_in(self, dtype: torch.dtype) -> Iterator[None]:
        """Everything in another dtype for a while: what is trained moves there, the rest has all its digits afterwards.

        Rounding the stages before to float32 and back would undo what second order made of them.
        """
        if dtype == torch.float64:
            yield
            return
        frozen = {name: part.detach() for name, part in self._tensors().items() if not part.requires_grad}
        self.to(dtype)
        self._exact = {id(part): frozen[name] for name, part in self._tensors().items() if name in frozen}
        try:
            yield
        finally:
            self._exact = {}
            self.to(torch.float64)
            for name, part in self._tensors().items():
                if name in frozen and not part.requires_grad:
                    part.data = frozen[name]

    def exact(self, part: Tensor) -> Tensor:
        """A parameter or buffer with all its digits, while everything computes in another dtype too; detached."""
        return part.detach() if part.requires_grad else self._exact.get(id(part), part.detach())

    def _tensors(self) -> dict[str, Tensor]:
        return {**dict(self.named_parameters()), **dict(self.named_buffers())}

    @property
    def free_lambda(self) -> bool:
        """Whether λ is being solved for, and with it all further unknown numbers."""
        return self.lam is not None and self.lam.requires_grad

    def unknowns(self) -> list[nn.Parameter]:
        """λ and the further unknown numbers, where there are any."""
        return [part for part in (self.lam, self.further) if part is not None]

    def free_unknowns(self, free: bool = True) -> None:
        """Solve for λ and the further unknown numbers from here on, or no more."""
        for part in self.unknowns():
            part.requires_grad_(free)

    def values_of_unknowns(self) -> dict[str, float]:
        """Name → value, λ's first."""
        values = torch.cat([part.detach().reshape(-1).cpu() for part in self.unknowns()] or [torch.zeros(0)])
        names = [self.problem.unknown, *self.problem.further_unknowns] if len(values) else []
        return dict(zip(names, values.tolist(), strict=True))

    def lambda_at(self, like: Tensor, count: int) -> Tensor | None:
        """λ at so many points, (n,); with further unknown numbers all of them, (n, 1 + further); None without.

        Args:
            like: whose dtype it gets.
            count: how many points.
        """
        if self.lam is None:
            return None
        if self.further is None:
            return self.lam.to(like.dtype).expand(count)
        return torch.cat([self.lam.reshape(1), self.further]).to(like.dtype).expand(count, -1)

    def add(self, term: Term) -> None:
        """Freeze what is there and add a term, which alone stays trainable."""
        self.networks.requires_grad_(False)
        self.networks.append(term.network)
        self.epsilons.append(term.epsilon)
        self.centres.append(term.centre)

    def replace_last(self, network: Network) -> None:
        """Put another network in the place of the last one, at the same scale."""
        self.networks[-1] = network

    def remove_last(self) -> None:
        """Take the last term away again."""
        del self.networks[-1]
        self.epsilons.pop()
        self.centres.pop()

    def keep_last(self) -> None:
        """Drop all terms but the last."""
        self.networks = self.networks[-1:]
        self.epsilons, self.centres = self.epsilons[-1:], self.centres[-1:]

    def raw(
        self, features: tuple[Jet, ...], start: int = 0, stop: int | None = None, tape: Tape | None = None
    ) -> Tensor | None:
        """Σ ε_k Φ_k over the stages start … stop−1, shape (C, N, outputs); None when the range is empty.

        Args:
            features: of each stage of the range, (C, N, inputs), as `features` gives them.
            start: first stage.
            stop: one past the last; None: all.
            tape: of the last stage of all.
        """
        total = None
        last = len(self.networks) - 1
        for k in range(start, len(self.networks) if stop is None else stop):
            part = self.networks[k](features[k - start], tape if k == last else None).data
            if self.epsilons[k] != 1:
                part = part * self.epsilons[k]
            total = part if total is None else total + part
        return total

    def features(
        self, x: tuple[Jet, ...], lam: Tensor | None, start: int = 0, stop: int | None = None
    ) -> tuple[Jet, ...]:
        """What the networks of the stages start … stop−1 read, (C, N, inputs) each; computed once for one λ."""
        known: dict[tuple, Jet] = {}
        found = []
        for network, centre in zip(self.networks[start:stop], self.centres[start:stop], strict=True):
            if (centre, network.reads) not in known:
                at = lam if centre is None else torch.full_like(lam, centre)
                known[centre, network.reads] = self.features_at(x, at, network.reads)
            found.append(known[centre, network.reads])
        return tuple(found)

    def features_at(self, x: tuple[Jet, ...], lam: Tensor | None, reads: tuple[int, ...] | None = None) -> Jet:
        """The problem's features at λ as one jet: those at the places `reads`, or its first `inputs`, (C, N, …)."""
        with problem_code(self.problem, "features"):
            return features_of(self.problem, x, lam, reads)

    def fields(self, raw: Tensor, x: tuple[Jet, ...], lam: Tensor | None) -> dict[str, Jet]:
        """Fields as jets from raw outputs (C, N, outputs)."""
        outputs = tuple(Jet(output, self.layout) for output in raw.unbind(-1))
        with problem_code(self.problem, "ansatz"):
            fields = self.problem.ansatz(outputs, x, lam)
            given = (*fields, *self.problem.integral_names)
            if missing := [name for name in self.problem.fields if name not in given]:
                raise KeyError(f"it gives no {', '.join(missing)}")
        return fields

    def residuals(self, points: str, u: dict[str, Jet], x: tuple[Jet, ...], lam: Tensor | None) -> dict[str, Tensor]:
        """The problem's residuals on a point set, each of shape (n,)."""
        count = x[0].value.shape[-1]
        with problem_code(self.problem, "residuals"):
            residuals = self.problem.residuals(points, u, x, lam)
            for name, r in residuals.items():
                if name not in self.problem.residual_names:
                    raise KeyError(f"{name} is not in residual_names")
                if r.shape != (count,):
                    raise ValueError(f"{name} has the shape {tuple(r.shape)} and should have ({count},)")
        return residuals

    @torch.no_grad()
    def fields_at(self, points: np.ndarray) -> dict[str, np.ndarray]:
        """Fields (N,) at points (N, d), without their equations; nonlocal ones are left out."""
        return self._in_chunks(points, lambda u: {name: _value(u[name]) for name in self.problem.fields if name in u})

    def first_stages(self, stop: int | None) -> Solution:
        """The sum of the first `stop` stages, None for all, at the same unknown numbers; networks are shared."""
        found = Solution(self.problem, None)
        found.networks = self.networks[:stop]
        found.epsilons, found.centres = self.epsilons[:stop], self.centres[:stop]
        found.lam, found.further = self.lam, self.further
        return found

    @torch.no_grad()
    def derivatives_at(self, points: np.ndarray, wanted: Iterable[tuple[str, MultiIndex]]) -> np.ndarray:
        """Derivatives of fields at points (N, d), exact up to rounding: (len(wanted), N).

        Args:
            points: (N, d).
            wanted: field, and the coordinates that it is differentiated by, in order: ("u", (0, 0, 1)) is ∂₀∂₀∂₁u.

        Raises:
            LabError: a field is itself made of derivatives or integrals, so that its jet does not know its own.
        """
        wanted = tuple(wanted)
        forms = {f"derivative {by}": derivative(*by) for _, by in wanted if len(by) > 1}
        asked = self.first_stages(None)
        asked.layout = Layout.of(len(self.problem.coordinates), {**self.problem.forms, **forms})
        asked.check_jets(points, {name for name, _ in wanted})

        def values(u: dict[str, Jet]) -> dict[int, Tensor]:
            return {k: u[name].form(f"derivative {by}") if len(by) > 1 else u[name].first(by[0])
                    for k, (name, by) in enumerate(wanted)}  # fmt: skip

        found = asked._in_chunks(np.asarray(points, dtype=np.float64), values)
        return np.stack([found[k] for k in range(len(wanted))])

    def check_jets(self, points: np.ndarray, fields: Iterable[str]) -> None:
        """Raise LabError where a field's jet has another slope than the field, looked at in a few of the points."""
        few = np.asarray(points, dtype=np.float64)[:: max(1, len(points) // PROBES)][:PROBES]
        u, _, _ = self._fields_at(few, next(self.networks.parameters(), torch.zeros(0, dtype=torch.float64)))
        _, slopes = self.gradients(few)
        for name in fields:
            jet, slope = u.get(name), slopes[name] if name in u else None
            if isinstance(jet, Jet):
                found = jet.gradient.double().cpu().numpy().T
                if np.allclose(found, slope, rtol=1e-6, atol=1e-9 * max(1e-300, np.abs(slope).max()), equal_nan=True):
                    continue
            raise LabError(f"{name} is itself made of derivatives or integrals; its own are not known exactly.")

    @torch.no_grad()
    def slopes_at(self, points: np.ndarray, coordinate: int) -> dict[str, np.ndarray]:
        """What the fields' jets say of their derivative along a coordinate (N,) at points (N, d)."""
        return self._in_chunks(points, lambda u: {name: u[name].first(coordinate) for name in self.problem.fields})

    def _in_chunks(self, points: np.ndarray, wanted: Callable[[dict], dict[str, Tensor]]) -> dict[str, np.ndarray]:
        """What is wanted of the fields' jets, (N,) each: memory does not grow with the points but for that."""
        like, parts = next(self.networks.parameters(), torch.zeros(0, dtype=torch.float64)), {}
        for block in self._blocks(points):
            u, _, _ = self._fields_at(points[block], like)
            for name, value in wanted(u).items():
                parts.setdefault(name, []).append(value.double().cpu().numpy())
        return {name: np.concatenate(blocks) for name, blocks in parts.items()}

    @torch.no_grad()
    def evaluate(
        self,
        points: np.ndarray,
        point_set: str | None = "interior",
        seen: Callable[[float], None] = lambda share: None,
    ) -> dict[str, np.ndarray]:
        """Every field, and every residual asked for on `point_set`, at points (N, d): (N,) each.

        They are called as the problem's `value_names` says: `u`, `residual_poisson`.

        Args:
            points: (N, d).
            point_set: whose equations the residuals are of, at the scale the problem divides them by; None: no
                residuals, which is several times as fast.
            seen: called with the share of the points that is done, again and again.
        """
        like = next(self.parameters(), torch.zeros(0, dtype=torch.float64))
        parts: dict[str, list[np.ndarray]] = {}
        names = self.problem.value_names.residuals
        points = np.asarray(points, dtype=np.float64)
        integrated = self._integrated(like) if self.problem.integral_names else {}
        bare = point_set is None and len(points) > PROBES and self._made_of_values(points, like)
        for chosen in self._blocks(points) if len(points) else ():
            block = points[chosen]
            u, x, lam = self._fields_at(block, like, bare)
            if integrated:
                for name, integral in self.problem.integrals(block, self.problem.sources()).items():
                    matrix = torch.as_tensor(integral.matrix, dtype=like.dtype, device=like.device)
                    u[name] = matrix @ integrated[integral.field]
            values = {name: _value(u[name]) for name in self.problem.fields}
            if point_set is not None:
                for name, residual in self.residuals(point_set, u, x, lam).items():
                    values[names[name]] = residual
            for name, value in values.items():
                parts.setdefault(name, []).append(value.double().cpu().numpy())
            seen(min(1.0, chosen.stop / len(points)))
        return {name: np.concatenate(blocks) for name, blocks in parts.items()}

    @torch.no_grad()
    def gradients(self, points: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Every field (N,) and its gradient (N, d) at points (N, d): what `evaluate` gives, differentiated forward.

        It holds also where a field is itself made of derivatives, of which its jet knows none.
        """
        like = next(self.parameters(), torch.zeros(0, dtype=torch.float64))
        names = self.problem.fields
        fields, slopes = ({name: [] for name in names} for _ in range(2))
        points = np.asarray(points, dtype=np.float64)
        for chosen in self._blocks(points) if len(points) else ():
            block = torch.as_tensor(points[chosen], dtype=like.dtype, device=like.device)
            along = []
            for i in range(block.shape[1]):
                direction = torch.zeros_like(block)
                direction[:, i] = 1
                with forward_ad.dual_level():
                    u = self._differentiable_fields(forward_ad.make_dual(block, direction))
                    along.append([forward_ad.unpack_dual(_value(u[name])) for name in names])
            for name, *pairs in zip(names, *along, strict=True):
                fields[name].append(pairs[0].primal.double().cpu().numpy())
                slope = torch.stack([torch.zeros_like(p) if t is None else t for p, t in pairs], dim=1)
                slopes[name].append(slope.double().cpu().numpy())
        return tuple({name: np.concatenate(parts) for name, parts in kept.items()} for kept in (fields, slopes))

    @property
    def _chunk(self) -> int:
        found = points_at_once(self.layout.components, max((network.widest for network in self.networks), default=1))
        return max(found, FUNCTIONS_AT_ONCE) if len(self.problem.functions) > FEW_FUNCTIONS else found

    def _blocks(self, points: np.ndarray) -> list[slice]:
        """What is evaluated at a time: few points, and of a grid parts of it where a network goes axis by axis."""
        chunk = self._chunk
        if self.problem.integral_names:
            chunk = min(chunk, 512)  # a chunk's integrals are rows of a matrix over thousands of sources
        found = self.blocks_on_grid(points)
        return found or [slice(start, start + chunk) for start in range(0, max(1, len(points)), chunk)]

    def blocks_on_grid(self, points: np.ndarray) -> list[slice] | None:
        """Parts of points (N, d) that are grids themselves; None where nothing is gained by that.

        It is where a network is summed axis by axis.
        """
        if self.problem.integral_names or not len(self.networks):
            return None
        sides = sides_of(torch.as_tensor(points).unsqueeze(-1).unbind(1))
        if sides is None or not self._by_axes(points, sides):
            return None
        hidden = max((len(layer.weight) for network in self.networks for layer in network.layers[:-1]), default=1)
        return blocks_of(sides, max(1, min(GRID_AT_ONCE, HIDDEN_AT_ONCE // hidden) // self.layout.components))

    def _by_axes(self, points: np.ndarray, sides: Sequence[int]) -> bool:
        """Whether a network is summed axis by axis on a grid: asked at a few of its nodes along each axis."""
        few = np.ix_(*(sorted({0, side // 2, side - 1}) for side in sides))
        nodes = points.reshape(*sides, -1)[few].reshape(-1, points.shape[1])
        like = next(self.parameters())
        block = torch.as_tensor(nodes, dtype=like.dtype, device=like.device)
        features = self.features(coordinates(block, self.layout), self.lambda_at(block, len(block)))
        found = zip(self.networks, features, strict=True)
        return any(sums_on_grid(network, each) is not None for network, each in found)

    def _made_of_values(self, points: np.ndarray, like: Tensor) -> bool:
        """Whether fields' values come from the networks' values alone: derivatives that are NaN change none of them."""
        few = torch.as_tensor(points[:: len(points) // PROBES][:PROBES], dtype=like.dtype, device=like.device)
        x, lam = coordinates(few, self.layout), self.lambda_at(few, len(few))
        raw = self._raw_at(x, lam, self.layout.components)
        without = raw.clone()
        without[1:] = torch.nan
        whole, bare = (self.fields(each, x, lam) for each in (raw, without))
        return all(
            torch.equal(_value(whole[name]), _value(bare[name])) for name in self.problem.fields if name in whole
        )

    def _raw_at(self, x: tuple[Jet, ...], lam: Tensor | None, components: int) -> Tensor:
        """The first components of Σ ε_k Φ_k, the rest zero, (C, N, outputs), where nothing is trained."""
        raw = x[0].data.new_zeros(self.layout.components, x[0].data.shape[1], self.problem.outputs)
        for network, epsilon, each in zip(self.networks, self.epsilons, self.features(x, lam), strict=True):
            raw[:components] += epsilon * evaluated(network, each, components)
        return raw

    def _fields_at(
        self, points: np.ndarray, like: Tensor, bare: bool = False
    ) -> tuple[dict, tuple[Jet, ...], Tensor | None]:
        """Fields, coordinates and λ at points (N, d). `bare`: the fields' values alone hold, and no derivative."""
        block = torch.as_tensor(points, dtype=like.dtype, device=like.device)
        x, lam = coordinates(block, self.layout), self.lambda_at(block, len(block))
        raw = self._raw_at(x, lam, 1 if bare else self.layout.components)  # no stage yet: what the ansatz alone says
        return self.fields(raw, x, lam), x, lam

    def _differentiable_fields(self, points: Tensor) -> dict:
        """Fields at points (N, d) by operations that any differentiation goes through."""
        x, lam = coordinates(points, self.layout), self.lambda_at(points, len(points))
        raw = self.raw(self.features(x, lam))
        if raw is None:
            raw = points.new_zeros(self.layout.components, len(points), self.problem.outputs)
        return self.fields(raw, x, lam)

    def _integrated(self, like: Tensor) -> dict[str, Tensor]:
        """What `ansatz` gives at the problem's own sources, to be integrated: name → (n,)."""
        u, _, _ = self._fields_at(self.problem.sources(), like)
        return {name: jet.value for name, jet in u.items()}
