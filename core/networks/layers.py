"""Networks that carry jets: fully connected, and with a Fourier-feature first layer.

Each linear layer can be taped: its input and output are kept, so that per-sample gradients with respect to its
weights are one batched product (Goodfellow, arXiv 1510.01799) instead of a `vmap` over samples.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from functools import cached_property

import torch
from torch import Tensor, nn

from core import kernel
from core.config import MLP, Chebyshev, Fourier, Splines, orders_of
from core.jets import (
    Jet,
    Kind,
    Limited,
    SplineProducts,
    TensorSums,
    activate,
    affine,
    chebyshev,
    chebyshev_sums,
    cos_sin,
    limited,
    limited_sums,
)
from core.jets.splines import indices
from core.networks.knots import cells, knots_of
from core.problems import Problem
from core.problems.base import Block, Function

AT_ONCE = 2**22
"""Numbers of a jet of products that are made at once where their sum alone is asked for."""

Tape = list[tuple["JetLinear", Tensor, Tensor]]
"""(layer, its input (C, N, in), its output (C, N, out)) in forward order."""


class JetLinear(nn.Module):
    """Affine map of the last axis of a jet; the bias belongs to the value alone."""

    def __init__(self, weight: Tensor, bias: Tensor | None):
        super().__init__()
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(bias) if bias is not None else None

    def forward(self, jet: Jet, tape: Tape | None = None) -> Jet:
        """Shape (C, N, in) to (C, N, out)."""
        out = affine(jet, self.weight, self.bias)
        if tape is not None:
            tape.append((self, jet.data, out.data))
        return out

    def sample_gradients(self, inputs: Tensor, cotangent: Tensor) -> list[Tensor]:
        """Per-sample gradients (N, out·in) and, with a bias, (N, out), from the output's cotangent (C, N, out)."""
        samples = cotangent.shape[1]
        weight = torch.bmm(cotangent.permute(1, 2, 0), inputs.permute(1, 0, 2)).reshape(samples, -1)
        return [weight] if self.bias is None else [weight, cotangent[0]]


def _glorot(inputs: int, outputs: int, generator: torch.Generator) -> Tensor:
    scale = math.sqrt(2 / (inputs + outputs))
    return torch.randn(outputs, inputs, generator=generator, dtype=torch.float64) * scale


class Network(nn.Module):
    """Raw outputs of one stage from the problem's features."""

    def __init__(
        self,
        layers: list[JetLinear],
        activation: str,
        basis: Tensor | None = None,
        degrees: tuple[int, ...] | None = None,
        reads: tuple[int, ...] | None = None,
        smooth: Tensor | None = None,
        circles: tuple[int, ...] = (),
        alone: int = 0,
        total: int | None = None,
        kinds: tuple[Kind, ...] | None = None,
        splines: SplineProducts | None = None,
        fields: tuple[int | None, ...] = (),
    ):
        """A network of these layers.

        Args:
            layers: in their order.
            activation: between them.
            basis: B of Fourier features, (rows, inputs).
            degrees: of Chebyshev polynomials instead.
            reads: which of the problem's features it is given; None: the first. Those beyond the basis's columns are
                functions that stand beside its waves.
            smooth: waves (q, inputs) by which these are multiplied too.
            circles: inputs of polynomials that are the cosine of a periodic coordinate; see `core.jets.chebyshev`.
            alone: how many of the functions, the first, are not multiplied.
            total: highest total degree of the products of polynomials; None: any.
            kinds: of polynomials; see `core.jets.chebyshev`.
            splines: products of the first inputs instead.
            fields: of the functions beside them, which output alone reads each; there is a layer for each output then.
        """
        super().__init__()
        self.splines, self.fields = splines, fields
        self.layers = nn.ModuleList(layers)
        self.activation = activation
        self.degrees, self.circles, self.total, self.kinds = degrees, circles, total, kinds
        self._read: tuple[Tensor, Jet] | None = None
        self._grid: tuple[Tensor, TensorSums | None] | None = None
        self.reads = reads
        self.alone = alone
        self.register_buffer("basis", basis)
        self.register_buffer("smooth", smooth)

    @cached_property
    def limited(self) -> Limited:
        """Which products of polynomials there are, where their total degree is limited."""
        orders = orders_of(self.degrees, self.circles, self.kinds and tuple(parity for parity, _ in self.kinds))
        return Limited.of(self.degrees, self.circles, orders, self.total, self.kinds)

    @property
    def last(self) -> list[JetLinear]:
        """The layers that give the outputs, in their order: one, or one for each."""
        return list(self.layers) if self.splines is not None else [self.layers[-1]]

    @property
    def widest(self) -> int:
        """Numbers that the widest jet holds for each point and component, while the network is evaluated."""
        if self.degrees and self.total is None:
            return max(self.degrees[0], math.prod(self.degrees[1:]) * len(self.layers[0].weight))
        return max(layer.weight.shape[1] for layer in self.layers)

    def forward(self, features: Jet, tape: Tape | None = None) -> Jet:
        """Features (C, N, inputs) to outputs (C, N, outputs)."""
        if self.degrees and tape is None and not self._has_read(features):
            if self.total is not None:
                return limited_sums(features, self.limited, self.layers[0].weight)
            sums = self.on_grid(features)
            if sums is not None:
                return sums(self.layers[0].weight)
            return chebyshev_sums(features, self.degrees, self.layers[0].weight, self.circles, self.kinds)
        if self.splines and tape is None and not self._has_read(features):
            found = [self._summed(self._splines(block), None).data for block in self._blocks(features)]
            return Jet(torch.cat(found, dim=1), features.layout)
        if self.splines:
            return self._summed(self._lifted(features), tape)
        jet = self._lifted(features)
        if tape is None:
            parameters = [p for layer in self.layers for p in (layer.weight, layer.bias)]
            if kernel.available(jet.data, jet.layout, parameters):
                return Jet(kernel.network(jet.data, jet.layout, self.activation, parameters), jet.layout)
        for layer in self.layers[:-1]:
            jet = activate(layer(jet, tape), self.activation)
        return self.layers[-1](jet, tape)

    def on_grid(self, features: Jet) -> TensorSums | None:
        """What sums its polynomials axis by axis; None where they are not on a grid, or of limited total degree."""
        if not self.degrees or self.total is not None:
            return None
        if self._grid is None or self._grid[0] is not features.data:
            self._grid = features.data, TensorSums.of(features, self.degrees, self.circles, self.kinds)
        return self._grid[1]

    def forget(self) -> None:
        """Drop what was made of the features it read last: it isn't trained any more."""
        self._read = self._grid = None

    def _lifted(self, features: Jet) -> Jet:
        """What the first layer reads, (C, N, in)."""
        if self.basis is not None:
            read = self.basis.shape[1]
            waves = cos_sin(Jet(features.data[..., :read] @ self.basis.T, features.layout))
            if self.reads is None or len(self.reads) == read:
                return waves
            beside = self._multiplied(Jet(features.data[..., read:], features.layout), features)
            return Jet(torch.cat([waves.data, beside.data], dim=-1), features.layout)
        if self.splines is not None:
            if not self._has_read(features):
                self._read = (features.data, self._splines(features))
            return self._read[1]
        if self.degrees is None:
            return features
        # thousands of products at each point: made once for features that stay
        if not self._has_read(features):
            if self.total is None:
                self._read = (features.data, chebyshev(features, self.degrees, self.circles, self.kinds))
            else:
                self._read = (features.data, limited(features, self.limited))
        return self._read[1]

    def _summed(self, lifted: Jet, tape: Tape | None) -> Jet:
        if len(self.layers) == 1:
            return self.layers[0](lifted, tape)
        found = []
        for output, layer in enumerate(self.layers):
            own = self.columns(output).to(lifted.data.device)
            found.append(layer(Jet(lifted.data[..., own], lifted.layout), tape).data)
        return Jet(torch.cat(found, dim=-1), lifted.layout)

    def columns(self, output: int) -> Tensor:
        """Which of the splines, the functions and their products an output reads, (m,)."""
        products = 2 * len(self.smooth) if self.smooth is not None else 0
        of_field = [*self.fields, *(field for field in self.fields[self.alone :] for _ in range(products))]
        first = len(self.splines.chosen)
        own = [first + k for k, field in enumerate(of_field) if field in (None, output)]
        return torch.tensor([*range(first), *own])

    def shapes(self, outputs: int) -> list[tuple[int, int]]:
        """Of the weight of each layer that sums splines: one for all outputs, or one for each."""
        if all(field is None for field in self.fields):
            return [(outputs, len(self.columns(0)))]
        return [(1, len(self.columns(output))) for output in range(outputs)]

    def _splines(self, features: Jet) -> Jet:
        read, layout = len(self.splines.knots), features.layout
        products = self.splines.of(Jet(features.data[..., :read], layout))
        if features.data.shape[-1] == read:
            return products
        beside = self._multiplied(Jet(features.data[..., read:], layout), features)
        return Jet(torch.cat([products.data, beside.data], dim=-1), layout)

    def _blocks(self, features: Jet) -> Iterator[Jet]:
        """Features at few points at once: a sum of thousands of products at each is asked for, and no more."""
        components, points, _ = features.data.shape
        step = max(1, AT_ONCE // (components * self.layers[0].weight.shape[1]))
        for start in range(0, max(points, 1), step):
            yield Jet(features.data[:, start : start + step], features.layout)

    def _multiplied(self, functions: Jet, features: Jet) -> Jet:
        """Functions (C, N, m), and each but the first ones times each of the smooth waves."""
        if self.smooth is None or not len(self.smooth) or functions.data.shape[-1] == self.alone:
            return functions
        layout = functions.layout
        waves = cos_sin(Jet(features.data[..., : self.smooth.shape[1]] @ self.smooth.T, layout))
        products = Jet(functions.data[..., self.alone :, None], layout) * Jet(waves.data[..., None, :], layout)
        return Jet(torch.cat([functions.data, products.data.flatten(-2)], dim=-1), layout)

    def _has_read(self, features: Jet) -> bool:
        return self._read is not None and self._read[0] is features.data


def mlp(config: MLP, inputs: int, outputs: int, generator: torch.Generator) -> Network:
    """A fully connected network in float64, Glorot-normal weights, small biases."""
    widths = [inputs, *config.hidden, outputs]
    layers = [
        JetLinear(
            _glorot(fan_in, fan_out, generator),
            0.1 * torch.randn(fan_out, generator=generator, dtype=torch.float64),
        )
        for fan_in, fan_out in itertools.pairwise(widths)
    ]
    return Network(layers, config.activation)


def fourier_of(
    problem: Problem, config: Fourier, sigma: float | tuple[float, ...], generator: torch.Generator
) -> Network:
    """`fourier` for a problem, with the features of its domain's own where the config asks for them."""
    own = (problem.blocks, problem.functions)
    return fourier(config, sigma, problem.inputs, problem.outputs, generator, *own)


def fourier(
    config: Fourier,
    sigma: float | tuple[float, ...],
    inputs: int,
    outputs: int,
    generator: torch.Generator,
    blocks: tuple[Block, ...] = (),
    functions: tuple[Function, ...] = (),
) -> Network:
    """Features [cos Bx, sin Bx], B ~ N(0, σ²) fixed, then `hidden` tanh layers; the last layer starts at zero.

    σ is one number, or one for each input. Zero, so that a new stage changes nothing until its first step. Beside them
    are those of the domain's own, `blocks` and `functions` of a problem, that `config.local` asks for.
    """
    basis = torch.as_tensor(sigma, dtype=torch.float64) * torch.randn(
        config.features, inputs, generator=generator, dtype=torch.float64
    )
    reads, smooth, alone = None, None, 0
    if config.local is not None and (blocks or functions):
        basis, reads, smooth = _with_local(config, basis, sigma, generator, blocks, functions)
        alone = sum(each.exponent == 0 for each in config.local.asked(functions))
    widths = [lifted_width(basis, reads, smooth, alone), *config.hidden]
    layers = [
        JetLinear(_glorot(fan_in, fan_out, generator), torch.zeros(fan_out, dtype=torch.float64))
        for fan_in, fan_out in itertools.pairwise(widths)
    ]
    layers.append(
        JetLinear(
            torch.zeros(outputs, widths[-1], dtype=torch.float64),
            torch.zeros(outputs, dtype=torch.float64),
        )
    )
    return Network(layers, "tanh", basis, reads=reads, smooth=smooth, alone=alone)


def lifted_width(basis: Tensor, reads: tuple[int, ...] | None, smooth: Tensor | None, alone: int) -> int:
    """How many features the first layer reads: waves, and functions with their products."""
    functions = 0 if reads is None else len(reads) - basis.shape[1]
    return 2 * len(basis) + functions + (functions - alone) * 2 * (0 if smooth is None else len(smooth))


def _with_local(
    config: Fourier,
    basis: Tensor,
    sigma: float | tuple[float, ...],
    generator: torch.Generator,
    of_blocks: tuple[Block, ...],
    of_functions: tuple[Function, ...],
) -> tuple[Tensor, tuple[int, ...], Tensor | None]:
    """B with rows for each block of a domain's own, what the network reads, and the smooth waves."""
    local, inputs = config.local, basis.shape[1]
    plain = torch.as_tensor(sigma, dtype=torch.float64).expand(inputs)
    own = sorted({place for block in of_blocks for place in block.places if place >= inputs})
    read = [*range(inputs), *own]
    blocks = [torch.nn.functional.pad(basis, (0, len(own)))]
    for block in of_blocks:
        rows = local.rows(config.features, block.weight)
        drawn = torch.zeros(rows, len(read), dtype=torch.float64)
        for place in block.places:
            scale = plain[place] if place < inputs else local.sigma
            drawn[:, read.index(place)] = scale * torch.randn(rows, generator=generator, dtype=torch.float64)
        blocks.append(drawn)
    functions = [each.place for each in local.asked(of_functions)]
    smooth = (local.smooth_sigma or 1.0) * torch.randn(local.smooth, inputs, generator=generator, dtype=torch.float64)
    return torch.cat(blocks), (*read, *functions), smooth


def splined(problem: Problem, config: Splines, generator: torch.Generator) -> Network:
    """Products of B-splines that have some of the domain in their support, and a linear layer that starts at zero.

    Their knots are those of the coordinates, seen from −1 to 1 as `Problem.features` gives them.
    """
    own = knots_of(config, problem)
    scaled = tuple(
        torch.as_tensor((2 * knots - low - high) / (high - low))
        for knots, (low, high) in zip(own, problem.domain(), strict=True)
    )
    products = SplineProducts(config.degree, scaled, indices(torch.as_tensor(cells(problem, own)), config.degree))
    asked = [] if config.local is None else config.local.asked(problem.functions, single=True)
    alone, smooth, reads = sum(each.exponent == 0 for each in asked), None, tuple(range(problem.inputs))
    if asked:
        deviation = config.local.smooth_sigma or 1.0
        smooth = deviation * torch.randn(config.local.smooth, problem.inputs, generator=generator, dtype=torch.float64)
    reads += tuple(each.place for each in asked)
    fields = tuple(each.field for each in asked)
    found = Network([], "tanh", reads=reads, smooth=smooth, alone=alone, splines=products, fields=fields)
    for rows, columns in found.shapes(problem.outputs):
        found.layers.append(JetLinear(torch.zeros(rows, columns, dtype=torch.float64), None))
    return found


def polynomials(config: Chebyshev, outputs: int, circles: tuple[int, ...] = ()) -> Network:
    """Products of Chebyshev polynomials and one linear layer, without a bias, since T₀T₀ is one; it starts at zero.

    Of `circles`, see `core.jets.chebyshev`, it has harmonics.
    """
    layer = JetLinear(torch.zeros(outputs, config.products(circles), dtype=torch.float64), None)
    return Network(
        [layer], "tanh", degrees=tuple(config.degrees), circles=circles, total=config.total, kinds=config.kinds
    )
