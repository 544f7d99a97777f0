"""Networks that carry jets: fully connected, and with a Fourier-feature first layer.

Each linear layer can be taped: its input and output are kept, so that per-sample gradients with respect to its
weights are one batched product (Goodfellow, arXiv 1510.01799) instead of a `vmap` over samples.
"""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor, nn

from core import kernel
from core.config import MLP, Chebyshev, Fourier
from core.jets import Jet, activate, affine, chebyshev, chebyshev_sums, cos_sin

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
    ):
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.activation = activation
        self.degrees = degrees
        self._read: tuple[Tensor, Jet] | None = None
        self.register_buffer("basis", basis)

    @property
    def widest(self) -> int:
        """Numbers that the widest jet holds for each point and component, while the network is evaluated."""
        if self.degrees:
            return max(self.degrees[0], sum(self.degrees[1:]) * len(self.layers[0].weight))
        return max(layer.weight.shape[1] for layer in self.layers)

    def forward(self, features: Jet, tape: Tape | None = None) -> Jet:
        """Features (C, N, inputs) to outputs (C, N, outputs)."""
        if self.degrees and tape is None and not self._has_read(features):
            return chebyshev_sums(features, self.degrees, self.layers[0].weight)
        jet = self._lifted(features)
        if tape is None:
            parameters = [p for layer in self.layers for p in (layer.weight, layer.bias)]
            if kernel.available(jet.data, jet.layout, parameters):
                return Jet(kernel.network(jet.data, jet.layout, self.activation, parameters), jet.layout)
        for layer in self.layers[:-1]:
            jet = activate(layer(jet, tape), self.activation)
        return self.layers[-1](jet, tape)

    def _lifted(self, features: Jet) -> Jet:
        """What the first layer reads, (C, N, in)."""
        if self.basis is not None:
            return cos_sin(Jet(features.data @ self.basis.T, features.layout))
        if self.degrees is None:
            return features
        # thousands of products at each point: made once for features that stay
        if not self._has_read(features):
            self._read = (features.data, chebyshev(features, self.degrees))
        return self._read[1]

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


def fourier(
    config: Fourier, sigma: float | tuple[float, ...], inputs: int, outputs: int, generator: torch.Generator
) -> Network:
    """Features [cos Bx, sin Bx], B ~ N(0, σ²) fixed, then `hidden` tanh layers; the last layer starts at zero.

    σ is one number, or one for each input. Zero, so that a new stage changes nothing until its first step.
    """
    basis = torch.as_tensor(sigma, dtype=torch.float64) * torch.randn(
        config.features, inputs, generator=generator, dtype=torch.float64
    )
    widths = [2 * config.features, *config.hidden]
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
    return Network(layers, "tanh", basis)


def polynomials(config: Chebyshev, outputs: int) -> Network:
    """Products of Chebyshev polynomials and one linear layer, without a bias, since T₀T₀ is one; it starts at zero."""
    layer = JetLinear(torch.zeros(outputs, math.prod(config.degrees), dtype=torch.float64), None)
    return Network([layer], "tanh", degrees=tuple(config.degrees))
