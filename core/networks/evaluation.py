"""Networks evaluated where nothing is trained: on a grid axis by axis, elsewhere few points at a time."""

from __future__ import annotations

import torch
from torch import Tensor

from core.forms import Layout
from core.jets import Jet, TensorSums, WaveSums, activate
from core.networks.layers import Network

VALUE = Layout(0)
"""Of jets that carry no derivative."""


def points_at_once(components: int, widest: int) -> int:
    """So many points that jets of so many components and numbers stay near the processor's cache (at 8 bytes)."""
    return max(128, 2_000_000 // (components * max(1, widest)))


def sums_on_grid(network: Network, features: Jet) -> TensorSums | WaveSums | None:
    """What sums a network's first layer axis by axis, be it of polynomials or of waves; None where that can't be."""
    if network.basis is None:
        return network.on_grid(features)
    if network.reads is not None and len(network.reads) != network.basis.shape[1]:
        return None  # functions stand beside the waves
    return WaveSums.of(features, network.basis)


def evaluated(network: Network, features: Jet, components: int) -> Tensor:
    """The first components of what a network gives, (components, N, outputs), without a tape.

    Equal to `network(features)` up to rounding.

    Args:
        network: of one stage.
        features: what it reads, (C, N, inputs).
        components: how many: all of the layout's, or 1 for the value alone.
    """
    layout = VALUE if components == 1 else features.layout
    sums = sums_on_grid(network, features)
    if sums is None:
        at_once = points_at_once(components, network.widest)
        parts = features.data[:components].split(at_once, dim=1)
        return torch.cat([network(Jet(part, layout)).data for part in parts], dim=1)
    first, *rest = network.layers
    jet = Jet(sums.components(first.weight, range(components)).transpose(1, 2), layout)
    if first.bias is not None:
        jet.data[0] += first.bias
    for layer in rest:
        jet = layer(activate(jet, network.activation))
    return jet.data
