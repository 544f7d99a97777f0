"""Jets, the arithmetic that problems are written in and networks are evaluated with."""

from core.forms import Layout
from core.jets.grids import blocks_of, nodes_of, sides_of
from core.jets.jet import Jet, coordinates, cos_sin, stack
from core.jets.layer import ACTIVATIONS, Activation, activate, affine
from core.jets.limited_products import Limited, limited, limited_sums
from core.jets.polynomials import Kind, chebyshev, chebyshev_sums
from core.jets.splines import SplineProducts
from core.jets.tensor import TensorSums
from core.jets.wave_sums import WaveSums

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "Jet",
    "Kind",
    "Layout",
    "Limited",
    "SplineProducts",
    "TensorSums",
    "WaveSums",
    "activate",
    "affine",
    "blocks_of",
    "chebyshev",
    "chebyshev_sums",
    "coordinates",
    "cos_sin",
    "limited",
    "limited_sums",
    "nodes_of",
    "sides_of",
    "stack",
]
