"""Poisson's equation on domains that are no boxes, with known solutions, for tests."""

import functools
from typing import ClassVar, Literal

import meshio
import numpy as np
import torch

from core.config import Fourier
from core.domains import Difference, Disk, Polygon, boundary, distance, factor, interior, local_features
from core.domains.mesh import made
from core.forms import Form, laplacian
from core.jets import Layout, coordinates
from core.networks.layers import JetLinear, Network
from core.problems.base import Problem

L_SHAPE = Polygon(vertices=((-1, -1), (1, -1), (1, 1), (0, 1), (0, 0), (-1, 0)))
TWO_HOLES = Difference(
    of=Disk(centre=(0, 0), radius=1),
    less=(Disk(centre=(0.4, 0.1), radius=0.2), Disk(centre=(-0.4, -0.2), radius=0.15)),
)


BIG, SMALL = 1.0, 0.4


def torus(n=48, m=24):
    """Points and triangles of a torus about the z axis, normals outwards."""
    u, v = np.meshgrid(np.arange(n) * 2 * np.pi / n, np.arange(m) * 2 * np.pi / m, indexing="ij")
    r = BIG + SMALL * np.cos(v)
    points = np.stack([r * np.cos(u), r * np.sin(u), SMALL * np.sin(v)], axis=-1).reshape(-1, 3)
    at = np.arange(n * m).reshape(n, m)
    right, up, both = np.roll(at, -1, 0), np.roll(at, -1, 1), np.roll(at, (-1, -1), (0, 1))
    triangles = np.concatenate([np.stack([at, right, both], -1), np.stack([at, both, up], -1)]).reshape(-1, 3)
    return points, triangles


class PlanePoisson(Problem):
    """Δu = f, f from the solution; features of the domain's own beside x and y."""

    title: ClassVar[str] = "Poisson"
    equation: ClassVar[str] = r"\Delta u = f"
    coordinates: ClassVar[tuple[str, ...]] = ("x", "y")
    fields: ClassVar[tuple[str, ...]] = ("u",)
    residual_names: ClassVar[tuple[str, ...]] = ("poisson", "wall")
    forms: ClassVar[dict[str, Form]] = {"laplacian": laplacian(2)}
    linear: ClassVar[bool] = True
    shape: ClassVar = None

    @property
    def local(self):
        return local_features(self.shape)

    @property
    def beside(self):
        """How many functions the sum of networks has, each with a network of its own."""
        return len([f for local in self.local for f in local.functions((np.array([0.3]), np.array([-0.4])))])

    @property
    def inputs(self):
        return 2 + 2 * sum(local.kind == "hole" for local in self.local)

    @property
    def outputs(self):
        return 1 + self.beside

    def domain(self):
        return tuple(map(tuple, self.shape.box()))

    def features(self, x, lam):
        return [*x, *(each for local in self.local if local.kind == "hole" for each in local.inputs(x))]

    def summed(self, raw, x):
        functions = [f for local in self.local for f in local.functions(x)]
        return sum((f * part for f, part in zip(functions, raw[1:], strict=True)), start=raw[0] * 1.0)

    def collocation(self, unit):
        walls = boundary(self.shape, unit[: len(unit) // 3]).points
        return {"interior": interior(self.shape, unit, walls=0.5, corners=1.0), "walls": walls}

    def weight(self, x):
        return 1.0

    def residuals(self, points, u, x, lam):
        solution = self.solution(x)
        if points == "walls":
            return {"wall": (u["u"].value - solution.value) * 100}
        return {"poisson": (u["u"].form("laplacian") - solution.form("laplacian")) * self.weight(x)}

    def exact(self, points):
        with torch.no_grad():
            return {"u": self.solution(coordinates(torch.tensor(points), Layout.of(2, self.forms))).value.numpy()}


class TwoHolesByRows(PlanePoisson):
    """Harmonic, with singularities inside the holes and off their centres; conditions as rows."""

    kind: Literal["two_holes_rows"] = "two_holes_rows"
    shape: ClassVar = TWO_HOLES

    def ansatz(self, raw, x, lam):
        return {"u": self.summed(raw, x)}

    def solution(self, x):
        p, q = x[0] - 0.45, x[1] - 0.15
        r, s = x[0] + 0.43, x[1] + 0.22
        return (p * p + q * q).log() + r * 0.1 / (r * r + s * s) + x[0].exp() * x[1].sin()


class TwoHolesHard(TwoHolesByRows):
    """The same times what vanishes on the boundary, under an ansatz that does."""

    kind: Literal["two_holes_hard"] = "two_holes_hard"
    residual_names: ClassVar[tuple[str, ...]] = ("poisson",)

    def collocation(self, unit):
        return {"interior": interior(self.shape, unit, walls=0.5)}

    def ansatz(self, raw, x, lam):
        return {"u": distance(self.shape, x) * self.summed(raw, x)}

    def solution(self, x):
        return super().solution(x) * factor(self.shape, x)


class LShape(PlanePoisson):
    """A solution with the corner's singularity; conditions as rows."""

    kind: Literal["l_shape"] = "l_shape"
    shape: ClassVar = L_SHAPE

    def ansatz(self, raw, x, lam):
        return {"u": self.summed(raw, x)}

    def weight(self, x):
        return (x[0].value ** 2 + x[1].value ** 2) ** (2 / 3)

    def solution(self, x):
        singular = self.local[0].functions(x)[0]
        return singular * (x[0] * 0.5 - x[1]).cos() + (x[0] * 2).sin() * x[1].cos()


class InATorus(Problem):
    """Δu = f inside a torus that is a mesh, closed and of triangles; conditions as rows."""

    kind: Literal["in_a_torus"] = "in_a_torus"
    title: ClassVar[str] = "Poisson in a torus"
    equation: ClassVar[str] = r"\Delta u = f"
    coordinates: ClassVar[tuple[str, ...]] = ("x", "y", "z")
    fields: ClassVar[tuple[str, ...]] = ("u",)
    residual_names: ClassVar[tuple[str, ...]] = ("poisson", "wall")
    forms: ClassVar[dict[str, Form]] = {"laplacian": laplacian(3)}
    linear: ClassVar[bool] = True

    @functools.cached_property
    def shape(self):
        points, triangles = torus()
        return made(meshio.Mesh(points, [("triangle", triangles)]), "torus")

    def domain(self):
        return tuple(map(tuple, self.shape.box()))

    def features(self, x, lam):
        return list(x)

    def collocation(self, unit):
        return {"interior": self.shape.interior(unit), "walls": self.shape.boundary(unit[::2]).points}

    def ansatz(self, raw, x, lam):
        return {"u": raw[0] * 1.0}

    def residuals(self, points, u, x, lam):
        exact = (x[0].value * 2).sin() * x[1].value.exp() * (x[2].value * 1.5).cos()
        if points == "walls":
            return {"wall": (u["u"].value - exact) * 100}
        return {"poisson": u["u"].form("laplacian") - exact * (-4 + 1 - 2.25)}

    def exact(self, points):
        return {"u": np.sin(2 * points[:, 0]) * np.exp(points[:, 1]) * np.cos(1.5 * points[:, 2])}


def network(problem, plain: Fourier, sigma, beside: int, sigma_beside):
    """Fourier features of x and y, and of each hole's inverted coordinates, none of both; linear in its weights."""
    generator = torch.Generator().manual_seed(0)
    space = len(problem.coordinates)
    blocks = [sigma * torch.randn(plain.features, space, generator=generator, dtype=torch.float64)]
    blocks += [sigma_beside * torch.randn(beside, 2, generator=generator, dtype=torch.float64)] * (
        (problem.inputs - space) // space
    )
    basis = torch.block_diag(*blocks)
    weight = torch.zeros(problem.outputs, 2 * len(basis), dtype=torch.float64)
    return Network([JetLinear(weight, torch.zeros(problem.outputs, dtype=torch.float64))], "tanh", basis)
