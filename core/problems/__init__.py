"""The catalogue of problems: a new one is its own file and one line here."""

from core.problems.base import Problem
from core.problems.burgers_inverse import BurgersInverse
from core.problems.burgers_profile import BurgersProfile
from core.problems.burgers_viscous import BurgersViscous
from core.problems.poisson2d import Poisson2D
from core.problems.poisson3d import Poisson3D

CATALOGUE: tuple[type[Problem], ...] = (Poisson2D, Poisson3D, BurgersProfile, BurgersViscous, BurgersInverse)

__all__ = ["CATALOGUE", "Problem"]
